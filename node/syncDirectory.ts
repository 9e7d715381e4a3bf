import { open } from 'node:fs/promises'

/** Waits until what a directory names is on disk: a file that was made in it or moved there is so only then. */
export async function syncDirectory(path: string): Promise<void> {
  // Windows has no such call, and its file systems keep directories in a journal.
  if (process.platform === 'win32') return
  const directory = await open(path)
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
