import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js'
import { concatBytes as nobleConcat } from '@noble/hashes/utils.js'
import type { Hex } from 'viem'
import { KeyrollError } from './errors.ts'
import { keccak } from './keccak.ts'

export { keccak }

const DIGITS = asciiToBytes('0123456789abcdef')
const SCRATCH = new Uint8Array(16_384)
// A string that is put together from digits stays a tree of them in memory, many times as large as the text.
const ASCII = new TextDecoder('latin1')

/** Turns bytes into lower-case hex with `0x` before it. */
export function toHex(bytes: Uint8Array): Hex {
  const size = 2 * bytes.length
  const text = size <= SCRATCH.length ? SCRATCH.subarray(0, size) : new Uint8Array(size)
  for (let i = 0, at = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number
    text[at++] = DIGITS[byte >> 4] as number
    text[at++] = DIGITS[byte & 0x0f] as number
  }
  return `0x${ASCII.decode(text)}`
}

/**
 * Turns hex with `0x` before it into bytes.
 *
 * @throws {InvalidHexError} when it is not an even number of hex digits after `0x`, or not `length` bytes long.
 */
export function fromHex(hex: Hex, length?: number): Uint8Array {
  const size = hex.length / 2 - 1
  if (!hex.startsWith('0x') || !Number.isInteger(size)) throw new InvalidHexError(hex, length)
  if (length !== undefined && size !== length) throw new InvalidHexError(hex, length)
  const bytes = new Uint8Array(size)
  for (let i = 0, at = 2; i < size; i++, at += 2) {
    const byte = digitAt(hex, at) * 16 + digitAt(hex, at + 1)
    if (Number.isNaN(byte)) throw new InvalidHexError(hex, length)
    bytes[i] = byte
  }
  return bytes
}

/** Reads a hex digit; NaN where there is none. */
function digitAt(hex: string, at: number): number {
  const code = hex.charCodeAt(at)
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  // Lower case, which is nearly always what comes, has one bit more than upper case.
  const letter = code | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : Number.NaN
}

/** Computes Keccak-256 as hex. */
export function keccakHex(bytes: Uint8Array): Hex {
  return toHex(keccak(bytes))
}

/** Computes SHA-256 as raw bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return nobleSha256(bytes)
}

/** Joins byte strings into one. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return nobleConcat(...parts)
}

/** Turns a short ASCII string, such as an EIP-712 type, into bytes. */
export function asciiToBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0))
}

/** Compares two byte strings of one length in lexicographic order: negative, zero or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

/** Reports text that is not the hex that was expected. */
export class InvalidHexError extends KeyrollError {
  override readonly name = 'InvalidHexError'
  constructor(hex: string, length?: number, options?: ErrorOptions) {
    const got = hex.length > 80 ? `${hex.slice(0, 80)}... (${hex.length} characters)` : hex
    super(`got "${got}", expected 0x and ${length ?? 'any number of'} bytes in hex`, options)
  }
}
