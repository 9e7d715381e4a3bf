import { closeSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { KeyrollError } from '../../protocol/index.ts'

/**
 * Makes a directory and what is missing above it, on disk when it returns.
 *
 * Node's own recursive mkdir never returns where the system says that a parent is missing which is there, as `/proc` does.
 *
 * @throws {DirectoryError} when it cannot be made, or something else is there.
 */
export function makeDirectory(path: string, sync = syncDirectorySync): void {
  const full = resolve(path)
  const missing: string[] = []
  // The root is its own parent: where it is missing, as a drive of Windows may be, nothing can be made.
  for (let at = full; !isDirectory(at) && at !== dirname(at); at = dirname(at)) missing.unshift(at)
  try {
    for (const directory of missing) {
      makeOne(directory)
      sync(dirname(directory))
    }
  } catch (cause) {
    throw new DirectoryError(full, { cause })
  }
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

function makeOne(directory: string): void {
  try {
    mkdirSync(directory)
  } catch (error) {
    // Somebody else may have made it just now.
    if (!isDirectory(directory)) throw error
  }
}

/** As `syncDirectory`, at once. */
function syncDirectorySync(path: string): void {
  if (process.platform === 'win32') return
  const directory = openSync(path, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}

/** Reports a directory that cannot be made. */
export class DirectoryError extends KeyrollError {
  override readonly name = 'DirectoryError'
  constructor(path: string, options: ErrorOptions & { cause: unknown }) {
    const { cause } = options
    super(`cannot make the directory ${path}: ${cause instanceof Error ? cause.message : cause}`, options)
  }
}
