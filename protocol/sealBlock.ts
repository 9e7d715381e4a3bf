import type { Address, Hex } from 'viem'
import type { Block } from './Block.ts'
import { keccakHex, sha256, toHex } from './bytes.ts'
import { BLOCK_GAS_LIMIT } from './constants.ts'
import { encodeExtraData } from './ExtraData.ts'
import { type Header, headerHash } from './Header.ts'
import { stateRootOf } from './KeystoreTrie.ts'
import { orderedTrieRoot } from './Trie.ts'

/** The L1 block that an L2 block builds on; `parentBeaconBlockRoot` is zero where it has none. */
export type L1Origin = { number: bigint; hash: Hex; parentBeaconBlockRoot: Hex }

const ZERO_ADDRESS: Address = `0x${'00'.repeat(20)}`
const EMPTY_LIST_HASH = keccakHex(Uint8Array.of(0xc0))
const EMPTY_REQUESTS_HASH = toHex(sha256(new Uint8Array()))

/** Builds the block that holds transactions whose receipts are known (protocol.md §4). */
export function sealBlock({
  number,
  parentHash,
  timestamp,
  l1Origin,
  sequenceNumber,
  transactions,
  encodedReceipts,
  logsBloom,
  gasUsed,
  keystoreRoot,
}: {
  number: bigint
  parentHash: Hex
  timestamp: bigint
  l1Origin: L1Origin
  sequenceNumber: bigint
  transactions: readonly Uint8Array[]
  /** The receipts' bytes, in their order. */
  encodedReceipts: readonly Uint8Array[]
  /** The bloom of the receipts' logs. */
  logsBloom: Hex
  /** What the last receipt says, or zero. */
  gasUsed: bigint
  keystoreRoot: Hex
}): Block {
  const header: Header = {
    parentHash,
    ommersHash: EMPTY_LIST_HASH,
    beneficiary: ZERO_ADDRESS,
    stateRoot: stateRootOf(keystoreRoot),
    transactionsRoot: orderedTrieRoot(transactions),
    receiptsRoot: orderedTrieRoot(encodedReceipts),
    logsBloom,
    difficulty: 0n,
    number,
    gasLimit: BLOCK_GAS_LIMIT,
    gasUsed,
    timestamp,
    extraData: encodeExtraData({ l1OriginNumber: l1Origin.number, sequenceNumber }),
    mixHash: l1Origin.hash,
    nonce: '0x0000000000000000',
    baseFeePerGas: 0n,
    withdrawalsRoot: keystoreRoot,
    blobGasUsed: 0n,
    excessBlobGas: 0n,
    parentBeaconBlockRoot: l1Origin.parentBeaconBlockRoot,
    requestsHash: EMPTY_REQUESTS_HASH,
  }
  return { header, hash: headerHash(header), transactions }
}
