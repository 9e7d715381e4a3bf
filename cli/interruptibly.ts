import { aborted, createShutdownSignal } from './shutdown.ts'

/**
 * Runs a command that SIGINT and SIGTERM end at once, whatever it waits for.
 *
 * @throws {Interrupted} when they do.
 */
export async function interruptibly(run: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const signal = createShutdownSignal()
  await Promise.race([run(signal), aborted(signal)])
  signal.throwIfAborted()
}
