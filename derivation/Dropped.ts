import type { Hex } from 'viem'
import type { BatcherDataFlaw } from '../protocol/index.ts'
import type { BatchFlaw } from './checkSingularBatch.ts'
import type { TransactionsFlaw } from './checkTransactions.ts'

/** Why something on L1 was dropped: anybody may write garbage, so none of it is an error. */
export type DropReason =
  | BatcherDataFlaw
  | 'MALFORMED_BLOB'
  | 'MALFORMED_BATCH'
  /** The batch's L1 origin cannot be known yet: it stands in that block, or before it. */
  | 'BEFORE_ITS_ORIGIN'
  /** A batch for a block that is already derived; the rest of its channel is read on. */
  | 'PAST'
  | BatchFlaw
  | TransactionsFlaw

/** Hears of everything that is dropped, to count it. */
export type OnDrop = (reason: DropReason, transactionHash: Hex) => void
