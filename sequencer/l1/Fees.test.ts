import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  bumpFees,
  type FeeLimits,
  type Fees,
  isClearlyLess,
  outbidFees,
  suggestFees,
  type TransactionKind,
  trimFees,
} from './Fees.ts'

const gwei = 1_000_000_000n
const limits: FeeLimits = {
  minPriorityFeePerGas: gwei,
  maxPriorityFeePerGas: 40n * gwei,
  maxFeePerGas: 300n * gwei,
  maxFeePerBlobGas: 200n * gwei,
}
const arbitraryFee = (max: bigint) => fc.bigInt({ min: 0n, max: max * gwei })
const arbitraryPrices = fc.record({
  baseFee: arbitraryFee(1000n),
  priorityFee: arbitraryFee(100n),
  blobBaseFee: arbitraryFee(500n),
})
const arbitraryKind = fc.constantFrom<TransactionKind>('calldata', 'blobs')

describe('suggestFees', () => {
  it('leaves room for the base fees to double', () => {
    const prices = { baseFee: 20n * gwei, priorityFee: 2n * gwei, blobBaseFee: 3n * gwei }
    const common = { maxFeePerGas: 42n * gwei, maxPriorityFeePerGas: 2n * gwei }
    expect(suggestFees(prices, limits, 'calldata')).toEqual({ ...common, maxFeePerBlobGas: 0n })
    expect(suggestFees(prices, limits, 'blobs')).toEqual({ ...common, maxFeePerBlobGas: 6n * gwei })
  })

  it('offers some blob fee where blobs are as good as free, for it could only be doubled', () => {
    const prices = { baseFee: gwei, priorityFee: gwei, blobBaseFee: 1n }
    expect(suggestFees(prices, limits, 'blobs').maxFeePerBlobGas).toBe(gwei)
  })

  it('never exceeds the ceilings, and its tip never exceeds its fee', () => {
    fc.assert(
      fc.property(arbitraryPrices, arbitraryKind, (prices, kind) => {
        const fees = suggestFees(prices, limits, kind)
        expect(fees.maxFeePerGas <= limits.maxFeePerGas).toBe(true)
        expect(fees.maxFeePerBlobGas <= limits.maxFeePerBlobGas).toBe(true)
        expect(fees.maxPriorityFeePerGas <= fees.maxFeePerGas).toBe(true)
        expect(fees.maxPriorityFeePerGas <= limits.maxPriorityFeePerGas).toBe(true)
      }),
    )
  })

  it('leaves room below the ceiling of the tip to raise the caps once, whatever tip L1 calls usual', () => {
    for (const kind of ['calldata', 'blobs'] as const) {
      const lie = { baseFee: gwei, priorityFee: 10_000n * gwei, blobBaseFee: gwei }
      const first = suggestFees(lie, limits, kind)
      expect(first.maxPriorityFeePerGas < limits.maxPriorityFeePerGas).toBe(true)
      const second = bumpFees(first, lie, limits, kind)
      expect(second).toMatchObject({ maxFeePerGas: limits.maxFeePerGas })
      if (kind === 'blobs') expect(second).toMatchObject({ maxFeePerBlobGas: limits.maxFeePerBlobGas })
      expect((second?.maxPriorityFeePerGas ?? 0n) <= limits.maxPriorityFeePerGas).toBe(true)
      expect(second && bumpFees(second, lie, limits, kind)).toBeUndefined()
    }
  })
})

describe('bumpFees', () => {
  const percents = { calldata: 110n, blobs: 200n }
  const raises = (fee: bigint, before: bigint, kind: TransactionKind) => fee * 100n >= before * percents[kind]

  it('raises every fee by what nodes ask, 10 % or with blobs 100 %, or says that a ceiling forbids it', () => {
    fc.assert(
      fc.property(arbitraryPrices, arbitraryPrices, arbitraryKind, (before, now, kind) => {
        const previous = suggestFees(before, limits, kind)
        const bumped = bumpFees(previous, now, limits, kind)
        if (bumped === undefined) {
          const isAtCeiling = (fee: bigint, ceiling: bigint) => (fee * percents[kind]) / 100n + 1n > ceiling
          expect(
            isAtCeiling(previous.maxFeePerGas, limits.maxFeePerGas) ||
              isAtCeiling(previous.maxPriorityFeePerGas, limits.maxPriorityFeePerGas) ||
              (kind === 'blobs' && isAtCeiling(previous.maxFeePerBlobGas, limits.maxFeePerBlobGas)),
          ).toBe(true)
          return
        }
        expect(raises(bumped.maxFeePerGas, previous.maxFeePerGas, kind)).toBe(true)
        expect(raises(bumped.maxPriorityFeePerGas, previous.maxPriorityFeePerGas, kind)).toBe(true)
        expect(raises(bumped.maxFeePerBlobGas, previous.maxFeePerBlobGas, kind)).toBe(true)
        expect(bumped.maxPriorityFeePerGas <= bumped.maxFeePerGas).toBe(true)
        expect(bumped.maxFeePerGas <= limits.maxFeePerGas).toBe(true)
        expect(bumped.maxPriorityFeePerGas <= limits.maxPriorityFeePerGas).toBe(true)
        expect(bumped.maxFeePerBlobGas <= limits.maxFeePerBlobGas).toBe(true)
      }),
    )
  })

  it('follows a base fee that rose by more', () => {
    const before = { baseFee: gwei, priorityFee: gwei, blobBaseFee: gwei }
    const now = { baseFee: 50n * gwei, priorityFee: gwei, blobBaseFee: 40n * gwei }
    const bumped = bumpFees(suggestFees(before, limits, 'blobs'), now, limits, 'blobs')
    expect(bumped).toMatchObject({ maxFeePerGas: 101n * gwei, maxFeePerBlobGas: 80n * gwei })
  })

  it('raises by no more than that where prices have not risen', () => {
    const prices = { baseFee: 10n * gwei, priorityFee: 2n * gwei, blobBaseFee: 3n * gwei }
    const bumped = (kind: TransactionKind) =>
      bumpFees(suggestFees(prices, limits, kind), prices, limits, kind)
    expect(bumped('calldata')).toEqual({
      maxFeePerGas: (242n * gwei) / 10n + 1n,
      maxPriorityFeePerGas: (22n * gwei) / 10n + 1n,
      maxFeePerBlobGas: 0n,
    })
    expect(bumped('blobs')).toEqual({
      maxFeePerGas: 44n * gwei + 1n,
      maxPriorityFeePerGas: 4n * gwei + 1n,
      maxFeePerBlobGas: 12n * gwei + 1n,
    })
  })

  it.each(['maxFeePerGas', 'maxPriorityFeePerGas', 'maxFeePerBlobGas'] as const)(
    'raises nothing where there is no room left for %s alone, as after its ceiling was lowered',
    (name) => {
      const prices = { baseFee: gwei, priorityFee: gwei, blobBaseFee: gwei }
      const previous = { ...suggestFees(prices, limits, 'blobs'), [name]: limits[name] }
      expect(bumpFees(previous, prices, limits, 'blobs')).toBeUndefined()
    },
  )

  it('reaches the ceiling with the last replacement that fits', () => {
    const prices = { baseFee: gwei, priorityFee: gwei, blobBaseFee: gwei }
    let fees: Fees | undefined = suggestFees(prices, limits, 'blobs')
    let last = fees
    while (fees !== undefined) {
      last = fees
      fees = bumpFees(fees, prices, { ...limits, maxFeePerBlobGas: 10_000n * gwei }, 'blobs')
    }
    expect(last.maxFeePerGas).toBe(limits.maxFeePerGas)
  })
})

describe('suggestFees, bumpFees and outbidFees', () => {
  const arbitraryStep = fc.record({
    prices: arbitraryPrices,
    choose: fc.constantFrom(bumpFees, bumpFees, outbidFees),
  })

  it('leave no transaction below a ceiling that can neither rise nor be replaced', () => {
    fc.assert(
      fc.property(fc.array(arbitraryStep, { minLength: 1, maxLength: 12 }), arbitraryKind, (steps, kind) => {
        let fees: Fees | undefined
        for (const { prices, choose } of steps) {
          const next: Fees | undefined =
            fees === undefined ? suggestFees(prices, limits, kind) : choose(fees, prices, limits, kind)
          if (next === undefined) {
            const { maxFeePerGas, maxFeePerBlobGas } = limits
            expect(fees).toMatchObject({
              maxFeePerGas,
              maxFeePerBlobGas: kind === 'blobs' ? maxFeePerBlobGas : 0n,
            })
            return
          }
          fees = next
        }
      }),
    )
  })
})

describe('trimFees', () => {
  const prices = { baseFee: 100n * gwei, priorityFee: gwei, blobBaseFee: 10n * gwei }
  /** What L1 asks for now, with room for one full block. */
  const asked = { maxFeePerGas: 114n * gwei, maxPriorityFeePerGas: gwei }
  const paid = (maxFeePerGas: bigint, maxFeePerBlobGas = 0n): Fees => ({
    maxFeePerGas: maxFeePerGas * gwei,
    maxPriorityFeePerGas: gwei,
    maxFeePerBlobGas: maxFeePerBlobGas * gwei,
  })

  it.each([
    ['what L1 asks for now, where that is clearly less', 201n, 114n],
    ['what L1 asks for now, where less was offered than the base fee', 99n, 114n],
    ['nothing else, where that is about the same', 120n, undefined],
    ['nothing else, where it is more, and what was offered is enough', 104n, undefined],
  ])('offers %s', (_, before, after) => {
    const expected = after && { ...asked, maxFeePerBlobGas: 0n }
    expect(trimFees(paid(before), prices, limits, 'calldata')).toEqual(expected)
  })

  it.each([
    ['clearly less is asked for now', 30n, true],
    ['less was offered than their base fee', 9n, true],
    ['about the same is asked for now', 11n, false],
  ])('looks at blobs too: %s', (_, before, isOther) => {
    const expected = isOther ? { ...asked, maxFeePerBlobGas: (113n * gwei) / 10n } : undefined
    expect(trimFees(paid(114n, before), prices, limits, 'blobs')).toEqual(expected)
  })

  it('offers nothing else where the base fee is above the ceiling, which was offered', () => {
    const dear = { ...prices, baseFee: 400n * gwei }
    expect(trimFees(paid(300n), dear, limits, 'calldata')).toBeUndefined()
  })
})

describe('isClearlyLess', () => {
  const fees = (maxFeePerGas: bigint, maxFeePerBlobGas: bigint): Fees => ({
    maxFeePerGas,
    maxPriorityFeePerGas: 0n,
    maxFeePerBlobGas,
  })

  it('says so from the least on by which nodes want a replacement raised, in one of the caps', () => {
    expect(isClearlyLess(fees(100n, 0n), fees(110n, 0n))).toBe(true)
    expect(isClearlyLess(fees(101n, 0n), fees(110n, 0n))).toBe(false)
    expect(isClearlyLess(fees(100n, 100n), fees(100n, 110n))).toBe(true)
    expect(isClearlyLess(fees(0n, 0n), fees(0n, 0n))).toBe(false)
  })
})

describe('outbidFees', () => {
  it('doubles what was refused where prices have not risen', () => {
    const prices = { baseFee: 10n * gwei, priorityFee: 2n * gwei, blobBaseFee: 3n * gwei }
    for (const kind of ['calldata', 'blobs'] as const) {
      expect(outbidFees(suggestFees(prices, limits, kind), prices, limits, kind)).toEqual({
        maxFeePerGas: 44n * gwei,
        maxPriorityFeePerGas: 4n * gwei,
        maxFeePerBlobGas: kind === 'blobs' ? 12n * gwei : 0n,
      })
    }
  })

  it('doubles what was refused until everything is at its ceiling, and then says so', () => {
    fc.assert(
      fc.property(arbitraryPrices, arbitraryPrices, arbitraryKind, (before, now, kind) => {
        let fees: Fees | undefined = suggestFees(before, limits, kind)
        let last = fees
        for (let rounds = 0; fees !== undefined; rounds++) {
          expect(rounds).toBeLessThan(64)
          const next: Fees | undefined = outbidFees(fees, now, limits, kind)
          if (next !== undefined) {
            expect(next.maxFeePerGas >= fees.maxFeePerGas).toBe(true)
            expect(next.maxPriorityFeePerGas <= next.maxFeePerGas).toBe(true)
            const isDoubled = (after: bigint, ceiling: bigint, fee: bigint) =>
              after >= 2n * fee || after === ceiling
            expect(isDoubled(next.maxFeePerGas, limits.maxFeePerGas, fees.maxFeePerGas)).toBe(true)
          }
          last = fees
          fees = next
        }
        expect(last).toEqual({
          maxFeePerGas: limits.maxFeePerGas,
          maxPriorityFeePerGas: limits.maxPriorityFeePerGas,
          maxFeePerBlobGas: kind === 'blobs' ? limits.maxFeePerBlobGas : 0n,
        })
      }),
    )
  })
})
