import { KeyrollError } from './errors.ts'

/** Allocates zeroed 32-byte words, the unit of ABI and EIP-712 encoding. */
export function createWords(count: number): Uint8Array {
  return new Uint8Array(count * 32)
}

const SCRATCH = createWords(8)
const VIEWS = Array.from({ length: 9 }, (_, count) => SCRATCH.subarray(0, count * 32))

/**
 * Gives zeroed words, to be filled and hashed at once: whoever asks next gets the same memory. Allocating the few hundred
 * bytes anew costs as much as hashing them.
 */
export function borrowWords(count: number): Uint8Array {
  return (VIEWS[count] ?? createWords(count)).fill(0)
}

/**
 * Writes an unsigned integer right-aligned into the word at `index`.
 *
 * @throws {IntegerOutOfRangeError} when it is not a whole number of at most `bits` bits.
 */
export function writeNumber(words: Uint8Array, index: number, value: number, bits: 8 | 32): void {
  assertUint(value, bits)
  writeUint32(words, index * 32 + 28, value)
}

/**
 * Writes an unsigned integer right-aligned into the word at `index`.
 *
 * @throws {IntegerOutOfRangeError} when it does not fit 64 bits.
 */
export function writeUint64(words: Uint8Array, index: number, value: bigint): void {
  assertUint(value, 64)
  // Hardly a nonce or a time needs more bits than a number has, and no view of the words need be made for it.
  const number = Number(value)
  const low = Number.isSafeInteger(number) ? number % 2 ** 32 : Number(value & 0xffffffffn)
  const high = Number.isSafeInteger(number) ? Math.floor(number / 2 ** 32) : Number(value >> 32n)
  writeUint32(words, index * 32 + 24, high)
  writeUint32(words, index * 32 + 28, low)
}

/**
 * Writes an unsigned integer into the word at `index`.
 *
 * @throws {IntegerOutOfRangeError} when it does not fit 256 bits.
 */
export function writeUint256(words: Uint8Array, index: number, value: bigint): void {
  assertUint(value, 256)
  const view = new DataView(words.buffer, words.byteOffset)
  for (let part = 0; part < 4; part++) {
    view.setBigUint64(index * 32 + 24 - 8 * part, BigInt.asUintN(64, value >> BigInt(64 * part)))
  }
}

function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

const END_OF = { 8: 2 ** 8, 32: 2 ** 32, 64: 2n ** 64n, 256: 2n ** 256n } as const

/**
 * Checks that a value fits an unsigned Solidity type.
 *
 * @throws {IntegerOutOfRangeError} when it is not a whole number of at most `bits` bits.
 */
export function assertUint(value: bigint | number, bits: 8 | 32 | 64 | 256): void {
  const isWhole = typeof value === 'bigint' || Number.isSafeInteger(value)
  if (!isWhole || value < 0 || value >= END_OF[bits]) throw new IntegerOutOfRangeError(value, bits)
}

/** Reports a value that does not fit its Solidity type. */
export class IntegerOutOfRangeError extends KeyrollError {
  override readonly name = 'IntegerOutOfRangeError'
  constructor(value: bigint | number, bits: number) {
    super(`got ${value}, expected a whole number from 0 to 2^${bits} - 1`)
  }
}
