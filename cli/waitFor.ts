import { setTimeout } from 'node:timers/promises'
import { CliError } from './CliError.ts'

const POLL_INTERVAL_MS = 100

/**
 * Asks again and again until the answer is not undefined.
 *
 * @throws {CliError} naming what was waited for, when the time in milliseconds is over; the signal's reason when aborted.
 */
export async function waitFor<T>(
  what: string,
  {
    timeout,
    signal,
    interval = POLL_INTERVAL_MS,
  }: { timeout: number; signal: AbortSignal; interval?: number },
  ask: () => Promise<T | undefined>,
): Promise<T> {
  const deadline = Date.now() + timeout
  while (Date.now() < deadline) {
    signal.throwIfAborted()
    const answer = await ask()
    if (answer !== undefined) return answer
    await setTimeout(interval)
  }
  throw new CliError(`waited ${timeout / 1000} s for ${what}, in vain`)
}
