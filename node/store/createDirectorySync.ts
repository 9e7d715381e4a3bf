import { statSync } from 'node:fs'

/** Nanoseconds within which the system may give two changes one time: it notes them by a clock that ticks. */
const COARSEST_TICK = 1_000_000_000n

/**
 * Makes a function that syncs a directory if anything was made, moved or removed there since the last call.
 *
 * LevelDB does so for its tables, but not when it begins a new log: the system may keep what was synced of a file, and not its name.
 */
export function createDirectorySync(
  path: string,
  sync: (path: string) => Promise<void>,
): () => Promise<void> {
  let synced: bigint | undefined
  return async () => {
    // Costs microseconds, where a sync costs milliseconds.
    const { mtimeNs } = statSync(path, { bigint: true })
    if (mtimeNs === synced) return
    const isSettled = BigInt(Date.now()) * 1_000_000n - mtimeNs > COARSEST_TICK
    await sync(path)
    // What comes in the same tick as a change would not show.
    synced = isSettled ? mtimeNs : undefined
  }
}
