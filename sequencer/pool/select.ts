import type { Hex } from 'viem'
import type { BlockRef } from '../../node/index.ts'
import { MAX_BLOCK_BYTES, MAX_TRANSACTION_BYTES } from '../../protocol/index.ts'
import { advance, judge, type KeystoreView } from './KeystoreView.ts'
import type { PoolBook } from './PoolBook.ts'
import type { PoolEntry } from './PoolEntry.ts'

/** So much of what waits is in a block at least when more waits than fits: the first that does not fit ends it. */
export const FULL_BLOCK_BYTES = MAX_BLOCK_BYTES - MAX_TRANSACTION_BYTES + 1

/** The state in which a block's set-configs begin: after its deposits. */
export type SelectionContext = {
  /** The block's parent; nothing is selected when the pool is not there. */
  parent: BlockRef
  /** Seconds. */
  timestamp: bigint
  /** The keystores that the block's deposits changed, as they are after them. */
  changed: ReadonlyMap<Hex, KeystoreView>
}

/**
 * Picks the transactions of the next block in the order of their promises, as many as fit; all of them are valid. What has to wait
 * for a later promise, after a reorg, comes right behind that one.
 */
export function select(book: PoolBook, { parent, timestamp, changed }: SelectionContext): Uint8Array[] {
  if (parent.hash !== book.head().hash) return []
  const selected: Uint8Array[] = []
  const views = new Map(changed)
  const passedOver = new Map<Hex, Set<PoolEntry>>()
  let bytes = 0
  for (const entry of book.live()) {
    const { id, stage } = entry
    if (stage.name !== 'queued') continue
    const view = () => views.get(id) ?? book.queueOf(id).base()
    const isReady = (each: PoolEntry) => judge(view(), each, timestamp).verdict === 'ready'
    const waiting = passedOver.get(id) ?? new Set<PoolEntry>()
    passedOver.set(id, waiting.add(entry))
    let next = isReady(entry) ? entry : undefined
    while (next?.body !== undefined) {
      // Strictly in order: a smaller one behind does not overtake.
      if (bytes + next.size > MAX_BLOCK_BYTES) return selected
      bytes += next.size
      selected.push(next.body.raw)
      views.set(id, advance(view(), { ...next, ...next.body }, timestamp))
      waiting.delete(next)
      next = [...waiting].find(isReady)
    }
  }
  return selected
}
