import type { Hex } from 'viem'
import { type StoredTrieNode, type TrieReader, toHex } from '../protocol/index.ts'

/** Trie nodes in memory, by their hashes alone. */
export type NodeMap = { read: TrieReader; add(nodes: readonly StoredTrieNode[]): void }

/** Makes one that holds these nodes. */
export function createNodeMap(nodes: readonly StoredTrieNode[] = []): NodeMap {
  const map = new Map<Hex, Uint8Array>()
  const add = (more: readonly StoredTrieNode[]) => {
    for (const { hash, stored } of more) map.set(toHex(hash), stored)
  }
  add(nodes)
  return { read: (hash) => map.get(toHex(hash)), add }
}
