import { beforeEach, describe, expect, it } from 'vitest'
import { type BackOff, createBackOff } from './BackOff.ts'

describe('BackOff', () => {
  let backOff: BackOff
  let shown: number | undefined
  const pauses = (count: number, { goal = 7n, left = 50n } = {}) =>
    Array.from({ length: count }, () => backOff.failed(goal, 100n, left).pause)

  beforeEach(() => {
    const gauge = {
      set(value: number) {
        shown = value
      },
    }
    backOff = createBackOff(gauge)
  })

  it('pauses from the third failure on, twice as long each time, up to a quarter of what is left', () => {
    expect(pauses(7)).toEqual([0n, 0n, 2n, 4n, 8n, 12n, 12n])
    expect(backOff.failed(7n, 200n, 50n)).toEqual({ failures: 8, pause: 12n })
    expect(shown).toBe(12)
    expect(backOff.isPausing(211n)).toBe(true)
    expect(backOff.isPausing(212n)).toBe(false)
  })

  it('does not pause before that, even for whoever has not come to the L1 block of the failure yet', () => {
    pauses(2)
    expect(backOff.isPausing(90n)).toBe(false)
    pauses(1)
    expect(backOff.isPausing(90n)).toBe(true)
  })

  it('pauses no longer than it says, however far L1 was said to be when it failed', () => {
    pauses(2)
    expect(backOff.failed(7n, 1n << 63n, 50n).pause).toBe(2n)
    expect([100n, 101n, 102n].map(backOff.isPausing)).toEqual([true, true, false])
  })

  it('counts the failures of one goal', () => {
    pauses(4)
    backOff.aimAt(7n)
    expect(backOff.isPausing(100n)).toBe(true)
    expect(pauses(2, { goal: 8n })).toEqual([0n, 0n])
    expect(backOff.isPausing(100n)).toBe(false)
  })

  it('pauses ever shorter while less and less is left, and still when nearly nothing is', () => {
    pauses(7)
    const left = [50n, 40n, 24n, 9n, 4n, 3n, 1n]
    expect(left.flatMap((blocks) => pauses(1, { left: blocks }))).toEqual([12n, 10n, 6n, 2n, 1n, 1n, 1n])
  })

  it('forgets the failures of what is reached', () => {
    pauses(4)
    backOff.aimAt(8n)
    expect(backOff.isPausing(100n)).toBe(false)
    expect(shown).toBe(0)
    expect(pauses(1)).toEqual([0n])
  })
})
