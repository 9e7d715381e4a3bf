import {
  type ChainStore,
  createMemoryDatabase,
  loadSnapshot,
  openChainStoreIn,
  openSnapshot,
  type StoredOutput,
} from '../node/index.ts'
import type { RollupConfig } from '../protocol/index.ts'

/** Collects the whole snapshot that an output of a store vouches for. */
export async function snapshotBytes(store: ChainStore, output: StoredOutput): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of store.snapshot(output)) chunks.push(chunk)
  return new Uint8Array(Buffer.concat(chunks))
}

/** Opens a store in memory that begins with a snapshot. */
export async function storeFromSnapshot(bytes: Uint8Array, rollup: RollupConfig): Promise<ChainStore> {
  const database = createMemoryDatabase()
  await loadSnapshot(await openSnapshot(inChunks(bytes), rollup), database, rollup)
  return openChainStoreIn(database, ':memory:', rollup)
}

/** Gives bytes in chunks, as a file does. */
export async function* inChunks(bytes: Uint8Array, size = 65_536): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
