import { getPriority, setPriority } from 'node:os'

/** Enough for the thread that executes; where other processes want the cores too, more would make it wait for this one. */
const NICENESS = 3
const LOWEST = 19

/** Lowers the priority of the thread that calls, on Linux; elsewhere it would be that of the process. Where that is forbidden, nothing changes. */
export function lowerPriority(): void {
  if (process.platform !== 'linux') return
  try {
    setPriority(Math.min(LOWEST, getPriority() + NICENESS))
  } catch {
    // A sandbox may forbid it. Questions are answered at any priority.
  }
}
