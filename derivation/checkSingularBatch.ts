import type { BlockRef, L1BlockRef } from '../node/index.ts'
import { DEPOSIT_TX_TYPE, type RollupConfig, type SingularBatch } from '../protocol/index.ts'

/** Why a batch is dropped (OP Stack at Holocene, derivation, batch validity). */
export type BatchFlaw =
  | 'FUTURE'
  | 'WRONG_PARENT'
  | 'TOO_LATE'
  | 'EPOCH_TOO_OLD'
  | 'EPOCH_TOO_NEW'
  | 'WRONG_EPOCH_HASH'
  | 'BEFORE_EPOCH_TIME'
  | 'DRIFT_EXCEEDED'
  | 'EPOCH_NOT_ADVANCED'
  | 'EMPTY_TRANSACTION'
  | 'DEPOSIT'

/** What becomes of a batch: accepted, skipped as past, dropped with its channel, or undecided for lack of L1 blocks. */
export type BatchValidity =
  | { validity: 'accept' }
  | { validity: 'past' }
  | { validity: 'undecided' }
  | { validity: 'drop'; reason: BatchFlaw }

/** The rollup's parameters that validity depends on. */
export type BatchRules = Pick<RollupConfig, 'blockTime' | 'seqWindowSize' | 'maxSequencerDrift'>

/**
 * Checks a singular batch by the OP Stack's rules at Holocene, in their order; what its transactions are is
 * for `checkTransactions`.
 */
export function checkSingularBatch({
  rules,
  l1Blocks,
  parent,
  batch,
  inclusion,
}: {
  rules: BatchRules
  /** The parent's L1 origin and the block after it, as far as they are known. */
  l1Blocks: readonly Pick<L1BlockRef, 'number' | 'hash' | 'timestamp'>[]
  /** The safe head. */
  parent: Pick<BlockRef, 'hash' | 'timestamp'>
  batch: SingularBatch
  /** Number of the L1 block that the batch stands in. */
  inclusion: bigint
}): BatchValidity {
  const [epoch, nextEpoch] = l1Blocks
  if (epoch === undefined) return { validity: 'undecided' }

  const nextTimestamp = parent.timestamp + rules.blockTime
  if (batch.timestamp > nextTimestamp) return drop('FUTURE')
  if (batch.timestamp < nextTimestamp) return { validity: 'past' }
  if (batch.parentHash !== parent.hash) return drop('WRONG_PARENT')
  if (batch.epochNumber + rules.seqWindowSize < inclusion) return drop('TOO_LATE')

  if (batch.epochNumber < epoch.number) return drop('EPOCH_TOO_OLD')
  if (batch.epochNumber > epoch.number + 1n) return drop('EPOCH_TOO_NEW')
  const origin = batch.epochNumber === epoch.number ? epoch : nextEpoch
  if (origin === undefined) return { validity: 'undecided' }
  if (batch.epochHash !== origin.hash) return drop('WRONG_EPOCH_HASH')
  if (batch.timestamp < origin.timestamp) return drop('BEFORE_EPOCH_TIME')

  if (batch.timestamp > origin.timestamp + rules.maxSequencerDrift) {
    if (batch.transactions.length > 0) return drop('DRIFT_EXCEEDED')
    // An empty batch may stay behind L1 only as long as it has to: while the next origin's time has not come.
    if (origin === epoch) {
      if (nextEpoch === undefined) return { validity: 'undecided' }
      if (batch.timestamp >= nextEpoch.timestamp) return drop('EPOCH_NOT_ADVANCED')
    }
  }

  for (const raw of batch.transactions) {
    if (raw.length === 0) return drop('EMPTY_TRANSACTION')
    if (raw[0] === DEPOSIT_TX_TYPE) return drop('DEPOSIT')
  }
  return { validity: 'accept' }
}

function drop(reason: BatchFlaw): BatchValidity {
  return { validity: 'drop', reason }
}
