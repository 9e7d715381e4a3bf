import { describe, expect, it } from 'vitest'
import { findFinalOutput } from './findFinalOutput.ts'

describe('findFinalOutput', () => {
  it('finds the newest final output, however many are', async () => {
    for (let count = 0n; count < 20n; count++) {
      for (let final = 0n; final <= count; final++) {
        const found = await findFinalOutput(count, async (index) => index < final)
        expect(found).toBe(final === 0n ? undefined : final - 1n)
      }
    }
  })

  it('asks few times about many outputs', async () => {
    let asked = 0
    const isFinal = async (index: bigint) => {
      asked++
      return index < 700_000n
    }
    expect(await findFinalOutput(1_000_000n, isFinal)).toBe(699_999n)
    expect(asked).toBeLessThan(21)
  })
})
