import { Bucket, bucketKey } from './Bucket.ts'
import type { Database, Write } from './Database.ts'

/** The buckets that other parts may use. */
export type OpaqueBucketName = 'pool' | 'promises' | 'batcher' | 'proposer' | 'derivation' | 'alarms'

/** A keyed set of bytes inside the database; all writes of one call are atomic and synced to disk. */
export interface OpaqueBucket {
  get(key: Uint8Array): Uint8Array | undefined
  write(writes: readonly Write[]): Promise<void>
  /** Iterates in the byte order of the keys, from `from` (inclusive) to `until` (exclusive) where given; see {@link Database.entries}. */
  entries(from?: Uint8Array, until?: Uint8Array): AsyncIterable<[key: Uint8Array, value: Uint8Array]>
}

/** Opens the part of the database under one bucket's number. */
export function createOpaqueBucket(database: Database, name: OpaqueBucketName): OpaqueBucket {
  const bucket = Bucket[name]
  return {
    get: (key) => database.get(bucketKey(bucket, key)),
    write: (writes) =>
      database.write(writes.map(({ key, value }) => ({ key: bucketKey(bucket, key), value }))),
    async *entries(from = new Uint8Array(), until) {
      const end = until === undefined ? Uint8Array.of(bucket + 1) : bucketKey(bucket, until)
      for await (const [key, value] of database.entries(bucketKey(bucket, from), end)) {
        yield [key.subarray(1), value]
      }
    },
  }
}
