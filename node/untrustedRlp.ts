import { type Block, blockFromRlp, RlpError } from '../protocol/index.ts'

/** A block's header, and what stands before it, is shorter. */
export const MAX_BLOCK_HEAD_BYTES = 1_024
/** Deposits and set-configs are longer, by the hashes in them. */
const MIN_TRANSACTION_BYTES = 64

const FEW_ITEMS = 64
/** What stands in blocks and receipts is hashes, addresses and data. */
const MIN_BYTES_PER_ITEM = 32

/** Where an RLP item's payload starts and ends; whether it is canonical, or all there, is for the decoder. */
export type RlpExtent = { isList: boolean; start: number; end: number }

/** Reads the prefix of the RLP item at a byte; undefined where there is none, or its length has more than four bytes. */
export function rlpExtentAt(bytes: Uint8Array, at: number): RlpExtent | undefined {
  const first = bytes[at]
  if (first === undefined) return undefined
  if (first < 0x80) return { isList: false, start: at, end: at + 1 }
  const isList = first >= 0xc0
  const short = first - (isList ? 0xc0 : 0x80)
  if (short <= 55) return { isList, start: at + 1, end: at + 1 + short }
  const width = short - 55
  const start = at + 1 + width
  if (width > 4 || start > bytes.length) return undefined
  const length = bytes.subarray(at + 1, start).reduce((value, byte) => value * 256 + byte, 0)
  return { isList, start, end: start + length }
}

/**
 * Makes sure that bytes of strangers may be decoded: each item takes a hundred bytes of memory, however small it is. Strings that hold
 * RLP of their own are looked at as strings.
 *
 * @throws {RlpError} when long bytes are made of tiny items.
 */
export function requireCoarseRlp(bytes: Uint8Array): void {
  const most = FEW_ITEMS + bytes.length / MIN_BYTES_PER_ITEM
  let items = 0
  for (let at = 0; at < bytes.length; ) {
    const item = rlpExtentAt(bytes, at)
    // The decoder says what is wrong with it, as soon as it gets there.
    if (item === undefined) return
    if (++items > most) throw new RlpError(`got more than ${items - 1} items in ${bytes.length} bytes`)
    at = item.isList ? item.start : item.end
  }
}

/**
 * Decodes a block of strangers once it is clear that it does not consist of millions of tiny items.
 *
 * @throws {RlpError} when it does, or is not the canonical RLP of a block.
 */
export function blockFromUntrustedRlp(bytes: Uint8Array): Block {
  const outer = rlpExtentAt(bytes, 0)
  const header = outer && rlpExtentAt(bytes, outer.start)
  if (header === undefined || header.end > MAX_BLOCK_HEAD_BYTES) {
    throw new RlpError(`got no block whose header ends within ${MAX_BLOCK_HEAD_BYTES} bytes`)
  }
  const list = rlpExtentAt(bytes, header.end)
  for (let at = list?.start ?? bytes.length; at < bytes.length; ) {
    const item = rlpExtentAt(bytes, at)
    const length = item === undefined || item.isList ? 0 : item.end - item.start
    if (item === undefined || length < MIN_TRANSACTION_BYTES) {
      throw new RlpError(`got a transaction of ${length} bytes, expected at least ${MIN_TRANSACTION_BYTES}`)
    }
    at = item.end
  }
  return blockFromRlp(bytes)
}
