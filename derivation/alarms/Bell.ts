/** Lets one waiter wait for a time or for somebody to ring, whichever comes first. */
export interface Bell {
  /** Ends the waiting, or the next one at once. */
  ring(): void
  /** Resolves when rung, when `ms` milliseconds have passed, or when the signal aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>
}

/** Makes a bell for a single waiter. */
export function createBell(): Bell {
  let hasRung = false
  let wake: (() => void) | undefined
  return {
    ring() {
      hasRung = true
      wake?.()
    },
    async wait(ms, signal) {
      if (!hasRung && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const done = () => {
            clearTimeout(timer)
            signal.removeEventListener('abort', done)
            resolve()
          }
          const timer = setTimeout(done, ms)
          signal.addEventListener('abort', done)
          wake = done
        })
      }
      wake = undefined
      hasRung = false
    },
  }
}
