/**
 * First byte of every key. A number is never used again for something else, so that an old database is never
 * misread. Retired are 1, 2 (blocks and receipts under hashes), 4, 5 (all places of a transaction) and 6 (trie nodes under hashes).
 */
export const Bucket = {
  /** name -> schema version, rollup fingerprint, base, heads, output count */
  meta: 0,
  /** block number -> header and transactions; large values stand in the order in which they come, so that merges leave them alone */
  block: 11,
  /** block number -> receipts and verdicts */
  receipts: 12,
  /** block number -> hash of the block of this chain */
  canonical: 3,
  /** transaction hash -> position where it took effect; with a zero byte more, the first where it did not */
  transaction: 13,
  /** hash of the set-config inside a deposit -> positions of such deposits, likewise */
  forced: 14,
  /** number of the block that made it ‖ trie node hash -> node; content-addressed, so nothing is undone on a rewind */
  node: 15,
  /** keystore root -> number of a block that made its node; likewise */
  root: 16,
  /** config hash -> config; content-addressed */
  config: 7,
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
