import { setTimeout as pause } from 'node:timers/promises'
import { CliError } from './CliError.ts'

const POLL_INTERVAL_MS = 100
/** However late it is, a question has so long to be answered: the last one is asked when the time is over. */
const ANSWER_MS = 5_000
/** The longest that Node's timers run; they end at once what is longer. */
const MAX_TIMER_MS = 2 ** 31 - 1

/**
 * Says that what comes now is not to be given up in the middle, such as a payment.
 *
 * @throws {CliError} when the question is given up already.
 */
export type Commit = () => void

/**
 * Asks again and again until the answer is not undefined, for the last time when the time is over; a question that takes
 * longer than the time, and than 5 s, is given up, unless it has committed itself. What took long already is asked for less
 * often: with `longest`, the pause grows with the time waited, to at most an eighth of it. All times are milliseconds.
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
  ask: (commit: Commit) => Promise<T | undefined>,
): Promise<T> {
  const start = Date.now()
  const waited = () => Date.now() - start
  for (;;) {
    signal.throwIfAborted()
    const answer = await askOnce(ask, Math.max(timeout - waited(), ANSWER_MS), signal)
    if (answer !== undefined) return answer
    signal.throwIfAborted()
    if (waited() >= timeout) throw new CliError(`waited ${timeout / 1000} s for ${what}, in vain`)
    const length = Math.min(Math.max(waited() / 8, interval), longest)
    // What aborts it is thrown above.
    await pause(Math.min(length, timeout - waited()), undefined, { signal }).catch(() => undefined)
  }
}

/** Asks; undefined when the question is given up, late or when aborted. */
function askOnce<T>(
  ask: (commit: Commit) => Promise<T | undefined>,
  timeout: number,
  signal: AbortSignal,
): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    let isGivenUp = false
    const giveUp = () => {
      isGivenUp = true
      resolve(undefined)
    }
    const timer = setTimeout(giveUp, Math.min(timeout, MAX_TIMER_MS))
    signal.addEventListener('abort', giveUp)
    const commit = () => {
      if (isGivenUp) throw new CliError('nobody waits for it any more')
      clearTimeout(timer)
    }
    ask(commit)
      .then(resolve, reject)
      .finally(() => {
        clearTimeout(timer)
        signal.removeEventListener('abort', giveUp)
      })
  })
}
