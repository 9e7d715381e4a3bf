import { createReadStream, existsSync, readdirSync, statSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { RollupConfig } from '../../protocol/index.ts'
import { DatabaseUnavailableError, openLevelDatabase } from '../store/Database.ts'
import { syncDirectory } from '../syncDirectory.ts'
import { loadSnapshot } from './loadSnapshot.ts'
import { openSnapshot, type SnapshotCounts, type SnapshotReading } from './readSnapshot.ts'
import { DatabaseExistsError } from './snapshotErrors.ts'

const READ_BYTES = 1_048_576

/**
 * Reads the snapshot in a file, see `openSnapshot`, and closes the file afterwards.
 *
 * @throws as `openSnapshot` and `use`, or the system's error when the file cannot be read.
 */
export async function withSnapshotFile<T>(
  file: string,
  rollup: RollupConfig | undefined,
  use: (reading: SnapshotReading) => Promise<T>,
): Promise<T> {
  const chunks = createReadStream(file, { highWaterMark: READ_BYTES })
  try {
    return await use(await openSnapshot(chunks, rollup))
  } finally {
    chunks.destroy()
  }
}

/** Tells whether there is a database in a directory, or anything else: what is left of a damaged one is not to be overlooked. */
export function hasDatabase(path: string): boolean {
  return existsSync(path) && !isEmptyDirectory(path)
}

function isEmptyDirectory(path: string): boolean {
  return statSync(path).isDirectory() && readdirSync(path).length === 0
}

/**
 * Makes a database out of a snapshot. It is put together beside `path` and moved there when it is whole and on disk: whenever the
 * process dies, there is either no database or the whole one, and what is left beside it is thrown away the next time.
 *
 * @param check looks at the snapshot's beginning before its state is read, and throws when it is not to be taken.
 * @throws {DatabaseExistsError} when there is a database already.
 * @throws {DatabaseUnavailableError} when another process is importing here.
 * @throws as `openSnapshot` and `loadSnapshot` when the snapshot is damaged, or of another rollup.
 */
export async function importSnapshot({
  file,
  path,
  rollup,
  check,
  signal,
}: {
  file: string
  path: string
  rollup: RollupConfig
  check: (reading: SnapshotReading) => Promise<void>
  signal?: AbortSignal
}): Promise<SnapshotCounts> {
  if (hasDatabase(path)) throw new DatabaseExistsError(path)
  // A slash at its end would make it a name inside the directory.
  const whole = resolve(path)
  const unfinished = `${whole}.importing`
  const counts = await withSnapshotFile(file, rollup, async (reading) => {
    await check(reading)
    await discardLeftover(unfinished)
    // Where this fails, another import that began just now may have it open.
    const database = await openLevelDatabase(unfinished)
    try {
      return await loadSnapshot(reading, database, rollup, signal).finally(database.close)
    } catch (error) {
      // What cannot be removed now is thrown away the next time.
      await discard(unfinished).catch(() => undefined)
      throw error
    }
  })
  await rename(unfinished, whole)
  await syncDirectory(dirname(whole))
  return counts
}

/** Removes what an earlier import left, unless that import is still running: then its lock is held. */
async function discardLeftover(path: string): Promise<void> {
  if (!existsSync(path)) return
  try {
    await (await openLevelDatabase(path)).close()
  } catch (error) {
    // Whatever else keeps it from being opened, as a full disk does, goes with it.
    if (error instanceof DatabaseUnavailableError && error.isLocked) throw error
  }
  await discard(path)
}

/** Removes a database. It is moved first, lest files go with it that another import makes there meanwhile. */
async function discard(path: string): Promise<void> {
  const discarded = `${path}.discarded`
  await rm(discarded, { recursive: true, force: true })
  await rename(path, discarded)
  await rm(discarded, { recursive: true, force: true })
}
