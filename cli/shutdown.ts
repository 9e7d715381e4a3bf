// A runner such as tsx or npm may pass on what the terminal has sent already; that is not a person insisting.
const IMPATIENCE_MS = 1_000

/**
 * Makes a signal that aborts on SIGINT or SIGTERM, for everything that has to end in order; who insists a second later
 * ends the process at once.
 */
export function createShutdownSignal(): AbortSignal {
  const controller = new AbortController()
  let abortedAt = 0
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (!controller.signal.aborted) {
        abortedAt = Date.now()
        controller.abort(new Interrupted())
      } else if (Date.now() - abortedAt > IMPATIENCE_MS) {
        process.exit(130)
      }
    })
  }
  return controller.signal
}

/** Why a shutdown signal aborted. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
  constructor() {
    super('interrupted')
  }
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
