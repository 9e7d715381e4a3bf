import type { ChainStore, SyncProgress } from '../../node/index.ts'
import type { RollupConfig } from '../../protocol/index.ts'

/**
 * Makes what `eth_syncing` asks: how many rollup blocks have been derived, those before this call left out, and how many there can
 * be by now; undefined once all have been read.
 */
export function createSyncing({
  store,
  rollup,
  isSynced,
  now,
}: {
  store: Pick<ChainStore, 'heads'>
  rollup: RollupConfig
  isSynced: () => boolean
  /** Milliseconds since the epoch. */
  now: () => number
}): () => SyncProgress {
  const startingBlock = store.heads().safe.number
  return () => {
    if (isSynced()) return undefined
    const { safe, unsafe } = store.heads()
    const elapsed = BigInt(Math.floor(now() / 1_000)) - rollup.genesis.l2Time
    const possible = elapsed > 0n ? elapsed / rollup.blockTime : 0n
    const highestBlock = possible > unsafe.number ? possible : unsafe.number
    return { startingBlock, currentBlock: safe.number, highestBlock }
  }
}
