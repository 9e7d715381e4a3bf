import fc from 'fast-check'
import { numberToHex } from 'viem'
import { describe, expect, it } from 'vitest'
import { toHex } from './bytes.ts'
import {
  assertUint,
  borrowWords,
  createWords,
  IntegerOutOfRangeError,
  writeNumber,
  writeUint64,
  writeUint256,
} from './words.ts'

/** Values up to `bits` bits, and those at which numbers of one width or another end. */
function uint(bits: number): fc.Arbitrary<bigint> {
  const ends = [0, 8, 31, 32, 33, 52, 53, 54, 63, 64, 128, 255, 256].map((power) => 2n ** BigInt(power))
  const edges = ends.flatMap((end) => [end - 1n, end, end + 1n]).filter((value) => value < 2n ** BigInt(bits))
  return fc.oneof(fc.constantFrom(...edges), fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) - 1n }))
}

/** The second of three words, in the middle of other memory, after `write`. */
function secondWord(write: (words: Uint8Array) => void): string {
  const words = createWords(4).subarray(5, 101)
  write(words)
  expect(toHex(words.subarray(0, 32))).toBe(toHex(createWords(1)))
  expect(toHex(words.subarray(64))).toBe(toHex(createWords(1)))
  return toHex(words.subarray(32, 64))
}

describe('a word', () => {
  it('holds the integer that was written to it, right-aligned, and its neighbours nothing', () => {
    fc.assert(
      fc.property(uint(8), uint(32), uint(64), uint(256), (byte, short, long, full) => {
        const expected = (value: bigint) => numberToHex(value, { size: 32 })
        expect(secondWord((words) => writeNumber(words, 1, Number(byte), 8))).toBe(expected(byte))
        expect(secondWord((words) => writeNumber(words, 1, Number(short), 32))).toBe(expected(short))
        expect(secondWord((words) => writeUint64(words, 1, long))).toBe(expected(long))
        expect(secondWord((words) => writeUint256(words, 1, full))).toBe(expected(full))
      }),
      { numRuns: 500 },
    )
  })

  it.each([8, 32, 64, 256] as const)('of %i bits holds what is below its end, and no more', (bits) => {
    const end = 2n ** BigInt(bits)
    for (const value of [0n, 1n, end - 1n]) expect(() => assertUint(value, bits)).not.toThrow()
    for (const value of [-1n, end, end + 1n, 2n * end]) {
      expect(() => assertUint(value, bits)).toThrow(IntegerOutOfRangeError)
    }
    for (const value of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      expect(() => assertUint(value, bits)).toThrow(IntegerOutOfRangeError)
    }
  })

  it('takes no integer that is too large for it', () => {
    const words = createWords(1)
    expect(() => writeNumber(words, 0, 256, 8)).toThrow(IntegerOutOfRangeError)
    expect(() => writeNumber(words, 0, 2 ** 32, 32)).toThrow(IntegerOutOfRangeError)
    expect(() => writeUint64(words, 0, 2n ** 64n)).toThrow(IntegerOutOfRangeError)
    expect(() => writeUint256(words, 0, 2n ** 256n)).toThrow(IntegerOutOfRangeError)
    expect(words).toEqual(createWords(1))
  })
})

it.each([0, 1, 3, 7, 8, 9, 20])(
  'lends %i words that are zero, whatever was written to them before',
  (count) => {
    borrowWords(8).fill(0xff)
    borrowWords(count).fill(0xff)
    expect(borrowWords(count)).toEqual(createWords(count))
  },
)
