import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { findLogFault } from './findLogFault.ts'
import { DamagedDatabaseError } from './storeErrors.ts'

/** Not `log`: LevelDB has a file LOG, which is the same where case is not told apart. */
export const RECORDS_FILE = 'records'
/** Names the manifest, in which LevelDB keeps account of all others, in the format of a log. */
const CURRENT_FILE = 'CURRENT'
const LOG_FILE = /^\d+\.log$/
const TABLE_FILE = /^\d+\.ldb$/

/**
 * Looks, before LevelDB opens its directory, for damage about which LevelDB says nothing: over files without CURRENT it founds a new
 * database, and removes them; and it goes on without a log that is gone, or without a part of one.
 *
 * @throws {DamagedDatabaseError} when there is such damage.
 * @throws the system's error when a file cannot be read.
 */
export async function checkLevelFiles(path: string): Promise<void> {
  const names = await readdir(path)
  const logs = names.filter((name) => LOG_FILE.test(name))
  const hasAll = names.includes(CURRENT_FILE) && logs.length > 0
  // A first start that was killed may lack both: there is nothing yet then that they would lead to.
  if (!hasAll && (await holdsAnything(path, names))) {
    throw new DamagedDatabaseError(names.includes(CURRENT_FILE) ? 'the log of LevelDB' : 'the file CURRENT')
  }
  // Another manifest may be one that LevelDB was making when it was killed, and not as careful with as with the one in use.
  const current = await unlessGone(readFile(join(path, CURRENT_FILE), 'utf8'))
  const manifest = current?.trimEnd()
  for (const name of [...logs, ...names.filter((each) => each === manifest)]) {
    const bytes = await unlessGone(readFile(join(path, name)))
    const at = bytes && findLogFault(bytes)
    if (at !== undefined) throw new DamagedDatabaseError(`writes that stood in ${name} at byte ${at}`)
  }
}

async function holdsAnything(path: string, names: readonly string[]): Promise<boolean> {
  for (const name of names) {
    if (name !== RECORDS_FILE && !LOG_FILE.test(name) && !TABLE_FILE.test(name)) continue
    const file = await unlessGone(stat(join(path, name)))
    if (file?.isFile() && file.size > 0) return true
  }
  return false
}

/** Another process, which LevelDB finds out about later, may have the database open and remove files. */
async function unlessGone<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
