import { expect, test } from 'vitest'
import { raisedGas, transactionLine } from './gasLine.ts'

test('a transaction of little calldata costs the same by the raised floor', () => {
  expect(raisedGas({ gasUsed: 100_000, zeroBytes: 100, nonzeroBytes: 400 })).toBe(100_000)
})

test('a transaction of much calldata costs 64 gas for every byte of it, zero or not', () => {
  expect(raisedGas({ gasUsed: 100_000, zeroBytes: 1000, nonzeroBytes: 2000 })).toBe(21_000 + 64 * 3000)
})

test('shares of a transaction are rounded up', () => {
  const line = transactionLine('gas.each', { gasUsed: 100_001, zeroBytes: 0, nonzeroBytes: 3000 }, 'ten', 10)
  expect(line).toMatchObject({ value: 10_001, raised: 21_300, nonzeroBytes: 3000 })
})

test('a transaction that uses what its bytes cost at least is at the floor', () => {
  const isAtFloor = (gasUsed: number) =>
    transactionLine('gas.any', { gasUsed, zeroBytes: 100, nonzeroBytes: 1000 }, 'any').isAtFloor
  expect(isAtFloor(21_000 + 41_000)).toBe(true)
  expect(isAtFloor(21_000 + 41_001)).toBe(false)
})
