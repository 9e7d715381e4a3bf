import type { Timeline } from './Timeline.ts'

/** A process that can be killed: whatever in it waits then is never woken, as after `kill -9`. */
export interface Host {
  readonly name: string
  isAlive(): boolean
  /** Waits; for ever when the process is killed meanwhile. */
  pause(ms: number): Promise<void>
  kill(): void
  /** Asks the process something from outside. Undefined when it dies before it has answered. */
  ask<T>(question: () => Promise<T>): Promise<T | undefined>
}

/** Starts a process; `onDeath` hears when it is killed. */
export function createHost(name: string, timeline: Timeline, onDeath: () => void): Host {
  let isAlive = true
  const asking = new Set<() => void>()

  return {
    name,
    isAlive: () => isAlive,
    pause: (ms) =>
      new Promise((resolve) => {
        timeline.after(ms, () => {
          if (isAlive) resolve()
        })
      }),
    kill() {
      if (!isAlive) return
      isAlive = false
      for (const giveUp of asking) giveUp()
      onDeath()
    },
    ask(question) {
      if (!isAlive) return Promise.resolve(undefined)
      return new Promise((resolve, reject) => {
        const giveUp = () => resolve(undefined)
        asking.add(giveUp)
        question()
          .then(resolve, reject)
          .finally(() => asking.delete(giveUp))
      })
    },
  }
}

/** Waits for ever: what follows in a killed process never happens. */
export const never: Promise<never> = new Promise(() => undefined)
