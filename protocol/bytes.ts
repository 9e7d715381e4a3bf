import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes, concatBytes as nobleConcat } from '@noble/hashes/utils.js'
import type { Hex } from 'viem'
import { KeyrollError } from './errors.ts'
import { keccak } from './keccak.ts'

export { keccak }

/** Turns bytes into lower-case hex with `0x` before it. */
export function toHex(bytes: Uint8Array): Hex {
  return `0x${bytesToHex(bytes)}`
}

/**
 * Turns hex with `0x` before it into bytes.
 *
 * @throws {InvalidHexError} when it is not an even number of hex digits after `0x`, or not `length` bytes long.
 */
export function fromHex(hex: Hex, length?: number): Uint8Array {
  if (!hex.startsWith('0x')) throw new InvalidHexError(hex, length)
  let bytes: Uint8Array
  try {
    bytes = hexToBytes(hex.slice(2))
  } catch (cause) {
    throw new InvalidHexError(hex, length, { cause })
  }
  if (length !== undefined && bytes.length !== length) throw new InvalidHexError(hex, length)
  return bytes
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
