import fc from 'fast-check'
import type { Hex } from 'viem'
import { expect, it } from 'vitest'
import { fromHex, InvalidHexError, toHex } from './bytes.ts'
import { encodeRlp, RlpError, type RlpItem, uintToRlp } from './Rlp.ts'
import { borrowRlpWriter, type RlpWriter } from './RlpWriter.ts'

const { item } = fc.letrec<{ item: RlpItem }>((tie) => ({
  item: fc.oneof(
    { maxDepth: 6 },
    fc.uint8Array({ maxLength: 3 }),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie('item'), { maxLength: 17 }),
  ),
}))

/** Writes an item and what stands in it, from the last to the first. */
function write(writer: RlpWriter, value: RlpItem): void {
  if (value instanceof Uint8Array) {
    writer.string(value)
    return
  }
  const end = writer.length
  for (const child of value.toReversed()) write(writer, child)
  writer.list(end)
}

it('writes what the forward encoder writes, however long the writing before it was', () => {
  fc.assert(
    fc.property(fc.array(item, { maxLength: 3 }), (values) => {
      for (const value of values) {
        const writer = borrowRlpWriter()
        write(writer, value)
        expect(writer.view()).toEqual(encodeRlp(value))
        expect(writer.length).toBe(encodeRlp(value).length)
      }
    }),
  )
})

it.each([55, 56, 255, 256, 4_095, 4_096, 4_097, 65_535, 65_536, 70_000, 20_000_000])(
  'makes room for %i bytes, and for what comes before them',
  (length) => {
    const bytes = new Uint8Array(length).fill(length)
    const writer = borrowRlpWriter()
    writer.string(bytes)
    writer.string(Uint8Array.of(0x7f))
    writer.list()
    writer.byte(0x4b)
    expect(writer.view()[0]).toBe(0x4b)
    const expected = encodeRlp([Uint8Array.of(0x7f), bytes])
    expect(Buffer.compare(writer.view().subarray(1), expected)).toBe(0)
  },
)

it('writes hex and integers as the strings that they stand for', () => {
  const uint = fc.oneof(
    fc.nat({ max: 300 }),
    fc.maxSafeNat(),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    fc.bigInt({ min: 2n ** 53n - 3n, max: 2n ** 53n + 3n }),
  )
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 70 }),
      fc.uint8Array({ maxLength: 1 }),
      uint,
      (long, short, value) => {
        const writer = borrowRlpWriter()
        writer.uint(value)
        writer.hex(toHex(short))
        writer.hex(toHex(long), long.length)
        writer.list()
        expect(writer.view()).toEqual(encodeRlp([long, short, uintToRlp(value)]))
      },
    ),
  )
})

it.each<[Hex, number | undefined]>([
  ['0x', 32],
  ['0x1', undefined],
  ['0xzz', undefined],
  ['0x1234', 32],
])('refuses %s as %s bytes, and writes what comes next as ever', (hex, length) => {
  expect(() => borrowRlpWriter().hex(hex, length)).toThrow(InvalidHexError)
  expect(() => borrowRlpWriter().uint(-1)).toThrow(RlpError)
  const writer = borrowRlpWriter()
  writer.hex('0x80')
  expect(writer.view()).toEqual(Uint8Array.of(0x81, 0x80))
})

it('makes room for hex', () => {
  const hex: Hex = `0x${'ab'.repeat(10_000)}`
  const writer = borrowRlpWriter()
  writer.byte(7)
  writer.hex(hex)
  expect(writer.view()).toEqual(Uint8Array.of(...encodeRlp(fromHex(hex)), 7))
})

it('writes bytes as they are where they are encoded already', () => {
  const writer = borrowRlpWriter()
  writer.encoded(encodeRlp([]))
  writer.encoded(encodeRlp(Uint8Array.of(0x80)))
  writer.list()
  expect(writer.view()).toEqual(encodeRlp([Uint8Array.of(0x80), []]))
})
