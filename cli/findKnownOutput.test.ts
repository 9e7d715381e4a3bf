import { describe, expect, it } from 'vitest'
import { findKnownOutput, MOST_OUTPUTS } from './findKnownOutput.ts'

/** Of 1,000 outputs, one every 20 minutes: 504 are proposed in a challenge period of a week. */
const OUTPUTS = { count: 1_000n, finalCount: 496n }

const find = (known: Record<string, 'finalized' | 'proposed'>, outputs = OUTPUTS) =>
  findKnownOutput(outputs, async (index) => {
    const root = known[String(index)]
    return root && { finalized: root === 'finalized' }
  })

describe('findKnownOutput', () => {
  it('finds the newest finalized root, however many outputs are newer', async () => {
    expect(await find({ 3: 'finalized', 495: 'finalized' })).toBe(495n)
    expect(await find({ 0: 'finalized' })).toBe(0n)
  })

  it('takes a finalized root rather than a newer one that is only proposed', async () => {
    expect(await find({ 3: 'finalized', 400: 'proposed', 999: 'proposed' })).toBe(3n)
  })

  it('takes the newest proposed root where none is finalized', async () => {
    expect(await find({ 400: 'proposed', 999: 'proposed' })).toBe(999n)
    expect(await find({ 5: 'proposed' }, { count: 7n, finalCount: 0n })).toBe(5n)
  })

  it('finds none when the replica knows none', async () => {
    expect(await find({})).toBeUndefined()
    expect(await find({}, { count: 0n, finalCount: 0n })).toBeUndefined()
  })

  it('asks about no more than a chain can have, however many L1 names', async () => {
    const asked = new Set<bigint>()
    const count = 2n ** 200n
    const rootOf = async (index: bigint) => void asked.add(index)
    expect(await findKnownOutput({ count, finalCount: 0n }, rootOf)).toBeUndefined()
    expect(BigInt(asked.size)).toBe(MOST_OUTPUTS)
    expect(asked.has(count - 1n)).toBe(true)
  })

  it('asks about few outputs when the newest final one is known', async () => {
    let asked = 0
    await findKnownOutput(OUTPUTS, async (index) => {
      asked++
      return index === 490n ? { finalized: true } : undefined
    })
    expect(asked).toBeLessThan(25)
  })
})
