import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { createGate } from './Gate.ts'

describe('createGate', () => {
  it('lets so many in at once, in their order, though some fail', async () => {
    const gate = createGate(2)
    const begun: number[] = []
    let inside = 0
    let most = 0
    const work = Array.from({ length: 7 }, (_, i) =>
      gate(async () => {
        begun.push(i)
        most = Math.max(most, ++inside)
        await setImmediate()
        inside--
        if (i % 3 === 0) throw new RangeError(`${i}`)
        return i
      }),
    )
    const outcomes = await Promise.allSettled(work)
    expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect(most).toBe(2)
    expect(outcomes.map(({ status }) => status === 'rejected')).toEqual(
      [0, 1, 2, 3, 4, 5, 6].map((i) => i % 3 === 0),
    )
    expect(await gate(async () => 'empty again')).toBe('empty again')
  })
})
