import { setMaxListeners } from 'node:events'

/** How the parts of a process end. */
export interface Ending {
  /** Aborts when the process is to end. */
  readonly signal: AbortSignal
  /** Tells everybody to end, and closes nothing yet. */
  begin(): void
  /** Has something closed at the end, before all that was given earlier. */
  onRelease(close: () => Promise<void>): void
  /**
   * Closes all that was given, the newest first, each once.
   *
   * @throws what the first of those that cannot be closed throws, when the others are closed.
   */
  release(): Promise<void>
}

/** Every part waits for the signal; Node.js would warn of a leak. */
const MAX_WAITING_FOR_THE_END = 64

function createEnding(): Ending {
  const ending = new AbortController()
  setMaxListeners(MAX_WAITING_FOR_THE_END, ending.signal)
  const opened: (() => Promise<void>)[] = []
  return {
    signal: ending.signal,
    begin: () => ending.abort(),
    onRelease: (close) => opened.push(close),
    async release() {
      ending.abort()
      const faults: unknown[] = []
      for (const close of opened.splice(0).reverse()) {
        await close().catch((fault: unknown) => faults.push(fault))
      }
      if (faults.length > 0) throw faults[0]
    },
  }
}

/**
 * Starts a process out of parts; when that fails, whatever was opened until then is closed.
 *
 * @throws as `start`.
 */
export async function startOrRelease<T>(start: (ending: Ending) => Promise<T>): Promise<T> {
  const ending = createEnding()
  try {
    return await start(ending)
  } catch (fault) {
    // Why it cannot be started says more than what could not be closed then.
    await ending.release().catch(() => undefined)
    throw fault
  }
}
