import { type NewTrieNode, storeTrie, type Trie, type TrieReader, toHex } from '../protocol/index.ts'

/** Stored trie nodes in memory, by their hashes alone. */
export type NodeMap = {
  read: TrieReader
  /** Stores what a trie has and the map lacks, and lists it. */
  add(trie: Trie): NewTrieNode[]
}

/** Makes one that holds the nodes of these tries. */
export function createNodeMap(...tries: readonly Trie[]): NodeMap {
  const map = new Map<string, Uint8Array>()
  function add(trie: Trie): NewTrieNode[] {
    const nodes: NewTrieNode[] = []
    storeTrie(trie, (node) => {
      map.set(toHex(node.hash), node.stored)
      return nodes.push(node)
    })
    return nodes
  }
  for (const trie of tries) add(trie)
  return { read: (hash) => map.get(toHex(hash)), add }
}
