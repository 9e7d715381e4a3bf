import { KeyrollError } from '../../protocol/index.ts'
import type { TransactionKind } from './Fees.ts'
import type { SentReceipt } from './L1Sender.ts'
import { type Attempt, kindOf, type TrackedTransaction } from './TrackedTransaction.ts'

/** A transaction that is on its way, or in a block that is not final. */
export type SentTransaction = {
  reference: string
  nonce: bigint
  kind: TransactionKind
  /**
   * Resolves with the receipt once it has the asked number of confirmations.
   *
   * @throws {NonceTakenError} when another transaction took its nonce.
   * @throws {NonceGapError} when it can never be in a block because one before it is gone.
   * @throws {CancelledError} when its nonce had to be given to an empty transaction.
   */
  confirmed: Promise<SentReceipt>
  /**
   * Asks L1 for the receipt as it is now: a reorg may have moved the transaction since, or taken it back.
   *
   * @throws {TemporaryFault} when L1 does not answer.
   */
  findReceipt(): Promise<SentReceipt | undefined>
}

/** What a transaction manager knows of a transaction; all but `tracked` is forgotten with the process. Times are milliseconds. */
export type TxEntry = {
  tracked: Omit<TrackedTransaction, 'data' | 'blobs'>
  /** With what it carries, which may be large: undefined while that is on disk only. */
  whole: TrackedTransaction | undefined
  view: SentTransaction
  settle: (receipt: SentReceipt) => void
  fail: (error: KeyrollError) => void
  isSettled: boolean
  includedAt: bigint | undefined
  /** When this process last offered it to L1; undefined when it is to be offered at the next poll. */
  sentAt: number | undefined
  /** How often L1 did not answer to it, one time after the other. */
  unanswered: number
  /** Since when it is offered for its newest fees. */
  pricedAt: number | undefined
  /** Since when its nonce is used and no receipt is found. */
  missingSince: number | undefined
  /** Since when nodes refuse it because of a transaction of the other kind. */
  blockedSince: number | undefined
  /** Whether the empty transaction of the other kind is offered in its place. */
  isCancelling: boolean
  mustBump: boolean
  /** Whether nodes refused it for what it could cost, or for reasons of their own: no higher price would help. */
  isRefused: boolean
}

/** Makes the entry of a transaction; it takes up a cancellation that was begun before a restart. */
export function createTxEntry(
  tracked: TrackedTransaction,
  findReceipt: SentTransaction['findReceipt'],
): TxEntry {
  let settle: TxEntry['settle'] = () => undefined
  let fail: TxEntry['fail'] = () => undefined
  const confirmed = new Promise<SentReceipt>((resolve, reject) => {
    settle = resolve
    fail = reject
  })
  // Whoever sent it may not be listening any more.
  confirmed.catch(() => undefined)
  return {
    tracked: withoutContent(tracked),
    whole: tracked,
    view: {
      reference: tracked.reference,
      nonce: tracked.nonce,
      kind: kindOf(tracked),
      confirmed,
      findReceipt,
    },
    settle,
    fail,
    isSettled: false,
    includedAt: undefined,
    sentAt: undefined,
    unanswered: 0,
    pricedAt: undefined,
    missingSince: undefined,
    blockedSince: undefined,
    isCancelling: tracked.attempts.at(-1)?.isCancellation === true,
    mustBump: false,
    isRefused: false,
  }
}

/** Takes over a transaction that has another attempt. */
export function updateEntry(entry: TxEntry, tracked: TrackedTransaction): void {
  entry.tracked = withoutContent(tracked)
  entry.whole = tracked
}

function withoutContent({ data: _, blobs: __, ...rest }: TrackedTransaction): TxEntry['tracked'] {
  return rest
}

/** Has the entry offered anew: as itself, or as its cancellation. */
export function offerAs(entry: TxEntry, what: 'transaction' | 'cancellation'): void {
  entry.isCancelling = what === 'cancellation'
  entry.blockedSince = undefined
  entry.sentAt = undefined
  entry.unanswered = 0
  entry.pricedAt = undefined
  entry.mustBump = false
  entry.isRefused = false
}

/** Finds the newest attempt of what is being offered; undefined when it is a cancellation that was never signed. */
export function newestAttempt({ tracked, isCancelling }: TxEntry): Attempt | undefined {
  const newest = tracked.attempts.findLast(({ isCancellation }) => isCancellation === isCancelling)
  if (newest === undefined && !isCancelling) throw new UnsignedTransactionError(tracked.nonce)
  return newest
}

/** Reports a record of a transaction that was kept before it was ever signed: the database is damaged. */
class UnsignedTransactionError extends KeyrollError {
  override readonly name = 'UnsignedTransactionError'
  constructor(nonce: bigint) {
    super(`got a kept L1 transaction of nonce ${nonce} without an attempt, expected at least one`)
  }
}
