import { setImmediate as nextTurn } from 'node:timers/promises'

/**
 * Resolves when work may go on: at once, or when the event loop has turned and those who asked before have had their turn,
 * or when it is to stop.
 */
export type Turns = (stop: AbortSignal) => Promise<void>

/** For so long calls may keep the event loop from everybody else: the engine, L1, disk and the health checks. */
const SLICE_MS = 20

/**
 * Makes what all calls wait for between two steps of their work, so that together they take the event loop for
 * {@link SLICE_MS} and the last step at most before it turns. Where several wait, they take turns, a step each.
 *
 * `now` tells the time in milliseconds.
 */
export function createTurns(now: () => number = () => performance.now()): Turns {
  const waiting: (() => void)[] = []
  let sliceEnd = Number.NEGATIVE_INFINITY
  let isRunning = false

  async function letGoOn(): Promise<void> {
    isRunning = true
    while (waiting.length > 0) {
      await nextTurn()
      sliceEnd = now() + SLICE_MS
      do {
        waiting.shift()?.()
        // When no microtask is left, its step is done.
        await new Promise<void>((resolve) => process.nextTick(resolve))
      } while (waiting.length > 0 && now() < sliceEnd)
    }
    isRunning = false
  }

  return async (stop) => {
    if (stop.aborted || (waiting.length === 0 && now() < sliceEnd)) return
    await new Promise<void>((resolve) => {
      const goOn = () => {
        stop.removeEventListener('abort', goOn)
        resolve()
      }
      // What stops must let go at once of what it has collected, not when all others had their turn.
      stop.addEventListener('abort', goOn)
      waiting.push(goOn)
      if (!isRunning) letGoOn()
    })
  }
}
