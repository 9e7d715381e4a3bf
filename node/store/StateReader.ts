import type { Hex } from 'viem'
import { configFromRlp, fromHex, type StateReader } from '../../protocol/index.ts'
import { Bucket, bucketKey } from './Bucket.ts'
import type { Database } from './Database.ts'
import { nodeKey, openTrie } from './trieNodes.ts'

/** Reads state from a database as it is, without caches. */
export function createStateReader(database: Pick<Database, 'get'>): StateReader {
  return {
    trie: (root) => openTrie(database, root, (hash, version) => database.get(nodeKey(version, hash))),
    config(hash: Hex) {
      const bytes = database.get(bucketKey(Bucket.config, fromHex(hash, 32)))
      return bytes === undefined ? undefined : configFromRlp(bytes)
    },
  }
}
