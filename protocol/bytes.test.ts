import fc from 'fast-check'
import { keccak256, sha256 as viemSha256, toHex as viemToHex } from 'viem'
import { expect, test } from 'vitest'
import { arbitraryHex } from '../test/arbitraries.ts'
import { asciiToBytes, compareBytes, fromHex, keccakHex, sha256, toHex, writeHex } from './bytes.ts'

test('bytes survive the way to hex and back, and hash as viem hashes them', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
      expect(toHex(bytes)).toBe(viemToHex(bytes))
      expect(fromHex(toHex(bytes))).toEqual(bytes)
      expect(keccakHex(bytes)).toBe(keccak256(bytes))
      expect(toHex(sha256(bytes))).toBe(viemSha256(bytes))
    }),
  )
})

test.each([64, 65, 8_190, 8_191, 8_192, 8_193, 200_000])(
  '%i bytes become hex, whatever became hex before',
  (length) => {
    const bytes = Uint8Array.from({ length }, (_, i) => i * 7 + (i >> 8))
    toHex(new Uint8Array(8_191).fill(0xee))
    expect(toHex(bytes)).toBe(viemToHex(bytes))
    expect(toHex(bytes.subarray(3))).toBe(viemToHex(bytes.subarray(3)))
  },
)

test.each<[`0x${string}`, number | undefined]>([
  ['0x1', undefined],
  ['0xzz', undefined],
  ['0x0x', undefined],
  // Of these the lower byte is a digit.
  ['0x0\u0130', undefined],
  ['0x\u01300', 1],
  ['0x1234', 3],
  ['0x', 1],
])('%s is refused as %s bytes', (hex, length) => {
  expect(() => fromHex(hex, length)).toThrow(expect.objectContaining({ name: 'InvalidHexError' }))
  const target = new Uint8Array(8)
  expect(() => writeHex(target, 1, hex, length)).toThrow(expect.objectContaining({ name: 'InvalidHexError' }))
})

test('hex is written between bytes that stay', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), fc.nat({ max: 5 }), (bytes, at) => {
      const target = new Uint8Array(at + bytes.length + 2).fill(0xaa)
      writeHex(target, at, toHex(bytes), bytes.length)
      const rest = (length: number) => new Uint8Array(length).fill(0xaa)
      expect(target).toEqual(Uint8Array.of(...rest(at), ...bytes, ...rest(2)))
    }),
  )
})

test('byte strings compare as their hex does', () => {
  fc.assert(
    fc.property(arbitraryHex(32), arbitraryHex(32), (a, b) => {
      const expected = a < b ? -1 : a > b ? 1 : 0
      expect(Math.sign(compareBytes(fromHex(a), fromHex(b)))).toBe(expected)
    }),
  )
})

test('ASCII text becomes one byte a character', () => {
  expect(asciiToBytes('Keyroll')).toEqual(new TextEncoder().encode('Keyroll'))
})
