import type { Hex } from 'viem'
import { type Config, configFromRlp, configHash, fromHex, type StateReader } from '../../protocol/index.ts'
import { Bucket, bucketKey } from './Bucket.ts'
import type { Database } from './Database.ts'
import { recordUnder } from './records.ts'
import { createNodeReader, openTrie } from './storedTrie.ts'
import { DamagedDatabaseError } from './storeErrors.ts'

/** Reads state from a database as it is, without caches, and checks all of it against its hashes. */
export function createStateReader(database: Pick<Database, 'get' | 'record'>): StateReader {
  const readNode = createNodeReader(database)
  return {
    trie: (root) => openTrie(database, root, readNode),
    config: (hash) => readConfig(database, hash),
  }
}

/**
 * Reads a config by its hash; undefined when there is none.
 *
 * @throws {DamagedDatabaseError} when something else stands in its place.
 */
export function readConfig(database: Pick<Database, 'get' | 'record'>, hash: Hex): Config | undefined {
  const bytes = recordUnder(database, configKey(hash))
  if (bytes === undefined) return undefined
  const config = configFromRlp(bytes)
  if (configHash(config) !== hash) throw new DamagedDatabaseError(`the config ${hash}`)
  return config
}

/** Makes the key under which the position of a config stands. */
export function configKey(hash: Hex): Uint8Array {
  return bucketKey(Bucket.config, fromHex(hash, 32))
}
