import type { Hex } from 'viem'
import { encodeRlp, l1HeaderFromRlp, type RlpItem, ZERO_HASH } from '../../protocol/index.ts'
import type { BlockId } from '../BlockRef.ts'
import { bytesField, hexField, type JsonObject, quantityItem, toObject } from './l1Json.ts'
import { RefusedAnswerError } from './RefusedAnswerError.ts'

/** An L1 block as the heads name it. */
export type L1BlockRef = BlockId & { parentHash: Hex /** Seconds. */; timestamp: bigint }

/** An L1 header whose hash was recomputed from its fields. */
export type L1Header = L1BlockRef & {
  stateRoot: Hex
  transactionsRoot: Hex
  receiptsRoot: Hex
  logsBloom: Hex
  mixHash: Hex
  /** Wei. */
  baseFeePerGas: bigint
  /** Zero hash where the header has none. */
  parentBeaconBlockRoot: Hex
}

/** What each fork since London appended, in the order of the header. */
const APPENDED: readonly ((block: JsonObject) => RlpItem | undefined)[] = [
  (block) => optional(block, 'withdrawalsRoot', () => bytesField(block, 'withdrawalsRoot', 32)),
  (block) => optional(block, 'blobGasUsed', () => quantityItem(block, 'blobGasUsed')),
  (block) => optional(block, 'excessBlobGas', () => quantityItem(block, 'excessBlobGas')),
  (block) => optional(block, 'parentBeaconBlockRoot', () => bytesField(block, 'parentBeaconBlockRoot', 32)),
  (block) => optional(block, 'requestsHash', () => bytesField(block, 'requestsHash', 32)),
]

/**
 * Reads the header in a block's JSON.
 *
 * @throws {RefusedAnswerError} when a field is malformed, or the fields do not hash to the hash it claims.
 */
export function l1HeaderFromJson(json: unknown): L1Header {
  const block = toObject(json)
  const rlp = encodeRlp([
    bytesField(block, 'parentHash', 32),
    bytesField(block, 'sha3Uncles', 32),
    bytesField(block, 'miner', 20),
    bytesField(block, 'stateRoot', 32),
    bytesField(block, 'transactionsRoot', 32),
    bytesField(block, 'receiptsRoot', 32),
    bytesField(block, 'logsBloom', 256),
    quantityItem(block, 'difficulty'),
    quantityItem(block, 'number'),
    quantityItem(block, 'gasLimit'),
    quantityItem(block, 'gasUsed'),
    quantityItem(block, 'timestamp'),
    bytesField(block, 'extraData'),
    bytesField(block, 'mixHash', 32),
    bytesField(block, 'nonce', 8),
    quantityItem(block, 'baseFeePerGas'),
    ...appendedItems(block),
  ])
  const claimed = hexField(block, 'hash', 32)
  const { parentBeaconBlockRoot, ...header } = l1HeaderFromRlp(rlp)
  if (header.hash !== claimed) {
    throw new RefusedAnswerError(
      `got L1 block ${claimed} whose fields hash to ${header.hash}: the node is wrong, or L1 has a fork unknown here`,
    )
  }
  return { ...header, parentBeaconBlockRoot: parentBeaconBlockRoot ?? ZERO_HASH }
}

/** Takes an L1 header for what the heads name. */
export function l1HeaderToRef({ number, hash, parentHash, timestamp }: L1Header): L1BlockRef {
  return { number, hash, parentHash, timestamp }
}

function appendedItems(block: JsonObject): RlpItem[] {
  const items: RlpItem[] = []
  for (const read of APPENDED) {
    const item = read(block)
    // Fields are positional: after the first absent one nothing can follow.
    if (item === undefined) break
    items.push(item)
  }
  return items
}

function optional(block: JsonObject, name: string, read: () => RlpItem): RlpItem | undefined {
  return block[name] === undefined || block[name] === null ? undefined : read()
}
