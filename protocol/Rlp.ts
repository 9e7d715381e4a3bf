import { KeyrollError } from './errors.ts'

/** A decoded RLP item: a byte string or a list of items. */
export type RlpItem = Uint8Array | readonly RlpItem[]

/** Lists nested deeper than this are refused: nothing in the protocol comes near, and garbage must not exhaust the stack. */
const MAX_DEPTH = 32
const MAX_UINT32 = 2 ** 32 - 1

/**
 * Encodes an item as RLP.
 *
 * @throws {RlpError} when lists are nested deeper than 32.
 */
export function encodeRlp(item: RlpItem): Uint8Array {
  const out = new Uint8Array(encodedLength(item, 0))
  writeItem(item, out, 0)
  return out
}

/**
 * Decodes exactly one canonical RLP item; the strings in it are views of `bytes`.
 *
 * Canonical means: the shortest form of every length, no prefix before a single byte below 0x80, every list filled
 * exactly by its items, and nothing after the item.
 *
 * @throws {RlpError} when the bytes are anything else.
 */
export function decodeRlp(bytes: Uint8Array): RlpItem {
  const { item, end } = decodeRlpAt(bytes, 0)
  if (end !== bytes.length) {
    throw new RlpError(`got ${bytes.length - end} bytes after the item, expected none`)
  }
  return item
}

/**
 * Decodes the canonical RLP item that starts at `offset`, and tells where it ends.
 *
 * @throws {RlpError} when no canonical item starts there.
 */
export function decodeRlpAt(bytes: Uint8Array, offset: number): { item: RlpItem; end: number } {
  // A Buffer's subarrays would be Buffers; callers get plain Uint8Arrays whatever came in.
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
  const item = readItem(view, offset, view.length, 0)
  return { item, end: readEnd }
}

/** Where the item ends that was read last: returned beside each item, it would be an object for every one. */
let readEnd = 0

/**
 * Narrows an item to a list, optionally of an exact length.
 *
 * @throws {RlpError} when it is a string or has another length.
 */
export function rlpToList(item: RlpItem | undefined, length?: number): readonly RlpItem[] {
  if (item === undefined || item instanceof Uint8Array) {
    throw new RlpError(`got ${describe(item)}, expected a list`)
  }
  if (length !== undefined && item.length !== length) {
    throw new RlpError(`got a list of ${item.length} items, expected ${length}`)
  }
  return item
}

/**
 * Narrows an item to a byte string, optionally of an exact length.
 *
 * @throws {RlpError} when it is a list or has another length.
 */
export function rlpToBytes(item: RlpItem | undefined, length?: number): Uint8Array {
  if (!(item instanceof Uint8Array)) throw new RlpError(`got ${describe(item)}, expected a string`)
  if (length !== undefined && item.length !== length) {
    throw new RlpError(`got a string of ${item.length} bytes, expected ${length}`)
  }
  return item
}

/**
 * Reads an item as an unsigned integer of at most `bits` bits.
 *
 * @throws {RlpError} when it is a list, has leading zeros or is wider.
 */
export function rlpToUint(item: RlpItem | undefined, bits: number): bigint {
  const bytes = minimalBytes(item, bits)
  if (bytes.length <= 6) return BigInt(toNumber(bytes))
  let value = 0n
  for (const byte of bytes) value = (value << 8n) | BigInt(byte)
  return value
}

/**
 * Reads an item as an unsigned integer of at most 48 bits.
 *
 * @throws {RlpError} as {@link rlpToUint}.
 */
export function rlpToNumber(item: RlpItem | undefined, bits: 8 | 16 | 32 | 48): number {
  return toNumber(minimalBytes(item, bits))
}

/**
 * Turns an unsigned integer into the minimal big-endian string that RLP encodes integers as; zero is the empty string.
 *
 * @throws {RlpError} when the value is negative.
 */
export function uintToRlp(value: bigint | number): Uint8Array {
  if (value < 0) throw new RlpError(`got ${value}, expected an unsigned integer`)
  const number = Number(value)
  if (Number.isSafeInteger(number)) return numberToBytes(number)
  const low = numberToBytes(Number(BigInt(value) & 0xffffffffn))
  const high = uintToRlp(BigInt(value) >> 32n)
  const bytes = new Uint8Array(high.length + 4)
  bytes.set(high)
  bytes.set(low, bytes.length - low.length)
  return bytes
}

function numberToBytes(value: number): Uint8Array {
  const bytes = new Uint8Array(byteWidth(value))
  let rest = value
  for (let i = bytes.length - 1; i >= 0; i--) {
    // A byte keeps the lowest eight bits of what is written to it, of numbers beyond 32 bits too.
    bytes[i] = rest
    rest = rest <= MAX_UINT32 ? rest >>> 8 : Math.floor(rest / 256)
  }
  return bytes
}

function minimalBytes(item: RlpItem | undefined, bits: number): Uint8Array {
  const bytes = rlpToBytes(item)
  if (bytes[0] === 0) throw new RlpError('got an integer with a leading zero, expected the minimal form')
  if (bytes.length * 8 > bits) throw new RlpError(`got ${bytes.length * 8} bits, expected at most ${bits}`)
  return bytes
}

/** Reads at most six bytes, which a number holds exactly. */
function toNumber(bytes: Uint8Array): number {
  let value = 0
  for (const byte of bytes) value = value * 256 + byte
  return value
}

function describe(item: RlpItem | undefined): string {
  if (item === undefined) return 'nothing'
  return item instanceof Uint8Array ? 'a string' : 'a list'
}

function readItem(bytes: Uint8Array, offset: number, limit: number, depth: number): RlpItem {
  const prefix = bytes[offset]
  if (prefix === undefined || offset >= limit) {
    throw new RlpError(`got the end of the input at byte ${offset}, expected an item`)
  }
  if (prefix < 0x80) {
    readEnd = offset + 1
    return bytes.subarray(offset, readEnd)
  }
  const isList = prefix >= 0xc0
  const short = prefix - (isList ? 0xc0 : 0x80)
  let start = offset + 1
  let length = short
  if (short > 55) {
    const width = short - 55
    if (start + width > limit) throw new RlpError(`got an input that ends inside the length at byte ${start}`)
    if (width > 6) throw new RlpError(`got a length of ${width} bytes, expected at most 6`)
    length = 0
    for (let i = 0; i < width; i++) length = length * 256 + (bytes[start + i] as number)
    if (bytes[start] === 0 || length < 56) {
      throw new RlpError(`got a length at byte ${start} that is not in its shortest form`)
    }
    start += width
  }
  const end = start + length
  if (end > limit) {
    throw new RlpError(`got an item of ${length} bytes at byte ${start}, expected at most ${limit - start}`)
  }
  if (!isList) {
    if (length === 1 && (bytes[start] as number) < 0x80) {
      throw new RlpError(`got a prefixed single byte at byte ${offset}, expected it to stand alone`)
    }
    readEnd = end
    return bytes.subarray(start, end)
  }
  if (depth === MAX_DEPTH) throw new RlpError(`got lists nested deeper than ${MAX_DEPTH}`)
  const items: RlpItem[] = []
  for (let next = start; next < end; ) {
    items.push(readItem(bytes, next, end, depth + 1))
    next = readEnd
  }
  readEnd = end
  return items
}

function payloadLength(item: RlpItem, depth: number): number {
  if (item instanceof Uint8Array) return item.length
  if (depth === MAX_DEPTH) throw new RlpError(`got lists nested deeper than ${MAX_DEPTH}`)
  let length = 0
  for (const child of item) length += encodedLength(child, depth + 1)
  return length
}

function encodedLength(item: RlpItem, depth: number): number {
  const payload = payloadLength(item, depth)
  if (item instanceof Uint8Array && payload === 1 && (item[0] as number) < 0x80) return 1
  return payload + 1 + (payload < 56 ? 0 : byteWidth(payload))
}

function writeItem(item: RlpItem, out: Uint8Array, offset: number): number {
  if (item instanceof Uint8Array) {
    if (item.length === 1 && (item[0] as number) < 0x80) {
      out[offset] = item[0] as number
      return offset + 1
    }
    const start = writeLength(item.length, 0x80, out, offset)
    out.set(item, start)
    return start + item.length
  }
  let next = writeLength(payloadLength(item, 0), 0xc0, out, offset)
  for (const child of item) next = writeItem(child, out, next)
  return next
}

function writeLength(length: number, base: number, out: Uint8Array, offset: number): number {
  if (length < 56) {
    out[offset] = base + length
    return offset + 1
  }
  const width = byteWidth(length)
  out[offset] = base + 55 + width
  let rest = length
  for (let i = width; i > 0; i--) {
    out[offset + i] = rest % 256
    rest = Math.floor(rest / 256)
  }
  return offset + 1 + width
}

function byteWidth(value: number): number {
  if (value <= MAX_UINT32) return 4 - (Math.clz32(value) >> 3)
  return 4 + byteWidth(Math.floor(value / 2 ** 32))
}

/** Reports bytes that are not canonical RLP, or an item of another shape than expected. */
export class RlpError extends KeyrollError {
  override readonly name = 'RlpError'
}
