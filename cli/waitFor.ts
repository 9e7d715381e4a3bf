import { setTimeout } from 'node:timers/promises'
import { CliError } from './CliError.ts'

const POLL_INTERVAL_MS = 100

/**
 * Asks again and again until the answer is not undefined, for the last time when the time is over. What took long already
 * is asked for less often: with `longest`, the pause grows with the time waited, to at most an eighth of it. All times are
 * milliseconds.
 *
 * @throws {CliError} naming what was waited for, when the time is over; the signal's reason when aborted.
 */
export async function waitFor<T>(
  what: string,
  {
    timeout,
    signal,
    interval = POLL_INTERVAL_MS,
    longest = interval,
  }: { timeout: number; signal: AbortSignal; interval?: number; longest?: number },
  ask: () => Promise<T | undefined>,
): Promise<T> {
  const start = Date.now()
  for (;;) {
    signal.throwIfAborted()
    const answer = await ask()
    if (answer !== undefined) return answer
    const waited = Date.now() - start
    if (waited >= timeout) throw new CliError(`waited ${timeout / 1000} s for ${what}, in vain`)
    const pause = Math.min(Math.max(waited / 8, interval), longest)
    // What aborts it is thrown above.
    await setTimeout(Math.min(pause, timeout - waited), undefined, { signal }).catch(() => undefined)
  }
}
