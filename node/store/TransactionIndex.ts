import type { Hex } from 'viem'
import {
  type Block,
  concat,
  DEPOSIT_TX_TYPE,
  depositFromBytes,
  fromHex,
  keccak,
  type Receipt,
  toHex,
} from '../../protocol/index.ts'
import { Bucket, bucketKey } from './Bucket.ts'
import type { Database, Write } from './Database.ts'
import { type Position, positionFromBytes, positionToBytes } from './storeCodecs.ts'

const FAILED = Uint8Array.of(0)

type IndexBucket = typeof Bucket.transaction | typeof Bucket.forced

type Entry = { bucket: IndexBucket; hash: Uint8Array; index: number }

/**
 * Where transactions stand. The same bytes may stand in several blocks, but take effect once: kept are the place where they took
 * effect and the first one where they did not, under keys of their own, so that nothing need be read to add what took effect.
 */
export interface TransactionIndex {
  /** Finds the place to show of a transaction, or of the deposits that force a set-config: where it took effect, else the first. */
  find(hash: Hex, bucket: IndexBucket): Position | undefined
  /** Makes the writes that add a block's transactions. */
  add(block: Block, receipts: readonly Receipt[]): Write[]
  /** Makes the writes that remove the transactions of dropped blocks, all above `keptNumber`. */
  remove(dropped: readonly Block[], keptNumber: bigint): Write[]
}

/** Makes the index of the transactions in a database. */
export function createTransactionIndex(database: Database): TransactionIndex {
  function read(key: Uint8Array): Position | undefined {
    const bytes = database.get(key)
    return bytes === undefined ? undefined : positionFromBytes(bytes)
  }

  return {
    find(hashHex, bucket) {
      const hash = fromHex(hashHex, 32)
      return read(effectKey(bucket, hash)) ?? read(failureKey(bucket, hash))
    },
    add(block, receipts) {
      const writes: Write[] = []
      const failed = new Set<Hex>()
      for (const { bucket, hash, index } of entriesOf(block)) {
        const isEffective = receipts[index]?.status === 1
        const key = isEffective ? effectKey(bucket, hash) : failureKey(bucket, hash)
        if (!isEffective) {
          const name = toHex(key)
          if (failed.has(name) || database.get(key) !== undefined) continue
          failed.add(name)
        }
        writes.push({ key, value: positionToBytes({ blockNumber: block.header.number, index }) })
      }
      return writes
    },
    remove(dropped, keptNumber) {
      const writes = new Map<string, Write>()
      for (const block of dropped) {
        for (const { bucket, hash } of entriesOf(block)) {
          for (const key of [effectKey(bucket, hash), failureKey(bucket, hash)]) {
            const position = read(key)
            if (position !== undefined && position.blockNumber > keptNumber) {
              writes.set(toHex(key), { key, value: undefined })
            }
          }
        }
      }
      return [...writes.values()]
    },
  }
}

/** Computes the hash by which a raw transaction is found: its own, or that of the set-config in a deposit. */
export function indexedHash(bucket: IndexBucket, raw: Uint8Array): Uint8Array {
  return keccak(bucket === Bucket.transaction ? raw : depositFromBytes(raw).data)
}

function effectKey(bucket: IndexBucket, hash: Uint8Array): Uint8Array {
  return bucketKey(bucket, hash)
}

function failureKey(bucket: IndexBucket, hash: Uint8Array): Uint8Array {
  return bucketKey(bucket, concat(hash, FAILED))
}

function entryOf(bucket: IndexBucket, raw: Uint8Array, index: number): Entry {
  return { bucket, hash: indexedHash(bucket, raw), index }
}

function entriesOf(block: Block): Entry[] {
  const entries: Entry[] = []
  for (const [index, raw] of block.transactions.entries()) {
    entries.push(entryOf(Bucket.transaction, raw, index))
    if (raw[0] === DEPOSIT_TX_TYPE) entries.push(entryOf(Bucket.forced, raw, index))
  }
  return entries
}
