import type { Hex } from 'viem'
import {
  type Block,
  DEPOSIT_TX_TYPE,
  depositFromBytes,
  fromHex,
  keccakHex,
  type Receipt,
  transactionHash,
} from '../../protocol/index.ts'
import { Bucket, type BucketNumber, bucketKey } from './Bucket.ts'
import type { Database, Write } from './Database.ts'
import { type Position, positionsFromBytes, positionsToBytes } from './storeCodecs.ts'

type Entry = { bucket: BucketNumber; hash: Hex; index: number }

/**
 * Where transactions stand. The same bytes may stand in several blocks, but take effect once: kept are the first
 * place and the place where they took effect, which is what a reader wants and cannot be made to grow.
 */
export interface TransactionIndex {
  /** Lists the places of a transaction, or of the deposits that force a set-config: the one to show first. */
  find(hash: Hex, bucket: typeof Bucket.transaction | typeof Bucket.forced): Position | undefined
  /** Makes the writes that add a block's transactions. */
  add(block: Block, receipts: readonly Receipt[]): Write[]
  /** Makes the writes that remove the transactions of dropped blocks, all above `keptNumber`. */
  remove(dropped: readonly Block[], keptNumber: bigint): Write[]
}

/** Makes the index of the transactions in a database. */
export function createTransactionIndex(database: Database): TransactionIndex {
  function read(key: Uint8Array): Position[] {
    const bytes = database.get(key)
    return bytes === undefined ? [] : positionsFromBytes(bytes)
  }

  return {
    find: (hash, bucket) => read(bucketKey(bucket, fromHex(hash))).at(-1),
    add(block, receipts) {
      const changed = new Map<string, { key: Uint8Array; positions: Position[] }>()
      for (const { bucket, hash, index } of entriesOf(block)) {
        const key = bucketKey(bucket, fromHex(hash))
        const known = changed.get(bucket + hash) ?? { key, positions: read(key) }
        const [first] = known.positions
        const position = { blockNumber: block.header.number, index }
        if (first === undefined) known.positions = [position]
        else if (receipts[index]?.status === 1) known.positions = [first, position]
        changed.set(bucket + hash, known)
      }
      return [...changed.values()].map(({ key, positions }) => ({ key, value: positionsToBytes(positions) }))
    },
    remove(dropped, keptNumber) {
      const changed = new Map<string, Write>()
      for (const block of dropped) {
        for (const { bucket, hash } of entriesOf(block)) {
          const key = bucketKey(bucket, fromHex(hash))
          const kept = read(key).filter(({ blockNumber }) => blockNumber <= keptNumber)
          const value = kept.length === 0 ? undefined : positionsToBytes(kept)
          changed.set(bucket + hash, { key, value })
        }
      }
      return [...changed.values()]
    },
  }
}

function entriesOf(block: Block): Entry[] {
  return block.transactions.flatMap((raw, index): Entry[] => {
    const own: Entry = { bucket: Bucket.transaction, hash: transactionHash(raw), index }
    if (raw[0] !== DEPOSIT_TX_TYPE) return [own]
    const { data } = depositFromBytes(raw)
    return [own, { bucket: Bucket.forced, hash: keccakHex(data), index }]
  })
}
