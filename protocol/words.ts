import { KeyrollError } from './errors.ts'

/** Allocates zeroed 32-byte words, the unit of ABI and EIP-712 encoding. */
export function createWords(count: number): Uint8Array {
  return new Uint8Array(count * 32)
}

const SCRATCH = createWords(8)

/**
 * Gives at most 8 zeroed words, to be filled and hashed at once: whoever asks next gets the same memory. Allocating the few hundred
 * bytes anew costs as much as hashing them.
 */
export function borrowWords(count: number): Uint8Array {
  return SCRATCH.subarray(0, count * 32).fill(0)
}

/**
 * Writes an unsigned integer right-aligned into the word at `index`.
 *
 * @throws {IntegerOutOfRangeError} when it is not a whole number of at most `bits` bits.
 */
export function writeNumber(words: Uint8Array, index: number, value: number, bits: 8 | 32): void {
  assertUint(value, bits)
  new DataView(words.buffer, words.byteOffset).setUint32(index * 32 + 28, value)
}

/**
 * Writes an unsigned integer right-aligned into the word at `index`.
 *
 * @throws {IntegerOutOfRangeError} when it does not fit 64 bits.
 */
export function writeUint64(words: Uint8Array, index: number, value: bigint): void {
  assertUint(value, 64)
  new DataView(words.buffer, words.byteOffset).setBigUint64(index * 32 + 24, value)
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

/**
 * Checks that a value fits an unsigned Solidity type.
 *
 * @throws {IntegerOutOfRangeError} when it is not a whole number of at most `bits` bits.
 */
export function assertUint(value: bigint | number, bits: 8 | 32 | 64 | 256): void {
  const isWhole = typeof value === 'bigint' || Number.isSafeInteger(value)
  if (!isWhole || value < 0 || value >= 2 ** bits) throw new IntegerOutOfRangeError(value, bits)
}

/** Reports a value that does not fit its Solidity type. */
export class IntegerOutOfRangeError extends KeyrollError {
  override readonly name = 'IntegerOutOfRangeError'
  constructor(value: bigint | number, bits: number) {
    super(`got ${value}, expected a whole number from 0 to 2^${bits} - 1`)
  }
}
