import { mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { KeyrollError } from '../../protocol/index.ts'

/**
 * Makes a directory and what is missing above it.
 *
 * Node's own recursive mkdir never returns where the system says that a parent is missing which is there, as `/proc` does.
 *
 * @throws {DirectoryError} when it cannot be made, or something else is there.
 */
export function makeDirectory(path: string): void {
  const full = resolve(path)
  const missing: string[] = []
  let at = full
  while (!isDirectory(at)) {
    missing.unshift(at)
    at = dirname(at)
  }
  for (const directory of missing) makeOne(directory, full)
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

function makeOne(directory: string, wanted: string): void {
  try {
    mkdirSync(directory)
  } catch (cause) {
    // Somebody else may have made it just now.
    if (!isDirectory(directory)) throw new DirectoryError(wanted, { cause })
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
