import type { Hex } from 'viem'
import {
  type Block,
  concat,
  DEPOSIT_TX_TYPE,
  depositFromBytes,
  fromHex,
  keccakHex,
  type Receipt,
  toHex,
  transactionHash,
} from '../../protocol/index.ts'
import { Bucket, type BucketNumber, bucketKey } from './Bucket.ts'
import type { Database, Write } from './Database.ts'
import { type Position, positionFromBytes, positionToBytes } from './storeCodecs.ts'

const FAILED = Uint8Array.of(0)

type Entry = { bucket: BucketNumber; hash: Hex; index: number }

/**
 * Where transactions stand. The same bytes may stand in several blocks, but take effect once: kept are the place where they took
 * effect and the first one where they did not, under keys of their own, so that nothing need be read to add what took effect.
 */
export interface TransactionIndex {
  /** Finds the place to show of a transaction, or of the deposits that force a set-config: where it took effect, else the first. */
  find(hash: Hex, bucket: typeof Bucket.transaction | typeof Bucket.forced): Position | undefined
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
    find: (hash, bucket) => read(effectKey(bucket, hash)) ?? read(failureKey(bucket, hash)),
    add(block, receipts) {
      const writes: Write[] = []
      const failed = new Set<string>()
      for (const { bucket, hash, index } of entriesOf(block)) {
        const isEffective = receipts[index]?.status === 1
        const key = isEffective ? effectKey(bucket, hash) : failureKey(bucket, hash)
        if (!isEffective) {
          if (failed.has(bucket + hash) || database.get(key) !== undefined) continue
          failed.add(bucket + hash)
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

function effectKey(bucket: BucketNumber, hash: Hex): Uint8Array {
  return bucketKey(bucket, fromHex(hash, 32))
}

function failureKey(bucket: BucketNumber, hash: Hex): Uint8Array {
  return bucketKey(bucket, concat(fromHex(hash, 32), FAILED))
}

function entriesOf(block: Block): Entry[] {
  return block.transactions.flatMap((raw, index): Entry[] => {
    const own: Entry = { bucket: Bucket.transaction, hash: transactionHash(raw), index }
    if (raw[0] !== DEPOSIT_TX_TYPE) return [own]
    const { data } = depositFromBytes(raw)
    return [own, { bucket: Bucket.forced, hash: keccakHex(data), index }]
  })
}
