import { describe, expect, it } from 'vitest'
import { waitFor } from './waitFor.ts'

const { signal } = new AbortController()

describe('waitFor', () => {
  it('asks until there is an answer', async () => {
    let asked = 0
    const ask = async () => (++asked === 3 ? 'answer' : undefined)
    expect(await waitFor('an answer', { timeout: 5_000, signal }, ask)).toBe('answer')
    expect(asked).toBe(3)
  })

  it('says what it waited for in vain', async () => {
    const waiting = waitFor('an answer', { timeout: 150, signal }, async () => undefined)
    await expect(waiting).rejects.toThrow('waited 0.15 s for an answer, in vain')
  })

  it('gives up when aborted, and with what is thrown', async () => {
    const aborted = AbortSignal.abort(new Error('enough'))
    const never = async () => undefined
    await expect(waitFor('an answer', { timeout: 5_000, signal: aborted }, never)).rejects.toThrow('enough')
    const failing = async () => Promise.reject(new Error('broken'))
    await expect(waitFor('an answer', { timeout: 5_000, signal }, failing)).rejects.toThrow('broken')
  })
})
