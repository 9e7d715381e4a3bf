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
  let bytes: bigint
  try {
    bytes = await writeAll(handle, store.snapshot(output))
    await handle.sync()
  } catch (error) {
    await handle.close()
    await rm(unfinished, { force: true })
    throw error
  }
  await handle.close()
  await rename(unfinished, file)
  await syncDirectory(dirname(file))
  return bytes
}

async function writeAll(handle: FileHandle, chunks: AsyncIterable<Uint8Array>): Promise<bigint> {
  let bytes = 0n
  for await (const chunk of chunks) {
    await handle.writeFile(chunk)
    bytes += BigInt(chunk.length)
  }
  return bytes
}
