import { statSync } from 'node:fs'

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
    await sync(path)
    synced = mtimeNs
  }
}
