import { createFaultLog, type Logger, ResetFault, sleep, TemporaryFault } from '../node/index.ts'

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
  const logFault = createFaultLog(logger, 'L1 is not answering as it should; trying again')
  while (!signal.aborted) {
    try {
      await step()
    } catch (error) {
      if (!(error instanceof TemporaryFault || error instanceof ResetFault)) throw error
      if (!signal.aborted) logFault(error)
    }
    await sleep(typeof intervalMs === 'number' ? intervalMs : intervalMs(), signal)
  }
}
