import type { Logger } from './Logger.ts'

const REMIND_MS = 60_000

/**
 * Makes a log of what may fail at every try. A fault in the words of the one before it is told at level `debug`, for a minute
 * from when they were last told as a warning; the next warning says how many were passed over by then.
 */
export function createFaultLog(
  logger: Logger,
  text: string,
  now: () => number = Date.now,
): (fault: Error) => void {
  let told: { message: string; at: number } | undefined
  let passedOver = 0

  return (fault) => {
    // A clock that was set back does not tell how long ago it was.
    const isNews = told?.message !== fault.message || Math.abs(now() - told.at) >= REMIND_MS
    if (!isNews) {
      passedOver++
      logger.debug({ err: fault }, text)
      return
    }
    logger.warn({ err: fault, ...(passedOver > 0 && { passedOver }) }, text)
    told = { message: fault.message, at: now() }
    passedOver = 0
  }
}
