import { compareBytes, type StoredTrieNode } from '../../protocol/index.ts'
import { createLruCache } from '../LruCache.ts'

/** Remembers trie nodes by their hashes, but for the shortest. */
export interface NodeCache {
  /** Gets what is stored of a node. */
  get(hash: Uint8Array): Uint8Array | undefined
  set(node: StoredTrieNode): void
  delete(hash: Uint8Array): void
}

/** What a cached node takes beside its bytes: two arrays, its place in a map, and the places of others in its slab. */
const OVERHEAD_BYTES = 500
/**
 * Shorter nodes are not held: leaves, of which every set-config makes one, and few are asked for again, and branches of two. They would
 * drive out the branches above them, which are asked for all the time, and to collect them costs more than to read those few.
 */
const SHORT_BYTES = 100

/**
 * Makes a cache of so many bytes. A map knows a node by the last bytes of its hash alone, for hex of all of them would take longer to
 * make than to look up; of two nodes whose hashes end alike, it holds one.
 */
export function createNodeCache(capacity: number): NodeCache {
  const nodes = createLruCache<number, StoredTrieNode>(
    capacity,
    ({ stored }) => stored.length + OVERHEAD_BYTES,
  )
  return {
    get(hash) {
      const known = nodes.get(endOf(hash))
      return known !== undefined && compareBytes(known.hash, hash) === 0 ? known.stored : undefined
    },
    set({ hash, stored }) {
      if (stored.length >= SHORT_BYTES) nodes.set(endOf(hash), { hash, stored })
    },
    delete(hash) {
      nodes.delete(endOf(hash))
    },
  }
}

function endOf(hash: Uint8Array): number {
  const byte = (hash[28] as number) << 24
  return byte | ((hash[29] as number) << 16) | ((hash[30] as number) << 8) | (hash[31] as number)
}
