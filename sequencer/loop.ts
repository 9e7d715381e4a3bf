import { setTimeout as wait } from 'node:timers/promises'
import { type Logger, ResetFault, TemporaryFault } from '../node/index.ts'

/** Resolves after `ms` milliseconds, or as soon as the signal aborts. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  try {
    await wait(ms, undefined, { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/**
 * Repeats a step every `intervalMs` milliseconds until the signal aborts; faults of L1 are logged, and the step is tried again.
 *
 * @throws whatever else the step throws, at once: a defect or a lost disk is for the process to report.
 */
export async function repeat(
  step: () => Promise<void>,
  {
    intervalMs,
    signal,
    logger,
  }: { intervalMs: number | (() => number); signal: AbortSignal; logger: Logger },
): Promise<void> {
  while (!signal.aborted) {
    try {
      await step()
    } catch (error) {
      if (!(error instanceof TemporaryFault || error instanceof ResetFault)) throw error
      logger.warn({ err: error }, 'L1 is not answering as it should; trying again')
    }
    await sleep(typeof intervalMs === 'number' ? intervalMs : intervalMs(), signal)
  }
}
