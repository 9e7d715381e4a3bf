import type { Hex } from 'viem'
import { fromHex, toHex } from './bytes.ts'

/** Where a block stands relative to L1: its origin's number, and its place among that origin's blocks. */
export type ExtraData = { l1OriginNumber: bigint; sequenceNumber: bigint }

/** Encodes a header's `extraData`: uint64 L1 origin number ‖ uint64 sequence number (protocol.md §4). */
export function encodeExtraData({ l1OriginNumber, sequenceNumber }: ExtraData): Hex {
  const bytes = new Uint8Array(16)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, l1OriginNumber)
  view.setBigUint64(8, sequenceNumber)
  return toHex(bytes)
}

/**
 * Decodes a header's `extraData` (protocol.md §4).
 *
 * @throws {InvalidHexError} when it is not 16 bytes long.
 */
export function decodeExtraData(extraData: Hex): ExtraData {
  const bytes = fromHex(extraData, 16)
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return { l1OriginNumber: view.getBigUint64(0), sequenceNumber: view.getBigUint64(8) }
}
