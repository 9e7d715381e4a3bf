import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js'
import type { Hex } from 'viem'
import { KeyrollError } from './errors.ts'
import { isKeccakFast, keccak } from './keccak.ts'

export { isKeccakFast, keccak }

// Two characters are written at once, in whatever order a machine keeps two bytes.
const PREFIX = pairOf('0x')
const DIGITS = Uint16Array.from({ length: 256 }, (_, byte) => pairOf(byte.toString(16).padStart(2, '0')))
/** What each character is worth as a hex digit; -1 where it is none. */
const VALUES = Int8Array.from({ length: 256 }, (_, code) =>
  '0123456789abcdef'.indexOf(String.fromCharCode(code).toLowerCase()),
)
const SCRATCH = new Uint16Array(8_192)
/** Views of that for the texts of up to so many bytes, which are most. */
const TEXTS = Array.from({ length: 65 }, (_, bytes) => new Uint8Array(SCRATCH.buffer, 0, 2 + 2 * bytes))
// A string that is put together from digits stays a tree of them in memory, many times as large as the text.
const ASCII = new TextDecoder()

/** Turns bytes into lower-case hex with `0x` before it. */
export function toHex(bytes: Uint8Array): Hex {
  const { length } = bytes
  const text = length < SCRATCH.length ? SCRATCH : new Uint16Array(1 + length)
  text[0] = PREFIX
  for (let i = 0; i < length; i++) text[1 + i] = DIGITS[bytes[i] as number] as number
  const view = text === SCRATCH ? TEXTS[length] : undefined
  return ASCII.decode(view ?? new Uint8Array(text.buffer, 0, 2 + 2 * length)) as Hex
}

function pairOf(characters: string): number {
  return new Uint16Array(asciiToBytes(characters).buffer)[0] as number
}

/**
 * Turns hex with `0x` before it into bytes.
 *
 * @throws {InvalidHexError} when it is not an even number of hex digits after `0x`, or not `length` bytes long.
 */
export function fromHex(hex: Hex, length?: number): Uint8Array {
  const bytes = new Uint8Array(sizeOf(hex, length))
  writeDigits(hex, length, bytes, 0)
  return bytes
}

/**
 * Writes the bytes that hex stands for into `target`, which has room for them at `at`, as {@link fromHex} makes them: for whoever
 * would only copy them.
 *
 * @throws {InvalidHexError} as {@link fromHex}.
 */
export function writeHex(target: Uint8Array, at: number, hex: Hex, length?: number): void {
  sizeOf(hex, length)
  writeDigits(hex, length, target, at)
}

function sizeOf(hex: Hex, length: number | undefined): number {
  const size = hex.length / 2 - 1
  if (!hex.startsWith('0x') || !Number.isInteger(size)) throw new InvalidHexError(hex, length)
  if (length !== undefined && size !== length) throw new InvalidHexError(hex, length)
  return size
}

function writeDigits(hex: Hex, length: number | undefined, target: Uint8Array, start: number): void {
  // Checked once at the end: a wrong digit leaves a sign in `all`, a character that is wider than a byte leaves bits in `wide`.
  let all = 0
  let wide = 0
  for (let at = 2, to = start; at < hex.length; at += 2, to++) {
    const high = hex.charCodeAt(at)
    const low = hex.charCodeAt(at + 1)
    const byte = ((VALUES[high & 0xff] as number) << 4) | (VALUES[low & 0xff] as number)
    all |= byte
    wide |= high | low
    target[to] = byte
  }
  if (all < 0 || wide > 0xff) throw new InvalidHexError(hex, length)
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
  let length = 0
  for (const part of parts) length += part.length
  const joined = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
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
