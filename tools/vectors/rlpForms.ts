import { concat } from '../../protocol/index.ts'

/** Encodes a string with an explicit length of length, which canonical RLP does only where it must. */
export function stringInLongForm(bytes: Uint8Array, lengthBytes = minimalWidth(bytes.length)): Uint8Array {
  return concat(Uint8Array.of(0xb7 + lengthBytes), bigEndian(bytes.length, lengthBytes), bytes)
}

/** Joins encoded items into a list with an explicit length of length, which canonical RLP does only where it must. */
export function listInLongForm(items: readonly Uint8Array[], lengthBytes?: number): Uint8Array {
  const payload = concat(...items)
  const width = lengthBytes ?? minimalWidth(payload.length)
  return concat(Uint8Array.of(0xf7 + width), bigEndian(payload.length, width), payload)
}

/** Joins encoded items into a list in the canonical form. */
export function listOf(items: readonly Uint8Array[]): Uint8Array {
  const payload = concat(...items)
  if (payload.length > 55) return listInLongForm(items)
  return concat(Uint8Array.of(0xc0 + payload.length), payload)
}

/** Encodes a single byte with a length before it, which canonical RLP never does below 0x80. */
export function prefixedByte(byte: number): Uint8Array {
  return Uint8Array.of(0x81, byte)
}

function minimalWidth(length: number): number {
  return length < 256 ? 1 : length < 65_536 ? 2 : 3
}

function bigEndian(value: number, width: number): Uint8Array {
  return Uint8Array.from({ length: width }, (_, i) => Math.floor(value / 256 ** (width - 1 - i)) % 256)
}
