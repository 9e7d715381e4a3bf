import type { FileHandle } from 'node:fs/promises'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { ChainStore } from '../store/ChainStore.ts'
import type { StoredOutput } from '../store/StoredOutput.ts'
import { syncDirectory } from '../syncDirectory.ts'

/**
 * Writes the snapshot that an output vouches for to a file, which appears when it is whole and on disk.
 *
 * @returns how many bytes it has.
 * @throws as `writeSnapshot`, or the system's error when the file cannot be written.
 */
export async function exportSnapshot(
  store: Pick<ChainStore, 'snapshot'>,
  output: StoredOutput,
  file: string,
): Promise<bigint> {
  const unfinished = `${file}.partial`
  const handle = await open(unfinished, 'w')
  try {
    const bytes = await writeAll(handle, store.snapshot(output)).finally(() => handle.close())
    await rename(unfinished, file)
    await syncDirectory(dirname(file))
    return bytes
  } catch (error) {
    await rm(unfinished, { force: true })
    throw error
  }
}

/** Resolves when all is on disk. */
async function writeAll(handle: FileHandle, chunks: AsyncIterable<Uint8Array>): Promise<bigint> {
  let bytes = 0n
  for await (const chunk of chunks) {
    await handle.writeFile(chunk)
    bytes += BigInt(chunk.length)
  }
  await handle.sync()
  return bytes
}
