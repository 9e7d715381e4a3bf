/**
 * First byte of every key. A position is that of a record in the log, in 6 bytes. A number is never used again for something else, so that an old database is never
 * misread. Retired are 1, 2, 6, 7, 11, 12, 15 and 16 (blocks, receipts, trie nodes and configs, before they were records), and 4 and 5
 * (all places of a transaction).
 */
export const Bucket = {
  /** name -> schema version, rollup fingerprint, base, heads, output count */
  meta: 0,
  /** block number -> position of its header and transactions */
  block: 17,
  /** block number -> position of its receipts and verdicts */
  receipts: 18,
  /** block number -> hash of the block of this chain */
  canonical: 3,
  /** transaction hash -> position where it took effect; with a zero byte more, the first where it did not */
  transaction: 13,
  /** hash of the set-config inside a deposit -> positions of such deposits, likewise */
  forced: 14,
  /** keystore root -> position of its node; content-addressed, so nothing is undone on a rewind */
  root: 19,
  /** config hash -> position of the config; likewise */
  config: 20,
  /** block number -> the L1 inclusion that made it safe */
  inclusion: 8,
  /** output index -> output */
  output: 9,
  /** block hash -> block number */
  number: 10,
  pool: 64,
  promises: 65,
  batcher: 66,
  proposer: 67,
  derivation: 68,
  alarms: 69,
} as const

/** The number of a bucket. */
export type BucketNumber = (typeof Bucket)[keyof typeof Bucket]

/** Puts the bucket's number before a key. */
export function bucketKey(bucket: BucketNumber, key: Uint8Array): Uint8Array {
  const out = new Uint8Array(key.length + 1)
  out[0] = bucket
  out.set(key, 1)
  return out
}

/** Encodes a number so that the byte order of keys is the order of numbers. */
export function uint64Key(value: bigint): Uint8Array {
  const key = new Uint8Array(8)
  new DataView(key.buffer).setBigUint64(0, value)
  return key
}
