import type { Hex } from 'viem'
import {
  compareBytes,
  fromHex,
  keccak,
  type NewTrieNode,
  storedTrieNodeRlp,
  storeTrie,
  type Trie,
  type TrieReader,
  trieFromRoot,
} from '../../protocol/index.ts'
import { Bucket, bucketKey } from './Bucket.ts'
import type { Database, Write } from './Database.ts'
import { positionUnder, positionWrite } from './records.ts'

const HASH_BYTES = 32
/** Of a root that is not there: what stands there has another hash. */
const NOWHERE = 0

/** Reads trie nodes from a database, each checked against its hash: what the disk garbled is as good as missing. */
export function createNodeReader({ record }: Pick<Database, 'record'>): TrieReader {
  return (hash, position) => {
    const stored = record(position)
    if (stored === undefined) return undefined
    return compareBytes(keccak(storedTrieNodeRlp(stored)), hash) === 0 ? stored : undefined
  }
}

/**
 * Appends the nodes of a trie that are not in the database, and makes the write that tells where its root stands; none where it
 * stands there already. `made` gets each of these nodes.
 */
export function appendTrie(
  database: Pick<Database, 'append'>,
  root: Hex,
  trie: Trie,
  made: NewTrieNode[],
): Write[] {
  const position = storeTrie(trie, (node) => {
    made.push(node)
    return database.append(node.stored)
  })
  return position === undefined ? [] : [rootWrite(root, position)]
}

/** Makes the write that tells where the node of a keystore root stands. */
export function rootWrite(root: Hex, position: number): Write {
  return positionWrite(rootKey(root), position)
}

/** Gets the position of the node of a keystore root; undefined when nothing was written of it. */
export function rootPosition(database: Pick<Database, 'get'>, root: Hex): number | undefined {
  return positionUnder(database, rootKey(root))
}

/** Opens the trie under a keystore root; who looks into one that was never written hears of it. */
export function openTrie(database: Pick<Database, 'get'>, root: Hex, read: TrieReader): Trie {
  return trieFromRoot(root, rootPosition(database, root) ?? NOWHERE, read)
}

function rootKey(root: Hex): Uint8Array {
  return bucketKey(Bucket.root, fromHex(root, HASH_BYTES))
}
