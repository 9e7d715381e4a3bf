import type { Hex } from 'viem'
import {
  fromHex,
  type StoredTrieNode,
  type Trie,
  type TrieReader,
  trieFromRoot,
} from '../../protocol/index.ts'
import { Bucket, bucketKey } from './Bucket.ts'
import type { Database, Write } from './Database.ts'

const VERSION_BYTES = 6
const HASH_BYTES = 32
/** The version of a root that is not there: nothing stands under it either. */
const NO_VERSION = 0

/** Makes the key of a trie node: the block that made it, then its hash, so that nodes stand in the order in which they come. */
export function nodeKey(version: number, hash: Uint8Array): Uint8Array {
  const key = Buffer.allocUnsafe(1 + VERSION_BYTES + HASH_BYTES)
  key[0] = Bucket.node
  key.writeUIntBE(version, 1, VERSION_BYTES)
  key.set(hash, 1 + VERSION_BYTES)
  return key
}

/** Makes the writes that add the nodes which a block made, and the version of their root; none where there are no nodes. */
export function nodeWrites(root: Hex, version: number, nodes: readonly StoredTrieNode[]): Write[] {
  if (nodes.length === 0) return []
  const writes = [rootWrite(root, version)]
  for (const { hash, stored } of nodes) writes.push({ key: nodeKey(version, hash), value: stored })
  return writes
}

/** Makes the write that tells which block made the node of a keystore root. */
export function rootWrite(root: Hex, version: number): Write {
  const value = Buffer.allocUnsafe(VERSION_BYTES)
  value.writeUIntBE(version, 0, VERSION_BYTES)
  return { key: rootKey(root), value }
}

/** Gets the version of a keystore root; undefined when nothing was written of it. */
export function rootVersion(database: Pick<Database, 'get'>, root: Hex): number | undefined {
  const bytes = database.get(rootKey(root))
  return bytes && Buffer.from(bytes.buffer, bytes.byteOffset).readUIntBE(0, VERSION_BYTES)
}

/** Opens the trie under a keystore root; who looks into one that was never written hears of it. */
export function openTrie(database: Pick<Database, 'get'>, root: Hex, read: TrieReader): Trie {
  return trieFromRoot(root, rootVersion(database, root) ?? NO_VERSION, read)
}

function rootKey(root: Hex): Uint8Array {
  return bucketKey(Bucket.root, fromHex(root, HASH_BYTES))
}
