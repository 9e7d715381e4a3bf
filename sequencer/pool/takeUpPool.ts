import { type BlockRef, blockToRef, type ChainStore, minimum } from '../../node/index.ts'
import { decodeSetConfig } from '../../protocol/index.ts'
import { type ChainFollower, createChainFollower } from './followChain.ts'
import { createPoolBook, type PoolBook, PoolDamagedError } from './PoolBook.ts'
import { createPoolEntry, type PoolEntry } from './PoolEntry.ts'
import type { PoolModules } from './PoolModules.ts'
import type { QueueRecord } from './PromiseLog.ts'
import { FULL_BLOCK_BYTES } from './select.ts'

/** A pool's book as it was when the last process ended, and what keeps it in step with the chain. */
export type TakenUp = { book: PoolBook; follower: ChainFollower; sequence: bigint }

/**
 * Fills a book with what the log holds, at a block before the oldest promise in it, and follows the chain to its head: so
 * everything stands where it stood. `sequence` is the next free place in the order of promises.
 *
 * @throws {PoolDamagedError} when the log does not hold what it must.
 */
export async function takeUpPool(
  modules: PoolModules,
  onFailure: (error: unknown) => void,
): Promise<TakenUp> {
  const { store, log } = modules
  const { unsafe, finalized } = store.heads()
  const entries: PoolEntry[] = []
  let sequence = 0n
  for await (const record of log.queue()) {
    sequence = record.sequence + 1n
    entries.push(toEntry(modules, record))
  }
  const start = findStart(modules, entries)
  const book = createPoolBook(modules, start)
  const follower = createChainFollower({ ...modules, book, onFailure })
  for (const entry of entries) book.add(entry)
  for (let number = start.number + 1n; number <= unsafe.number; number++) {
    const block = store.blockByNumber(number)
    const receipts = block && store.receiptsOf(block.hash)
    if (block === undefined || receipts === undefined)
      throw new PoolDamagedError(`there is no block ${number}`)
    follower.replay(blockToRef(block), { block, receipts })
  }
  if (entries.length > 0) follower.handle({ type: 'finalized', ref: finalized })
  const newest = store.blockByHash(unsafe.hash)
  const receipts = store.receiptsOf(unsafe.hash)
  // A snapshot's block has no receipts.
  if (newest !== undefined && receipts !== undefined) follower.recheck({ block: newest, receipts })
  return { book, follower, sequence }
}

function toEntry({ log, rollup }: PoolModules, record: QueueRecord): PoolEntry {
  const decoded = decodeSetConfig(record.raw, rollup.l2ChainId)
  if (!decoded.ok) throw new PoolDamagedError(`promised transaction ${record.sequence} does not decode`)
  const { tx, nextHash, hash } = decoded
  const subject = { id: tx.id, kind: tx.kind, nonce: tx.next.nonce, configHash: nextHash }
  const promise = log.find(subject)
  // Other bytes of the same config share its promise.
  if (promise?.promise.configHash !== nextHash) {
    throw new PoolDamagedError(`there is no promise for transaction ${hash}`)
  }
  const context = { promise, configHash: subject.configHash, durable: Promise.resolve() }
  return createPoolEntry(record, decoded, { ...context, stage: { name: 'queued' } })
}

/** The chain at a block at which none of the promises had been given; from an earlier one the same comes out. */
function findStart({ store, options }: PoolModules, entries: readonly PoolEntry[]): BlockRef {
  const { unsafe, finalized } = store.heads()
  if (entries.length === 0) return unsafe
  const longest = options.promiseBlocks + BigInt(Math.ceil(options.maxPendingBytes / FULL_BLOCK_BYTES)) + 1n
  const bounds = entries.flatMap(({ hash, promise }) => {
    // Where it stands counts whatever the options were when it was promised.
    const place = store.transaction(hash)?.blockNumber
    return [promise.promise.byBlock - longest, ...(place === undefined ? [] : [place - 1n])]
  })
  const lowest = bounds.reduce(minimum, finalized.number)
  // No promise of this log is older than its database.
  return refAt(store, lowest) ?? refAt(store, store.base().block.number) ?? finalized
}

function refAt(store: Pick<ChainStore, 'blockByNumber'>, number: bigint): BlockRef | undefined {
  const block = store.blockByNumber(number)
  return block && blockToRef(block)
}
