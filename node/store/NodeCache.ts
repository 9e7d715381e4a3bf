import { compareBytes, type StoredTrieNode } from '../../protocol/index.ts'
import { createLruCache } from '../LruCache.ts'

/** Remembers trie nodes by their hashes. */
export interface NodeCache {
  /** Gets what is stored of a node. */
  get(hash: Uint8Array): Uint8Array | undefined
  set(node: StoredTrieNode): void
}

/** What a cached node takes beside its bytes: two arrays, and its place in a map. */
const OVERHEAD_BYTES = 500

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
    set(node) {
      nodes.set(endOf(node.hash), node)
    },
  }
}

function endOf(hash: Uint8Array): number {
  const byte = (hash[28] as number) << 24
  return byte | ((hash[29] as number) << 16) | ((hash[30] as number) << 8) | (hash[31] as number)
}
