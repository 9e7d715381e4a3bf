import type { BlockRef, L1BlockRef } from '../../node/index.ts'
import { type Block, DEPOSIT_TX_TYPE, decodeExtraData, type SingularBatch } from '../../protocol/index.ts'
import { type BatchFlaw, type BatchRules, checkSingularBatch } from '../checkSingularBatch.ts'
import { checkTransactions, type TransactionsFlaw } from '../checkTransactions.ts'

/** Why a signed block can never be the next one on its parent. */
export type UnsafeBlockFlaw = BatchFlaw | TransactionsFlaw | 'PAST' | 'AHEAD_OF_CLOCK'

/** What follows from a signed block, its parent and L1 alone. */
export type UnsafeBlockValidity =
  | { validity: 'accept'; batch: SingularBatch }
  /** L1 has not shown yet what it takes to tell. */
  | { validity: 'undecided' }
  | { validity: 'drop'; reason: UnsafeBlockFlaw }

/** A sequencer's clock may be ahead of ours by so many seconds. */
const MAX_SECONDS_AHEAD = 12n

/** Takes a block apart into the batch that it will be posted as; its deposits come from L1 (protocol.md §6). */
export function batchOf({ header, transactions }: Block): SingularBatch {
  const firstOwn = transactions.findIndex((raw) => raw[0] !== DEPOSIT_TX_TYPE)
  return {
    parentHash: header.parentHash,
    epochNumber: decodeExtraData(header.extraData).l1OriginNumber,
    epochHash: header.mixHash,
    timestamp: header.timestamp,
    transactions: firstOwn === -1 ? [] : transactions.slice(firstOwn),
  }
}

/** Checks a signed block by the rules that the batch it will be posted as is checked by, and by the clock (protocol.md §9). */
export function checkUnsafeBlock({
  rules,
  batch,
  parent,
  l1Blocks,
  inclusion,
  now,
}: {
  rules: BatchRules & { l2ChainId: bigint }
  batch: SingularBatch
  parent: Pick<BlockRef, 'hash' | 'timestamp'>
  /** The parent's L1 origin and the block after it, as far as they are known. */
  l1Blocks: readonly Pick<L1BlockRef, 'number' | 'hash' | 'timestamp'>[]
  /** The first L1 block that could still carry the batch. */
  inclusion: bigint
  /** Seconds since the epoch. */
  now: bigint
}): UnsafeBlockValidity {
  if (batch.timestamp > now + MAX_SECONDS_AHEAD) return { validity: 'drop', reason: 'AHEAD_OF_CLOCK' }
  const checked = checkSingularBatch({ rules, l1Blocks, parent, batch, inclusion })
  if (checked.validity === 'past') return { validity: 'drop', reason: 'PAST' }
  if (checked.validity !== 'accept') return checked
  const flaw = checkTransactions(batch.transactions, rules.l2ChainId)
  return flaw === undefined ? { validity: 'accept', batch } : { validity: 'drop', reason: flaw }
}
