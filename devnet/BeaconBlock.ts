import { ssz } from '@lodestar/types'
import { type Block, hexToBytes } from 'viem'
import { decodeRlp, encodeRlp, rlpToBytes, rlpToList } from '../protocol/index.ts'

/** An L1 block as viem reads it, without its transactions. */
export type L1Block = Block<bigint, false, 'latest'>

/** A beacon block's message, of the Fulu fork. */
export type BeaconBlock = ReturnType<typeof ssz.fulu.BeaconBlock.defaultValue>

/** A transaction in a block: its consensus bytes, and the commitments of its blobs. */
export type IncludedTransaction = { raw: Uint8Array; commitments: readonly Uint8Array[] }

const BLOB_TRANSACTION_TYPE = 0x03

/**
 * Takes the blobs off a raw transaction: nodes may return EIP-4844's network form
 * `0x03 ‖ rlp([tx, ..., blobs, commitments, proofs])`, blocks hold `0x03 ‖ rlp(tx)`.
 */
export function toIncludedTransaction(raw: Uint8Array): IncludedTransaction {
  if (raw[0] !== BLOB_TRANSACTION_TYPE) return { raw, commitments: [] }
  const fields = rlpToList(decodeRlp(raw.subarray(1)))
  const [transaction] = fields
  if (transaction === undefined || transaction instanceof Uint8Array) return { raw, commitments: [] }
  // EIP-7594 puts a version between the transaction and the blobs.
  const commitments = rlpToList(fields[1] instanceof Uint8Array ? fields[3] : fields[2])
  return {
    raw: Uint8Array.of(BLOB_TRANSACTION_TYPE, ...encodeRlp(transaction)),
    commitments: commitments.map((commitment) => rlpToBytes(commitment, 48)),
  }
}

/** Builds the beacon block of an L1 block; there are no validators, so what only they know stays at its default. */
export function createBeaconBlock(
  l1: L1Block,
  transactions: readonly IncludedTransaction[],
  { slot, parentRoot }: { slot: number; parentRoot: Uint8Array },
): BeaconBlock {
  const block = ssz.fulu.BeaconBlock.defaultValue()
  block.slot = slot
  block.parentRoot = parentRoot
  block.body.eth1Data.blockHash = hexToBytes(l1.hash)
  block.body.randaoReveal = POINT_AT_INFINITY
  block.body.syncAggregate.syncCommitteeSignature = POINT_AT_INFINITY
  block.body.blobKzgCommitments = transactions.flatMap(({ commitments }) => [...commitments])
  block.body.executionPayload = {
    parentHash: hexToBytes(l1.parentHash),
    feeRecipient: hexToBytes(l1.miner),
    stateRoot: hexToBytes(l1.stateRoot),
    receiptsRoot: hexToBytes(l1.receiptsRoot),
    logsBloom: hexToBytes(l1.logsBloom),
    prevRandao: hexToBytes(l1.mixHash),
    blockNumber: Number(l1.number),
    gasLimit: Number(l1.gasLimit),
    gasUsed: Number(l1.gasUsed),
    timestamp: Number(l1.timestamp),
    extraData: hexToBytes(l1.extraData),
    baseFeePerGas: l1.baseFeePerGas ?? 0n,
    blockHash: hexToBytes(l1.hash),
    transactions: transactions.map(({ raw }) => raw),
    withdrawals: [],
    blobGasUsed: l1.blobGasUsed,
    excessBlobGas: l1.excessBlobGas,
  }
  return block
}

/** The BLS signature of nobody: the compressed point at infinity. */
export const POINT_AT_INFINITY: Uint8Array = Uint8Array.of(0xc0, ...new Uint8Array(95))

/** The root of a beacon block, which is what EIP-4788 stores. */
export function beaconBlockRoot(block: BeaconBlock): Uint8Array {
  return ssz.fulu.BeaconBlock.hashTreeRoot(block)
}
