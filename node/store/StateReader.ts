import type { Hex } from 'viem'
import { configFromRlp, fromHex, type StateReader } from '../../protocol/index.ts'
import { Bucket, bucketKey } from './Bucket.ts'
import type { Database } from './Database.ts'

/** Reads state from a database as it is, without caches. */
export function createStateReader(database: Pick<Database, 'get'>): StateReader {
  const read = (bucket: typeof Bucket.node | typeof Bucket.config, hash: Hex) =>
    database.get(bucketKey(bucket, fromHex(hash, 32)))
  return {
    node: (hash) => read(Bucket.node, hash),
    config(hash) {
      const bytes = read(Bucket.config, hash)
      return bytes === undefined ? undefined : configFromRlp(bytes)
    },
  }
}
