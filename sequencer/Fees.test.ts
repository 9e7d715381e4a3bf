import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bumpFees, type FeeLimits, suggestFees } from './Fees.ts'

const gwei = 1_000_000_000n
const limits: FeeLimits = { minPriorityFeePerGas: gwei, maxFeePerGas: 300n * gwei }
const arbitraryPrices = fc.record({
  baseFee: fc.bigInt({ min: 0n, max: 1000n * gwei }),
  priorityFee: fc.bigInt({ min: 0n, max: 100n * gwei }),
})

describe('suggestFees', () => {
  it('leaves room for the base fee to double', () => {
    expect(suggestFees({ baseFee: 20n * gwei, priorityFee: 2n * gwei }, limits)).toEqual({
      maxFeePerGas: 42n * gwei,
      maxPriorityFeePerGas: 2n * gwei,
    })
  })

  it('never exceeds the ceiling, and its tip never exceeds its fee', () => {
    fc.assert(
      fc.property(arbitraryPrices, (prices) => {
        const fees = suggestFees(prices, limits)
        expect(fees.maxFeePerGas <= limits.maxFeePerGas).toBe(true)
        expect(fees.maxPriorityFeePerGas <= fees.maxFeePerGas).toBe(true)
      }),
    )
  })
})

describe('bumpFees', () => {
  it('raises both fees by at least 10 % or says that the ceiling forbids it', () => {
    fc.assert(
      fc.property(arbitraryPrices, arbitraryPrices, (before, now) => {
        const previous = suggestFees(before, limits)
        const bumped = bumpFees(previous, now, limits)
        if (bumped === undefined) {
          expect(previous.maxFeePerGas * 11n >= limits.maxFeePerGas * 10n - 10n).toBe(true)
          return
        }
        expect(bumped.maxFeePerGas * 10n >= previous.maxFeePerGas * 11n).toBe(true)
        expect(bumped.maxPriorityFeePerGas * 10n >= previous.maxPriorityFeePerGas * 11n).toBe(true)
        expect(bumped.maxFeePerGas <= limits.maxFeePerGas).toBe(true)
      }),
    )
  })

  it('follows a base fee that rose by more', () => {
    const previous = suggestFees({ baseFee: gwei, priorityFee: gwei }, limits)
    const bumped = bumpFees(previous, { baseFee: 50n * gwei, priorityFee: gwei }, limits)
    expect(bumped?.maxFeePerGas).toBe(101n * gwei)
  })
})
