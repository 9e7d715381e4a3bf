import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createSlabs } from './slabs.ts'

test('arrays of any lengths are zeroed, and none shares a byte with another', () => {
  const lengths = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 100 })
  fc.assert(
    fc.property(lengths, (each) => {
      const allocate = createSlabs(64)
      const arrays = each.map((length, i) => {
        const bytes = allocate(length)
        expect(bytes).toEqual(new Uint8Array(length))
        return bytes.fill(1 + (i % 255))
      })
      arrays.forEach((bytes, i) => {
        expect(bytes).toEqual(new Uint8Array(each[i] as number).fill(1 + (i % 255)))
      })
    }),
  )
})

test('short arrays stand side by side, up to the end of a slab, and a long one stands alone', () => {
  const allocate = createSlabs(64)
  const [first, second, long, third, last, next] = [16, 16, 17, 16, 16, 1].map(allocate)
  expect([second, third, last].map((bytes) => bytes?.buffer === first?.buffer)).toEqual([true, true, true])
  expect(first?.buffer.byteLength).toBe(64)
  expect(long?.buffer.byteLength).toBe(17)
  expect(last?.byteOffset).toBe(48)
  expect(next?.buffer).not.toBe(first?.buffer)
})
