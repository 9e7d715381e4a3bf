import { open } from 'node:fs/promises'

/** Waits until what a directory names is on disk: a file that was made in it or moved there is so only then. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path)
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
