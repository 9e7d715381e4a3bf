import type { Hex } from 'viem'
import { l1HeaderFromRlp, l1HeaderJsonToRlp, ZERO_HASH } from '../../protocol/index.ts'
import type { BlockId } from '../BlockRef.ts'
import { bytesField, hexField, quantityField, toObject } from './l1Json.ts'
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

/**
 * Reads the header in a block's JSON.
 *
 * @throws {RefusedAnswerError} when a field is malformed, or the fields do not hash to the hash it claims.
 */
export function l1HeaderFromJson(json: unknown): L1Header {
  const block = toObject(json)
  const rlp = l1HeaderJsonToRlp({
    has: (name) => block[name] !== undefined && block[name] !== null,
    bytes: (name, length) => bytesField(block, name, length),
    quantity: (name) => quantityField(block, name),
  })
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
