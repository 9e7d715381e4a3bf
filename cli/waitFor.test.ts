import { setTimeout } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { CliError } from './CliError.ts'
import { type Commit, waitFor } from './waitFor.ts'

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

  it('asks for the last time when the time is over', async () => {
    const start = Date.now()
    const isLate = async () => (Date.now() - start >= 60 ? 'late' : undefined)
    const once = { timeout: 60, signal, interval: 5_000 }
    expect(await waitFor('an answer', once, isLate)).toBe('late')
  })

  it('asks for less and less, if it may', async () => {
    const times: number[] = []
    const start = Date.now()
    const ask = async () => {
      times.push(Date.now() - start)
      return undefined
    }
    const patient = { timeout: 500, signal, interval: 5, longest: 40 }
    await expect(waitFor('an answer', patient, ask)).rejects.toThrow('in vain')
    // 100 without growth; 8 of 5 ms and 21 that grow with it.
    expect(times.length).toBeLessThan(40)
    const pauses = times.map((time, at) => time - (times[at - 1] ?? 0))
    // The last one ends with the time. A timer may be early by one.
    expect(Math.max(...pauses.slice(0, -1))).toBeGreaterThanOrEqual(39)
  })

  it('wakes up from a long pause when aborted', async () => {
    const stopping = new AbortController()
    const ask = async () => {
      setImmediate(() => stopping.abort(new Error('enough')))
      return undefined
    }
    const long = { timeout: 120_000, signal: stopping.signal, interval: 110_000 }
    await expect(waitFor('an answer', long, ask)).rejects.toThrow('enough')
  })

  const forever = new Promise<undefined>(() => undefined)

  it.concurrent('gives up a question that nobody answers, a while after the time is over', async () => {
    const start = Date.now()
    await expect(waitFor('an answer', { timeout: 100, signal }, () => forever)).rejects.toThrow('in vain')
    // The last question has 5 s.
    expect(Date.now() - start).toBeLessThan(9_000)
  }, 10_000)

  it('gives up a question when aborted', async () => {
    const stopping = new AbortController()
    const ask = () => {
      setImmediate(() => stopping.abort(new Error('enough')))
      return forever
    }
    const waiting = waitFor('an answer', { timeout: 120_000, signal: stopping.signal }, ask)
    await expect(waiting).rejects.toThrow('enough')
  })

  it.concurrent('gives up nothing that has committed itself, and lets nothing do so afterwards', async () => {
    const paid = waitFor('a payment', { timeout: 10, signal }, async (commit) => {
      commit()
      await setTimeout(5_500)
      return 'paid'
    })
    let late: Commit = () => undefined
    const given = waitFor('a payment', { timeout: 10, signal }, (commit) => {
      late = commit
      return forever
    })
    await expect(given).rejects.toThrow('in vain')
    expect(() => late()).toThrow(CliError)
    expect(await paid).toBe('paid')
  }, 10_000)

  it('gives up when aborted, and with what is thrown', async () => {
    const aborted = AbortSignal.abort(new Error('enough'))
    const never = async () => undefined
    await expect(waitFor('an answer', { timeout: 5_000, signal: aborted }, never)).rejects.toThrow('enough')
    const failing = async () => Promise.reject(new Error('broken'))
    await expect(waitFor('an answer', { timeout: 5_000, signal }, failing)).rejects.toThrow('broken')
  })
})
