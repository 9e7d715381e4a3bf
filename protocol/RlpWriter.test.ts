import fc from 'fast-check'
import { expect, it } from 'vitest'
import { encodeRlp, type RlpItem } from './Rlp.ts'
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

it('writes bytes as they are where they are encoded already', () => {
  const writer = borrowRlpWriter()
  writer.encoded(encodeRlp([]))
  writer.encoded(encodeRlp(Uint8Array.of(0x80)))
  writer.list()
  expect(writer.view()).toEqual(encodeRlp([Uint8Array.of(0x80), []]))
})
