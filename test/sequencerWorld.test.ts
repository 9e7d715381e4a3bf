import { expect, it } from 'vitest'
import { until } from './sequencerWorld.ts'

it('gives up in time on a question that never ends, and says what it heard last', async () => {
  let asked = 0
  const question = async () => (asked++ === 0 ? 7 : await new Promise<number>(() => undefined))
  await expect(until(question, () => false, 1_000)).rejects.toThrow('gave up waiting; last: 7')
  expect(asked).toBe(2)
})
