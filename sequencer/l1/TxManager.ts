import type { Address, Hex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import {
  commitmentToVersionedHash,
  createGate,
  DamagedDatabaseError,
  type Kzg,
  type Logger,
  maximum,
  type OpaqueBucket,
  TemporaryFault,
  uint64Key,
} from '../../node/index.ts'
import { fromHex, KeyrollError, keccakHex, MAX_TRANSACTION_GAS, toHex } from '../../protocol/index.ts'
import type { SequencerMetrics } from '../metrics.ts'
import { repeat } from '../repeat.ts'
import { type BlobProofOption, createBlobSidecars } from './BlobSidecars.ts'
import {
  bumpFees,
  type FeeLimits,
  type Fees,
  isClearlyLess,
  outbidFees,
  suggestFees,
  type TransactionKind,
  trimFees,
} from './Fees.ts'
import type { L1Sender, SentReceipt } from './L1Sender.ts'
import { attemptKind, type SignedAttempt, signAttempt } from './signAttempt.ts'
import {
  type Attempt,
  kindOf,
  type TrackedTransaction,
  trackedFromBytes,
  trackedToBytes,
} from './TrackedTransaction.ts'
import {
  createTxEntry,
  newestAttempt,
  offerAs,
  type SentTransaction,
  type TxEntry,
  updateEntry,
} from './TxEntry.ts'

/** A transaction that somebody wants on L1; `reference` says what it is for, and comes back after a restart. */
export type TransactionRequest = {
  to: Address
  data: Uint8Array
  /** Each 131,072 bytes. */
  blobs?: readonly Uint8Array[]
  /** Gas that it is given even if an L1 node estimates less: a transaction that reverts for want of gas is paid all the same. */
  minGas?: bigint
  reference: string
}

/** Options of a {@link TxManager}, each with its default. */
export type TxManagerOptions = {
  feeLimits: FeeLimits
  /** Which proofs L1 wants beside blobs. */
  blobProofs: BlobProofOption
  /** Milliseconds after which a transaction without a receipt is offered again for more. */
  resubmitAfterMs: number
  /** Blocks with and above the receipt's before it counts. */
  confirmations: bigint
  pollIntervalMs: number
}

/** Defaults of {@link TxManagerOptions}. */
export const DEFAULT_TX_MANAGER_OPTIONS: TxManagerOptions = {
  feeLimits: {
    minPriorityFeePerGas: 1_000_000n,
    maxPriorityFeePerGas: 50_000_000_000n,
    maxFeePerGas: 500_000_000_000n,
    maxFeePerBlobGas: 500_000_000_000n,
  },
  blobProofs: 'auto',
  resubmitAfterMs: 48_000,
  confirmations: 1n,
  pollIntervalMs: 2_000,
}

/** What a {@link TxManager} is made of. */
export type TxManagerModules = {
  sender: L1Sender
  /** Needed by whoever sends blobs. */
  kzg?: Pick<Kzg, 'commitment' | 'proofs'> | undefined
  privateKey: Hex
  chainId: bigint
  /** Where transactions are kept until they are final; nobody else's. */
  bucket: OpaqueBucket
  /** Names the account in logs and metrics. */
  name: string
  options: TxManagerOptions
  logger: Logger
  metrics: SequencerMetrics
  /** Milliseconds since the epoch. */
  now: () => number
  /** Whether what was sent may be offered to L1 again; always by default. Receipts are asked for in any case. */
  mayOffer?: () => boolean
}

/** Gets the transactions of one L1 account into blocks, in the order of the calls to `send`. */
export interface TxManager {
  readonly address: Address
  /**
   * Gives the transaction the account's next nonce, keeps it on disk and hands it to L1.
   *
   * @throws {TransactionRevertedError} when it would revert; nothing was sent then.
   * @throws {TemporaryFault} when L1 does not answer, or with what cannot be, or transactions of the other kind wait; nothing
   * was sent then.
   */
  send(request: TransactionRequest): Promise<SentTransaction>
  /** Lists what was sent and is not final on L1, those from before a restart included, in the order of nonces. */
  sent(): readonly SentTransaction[]
  /** Tells of which kind the transactions are that wait for a block: no other kind can be sent until they are in one. */
  waitingKind(): TransactionKind | undefined
  /** Tells how many transactions wait for a block, of which nodes take only so many from one account. */
  waitingCount(): number
  /** Tells whether nodes hold a transaction of the other kind against the account, so that nothing more should be sent. */
  isBlocked(): boolean
  /** Looks after what was sent: asks for receipts, raises fees, sends again what a reorg took back. */
  poll(): Promise<void>
  /** Polls until the signal aborts. */
  run(signal: AbortSignal): Promise<void>
}

/** How often a transaction is offered for the same fees before they are raised. */
const OFFERS_PER_PRICE = 4

/** The pause after an offer without an answer doubles so often, if it is not long enough before. */
const MOST_DOUBLINGS = 10

/** Estimates are of the pending block, and the transaction lands in a later one. */
const GAS_MARGIN_PERCENT = 20n

/** How a transaction is handed to L1, in logs and metrics. */
type OfferKind = 'first' | 'repeated' | 'bumped' | 'trimmed' | 'cancelling'

/** Opens the transactions of an account, taking up those that were on their way when the process ended. */
export async function openTxManager(modules: TxManagerModules): Promise<TxManager> {
  const { sender, kzg, bucket, options, metrics, now, name, chainId, mayOffer = () => true } = modules
  const logger = modules.logger.child({ sender: name })
  const account = privateKeyToAccount(modules.privateKey)
  const sidecars = createBlobSidecars({ kzg, sender, option: options.blobProofs })
  /** What gives out nonces, or looks after them, runs one after the other. */
  const exclusive = createGate(1)
  let entries: TxEntry[] = []
  for await (const [, value] of bucket.entries()) {
    const entry = createEntry(trackedFromBytes(value))
    entry.whole = undefined
    entries.push(entry)
  }
  updateGauge()

  function createEntry(tracked: TrackedTransaction): TxEntry {
    const entry = createTxEntry(tracked, async () => {
      const found = await findAttempt(entry)
      if (found !== undefined && !found.attempt.isCancellation) return found.receipt
      // It was in a block: another may have taken its nonce between two looks, which would not tell.
      if (entry.isSettled) entry.missingSince ??= now()
      return undefined
    })
    return entry
  }

  function updateGauge() {
    metrics.l1Unsettled.set({ sender: name }, entries.filter(({ isSettled }) => !isSettled).length)
  }

  async function send(request: TransactionRequest): Promise<SentTransaction> {
    const { to, reference, minGas = 0n } = request
    const blobs = await sidecars.commit(request.blobs ?? [])
    const blobVersionedHashes = blobs.map(({ commitment }) => commitmentToVersionedHash(commitment))
    const [estimate, prices] = await Promise.all([
      sender.estimateGas({ from: account.address, to, data: toHex(request.data), blobVersionedHashes }),
      sender.gasPrices(),
    ])
    const gas = maximum(estimate, minGas)
    const gasLimit = (gas * (100n + GAS_MARGIN_PERCENT)) / 100n
    // With a limit that no block takes, its nonce would never be free again.
    if (gasLimit > MAX_TRANSACTION_GAS)
      throw new TemporaryFault(`L1 estimates ${gas} gas for a transaction, which no block takes`)
    const kind = kindOf({ blobs })
    return exclusive(async () => {
      const next = await sender.nextNonce(account.address)
      const other = entries.find(({ tracked, view }) => tracked.nonce >= next && view.kind !== kind)
      if (other !== undefined) {
        const message = `${other.view.kind} of nonce ${other.tracked.nonce} wait for a block: ${kind} cannot be sent`
        throw new TemporaryFault(message)
      }
      const last = entries.at(-1)?.tracked.nonce
      const nonce = last === undefined || last < next ? next : last + 1n
      const entry = createEntry({ nonce, reference, to, data: request.data, blobs, gasLimit, attempts: [] })
      // On disk before it is on L1: after a crash it is found again, and nothing is sent twice under two nonces.
      const signed = await addAttempt(entry, suggestFees(prices, options.feeLimits, kind))
      entries.push(entry)
      updateGauge()
      await offer(entry, signed, 'first')
      return entry.view
    })
  }

  async function addAttempt(entry: TxEntry, fees: Fees): Promise<SignedAttempt> {
    const signed = await sign(entry, fees)
    const hash = keccakHex(fromHex(signed.raw))
    const attempt: Attempt = { ...fees, hash, isCancellation: entry.isCancelling }
    const tracked = { ...wholeOf(entry), attempts: [...entry.tracked.attempts, attempt] }
    await bucket.write([{ key: uint64Key(tracked.nonce), value: trackedToBytes(tracked) }])
    updateEntry(entry, tracked)
    return signed
  }

  function sign(entry: TxEntry, fees: Fees): Promise<SignedAttempt> {
    return signAttempt(account, chainId, wholeOf(entry), fees, entry.isCancelling)
  }

  /** What is in a block is not held in memory: when L1 finalizes nothing for days, that would be gigabytes. */
  function wholeOf(entry: TxEntry): TrackedTransaction {
    if (entry.whole !== undefined) return entry.whole
    const { nonce } = entry.tracked
    const bytes = bucket.get(uint64Key(nonce))
    if (bytes === undefined) throw new DamagedDatabaseError(`the L1 transaction of nonce ${nonce}`)
    entry.whole = trackedFromBytes(bytes)
    return entry.whole
  }

  async function offer(entry: TxEntry, signed: SignedAttempt, attempt: OfferKind): Promise<void> {
    entry.mustBump = false
    const { nonce, reference } = entry.tracked
    try {
      const { outcome, message } = await transmit(signed)
      if (entry.unanswered > 0) noteAnswer(entry)
      // Only now: the proofs of blobs may have taken seconds.
      entry.sentAt = now()
      if (attempt === 'repeated') entry.pricedAt ??= now()
      else entry.pricedAt = now()
      entry.isRefused = outcome === 'refused' || outcome === 'insufficientFunds'
      metrics.l1Sent.inc({ sender: name, attempt })
      const log = { nonce, reference, hash: keccakHex(fromHex(signed.raw)), attempt }
      if (outcome === 'accepted') logger.info(log, 'sent an L1 transaction')
      if (outcome === 'accepted' || outcome === 'known') entry.blockedSince = undefined
      if (outcome === 'accepted' || outcome === 'known' || outcome === 'nonceTooLow') return
      metrics.l1Refused.inc({ sender: name, outcome })
      const isUsual = outcome === 'underpriced' || outcome === 'otherKindPending' || outcome === 'nonceGap'
      logger[isUsual ? 'warn' : 'error'](
        { ...log, outcome, message },
        'L1 does not take a transaction; it is offered again',
      )
      if (outcome === 'underpriced') entry.mustBump = !wasTrimmed(entry)
      if (outcome === 'nonceGap') offerAgainUpTo(entry)
      if (outcome === 'otherKindPending') noteBlocked(entry)
    } catch (error) {
      if (!(error instanceof TemporaryFault)) throw error
      // It is on disk, and a poll offers it again.
      entry.sentAt = now()
      entry.unanswered++
      logger.warn({ nonce, reference, err: error }, 'L1 did not answer to a transaction; it is offered again')
    }
  }

  async function transmit({ raw, blobs }: SignedAttempt): ReturnType<L1Sender['send']> {
    if (blobs.length === 0) return sender.send(raw)
    const answer = await sender.send(await sidecars.wrap(raw, blobs))
    if (answer.outcome !== 'wrongProofs') return answer
    // The proofs are not part of what is signed: the same transaction is good with others.
    sidecars.refused()
    return sender.send(await sidecars.wrap(raw, blobs))
  }

  /**
   * A node that misses an earlier transaction has forgotten it, or never got it: the next look offers it those, and then this one.
   * Were this one to wait for longer, whatever is sent meanwhile would meet the gap that it leaves.
   */
  function offerAgainUpTo({ tracked: { nonce } }: TxEntry): void {
    const upTo = entries.filter(
      ({ tracked, includedAt }) => tracked.nonce <= nonce && includedAt === undefined,
    )
    // What L1 does not answer to is the gap, and with its answer those behind it are offered.
    if (upTo.some(({ unanswered }) => unanswered > 0)) return
    for (const entry of upTo) entry.sentAt = undefined
  }

  function noteAnswer(answered: TxEntry): void {
    answered.unanswered = 0
    for (const entry of entries) {
      if (entry.tracked.nonce > answered.tracked.nonce) entry.sentAt = undefined
    }
  }

  /** A cancellation that is blocked in its turn says that the transaction's own kind may pass now. */
  function noteBlocked(entry: TxEntry): void {
    if (entry.isCancelling) offerAs(entry, 'transaction')
    else entry.blockedSince ??= now()
  }

  async function poll(): Promise<void> {
    await exclusive(async () => {
      if (entries.length === 0) return
      const [next, heads] = await Promise.all([sender.nextNonce(account.address), sender.heads()])
      for (const entry of entries.filter(({ tracked }) => tracked.nonce < next)) {
        await findReceipt(entry, heads.latest)
      }
      const waiting = entries.filter(({ tracked }) => tracked.nonce >= next)
      const lowest = waiting[0]
      if (lowest !== undefined && lowest.tracked.nonce > next) await giveUpBehindGap(waiting, next)
      else if (lowest !== undefined) await push(lowest, waiting)
      if (heads.finalized !== undefined) await forgetFinal(heads.finalized)
      updateGauge()
    })
  }

  async function findAttempt({ tracked }: TxEntry) {
    for (const attempt of tracked.attempts.toReversed()) {
      const receipt = await sender.receipt(attempt.hash)
      if (receipt !== undefined) return { receipt, attempt }
    }
    return undefined
  }

  async function findReceipt(entry: TxEntry, latest: bigint): Promise<void> {
    const { isSettled, includedAt, missingSince } = entry
    if (isSettled && includedAt !== undefined && missingSince === undefined) return
    const found = await findAttempt(entry)
    if (found !== undefined) return confirm(entry, found, latest)
    // The nodes behind one URL need not be of one mind: the nonce may be known before the receipt.
    entry.missingSince = Math.min(entry.missingSince ?? now(), now())
    if (now() - entry.missingSince < options.resubmitAfterMs) return
    await drop([entry], () => new NonceTakenError(account.address, entry.tracked.nonce))
  }

  async function confirm(
    entry: TxEntry,
    { receipt, attempt }: { receipt: SentReceipt; attempt: Attempt },
    latest: bigint,
  ): Promise<void> {
    entry.missingSince = undefined
    entry.blockedSince = undefined
    entry.includedAt = receipt.blockNumber
    entry.whole = undefined
    if (latest - receipt.blockNumber + 1n < options.confirmations) return
    const { nonce, reference } = entry.tracked
    // Also where it was in a block before, which a reorg took back.
    if (attempt.isCancellation) return drop([entry], () => new CancelledError(account.address, nonce))
    if (entry.isSettled) return
    entry.isSettled = true
    metrics.l1Settled.inc({ sender: name, outcome: receipt.status })
    const { status, blockNumber: l1Block } = receipt
    logger.info({ nonce, reference, hash: attempt.hash, status, l1Block }, 'confirmed on L1')
    entry.settle(receipt)
  }

  async function push(lowest: TxEntry, waiting: readonly TxEntry[]): Promise<void> {
    for (const entry of waiting) {
      // Its nonce is free: whatever said otherwise before was out of step, or was taken back.
      entry.missingSince = undefined
      if (entry.includedAt === undefined) continue
      logger.warn({ nonce: entry.tracked.nonce }, 'an L1 reorg took back a transaction; sending it again')
      entry.includedAt = undefined
      offerAs(entry, 'transaction')
    }
    if (!mayOffer()) return
    const { blockedSince } = lowest
    if (blockedSince !== undefined && hasPassed(blockedSince, options.resubmitAfterMs)) {
      logger.warn(
        { nonce: lowest.tracked.nonce },
        'a transaction of the other kind blocks the account: cancelling it',
      )
      offerAs(lowest, 'cancellation')
    }
    for (const entry of waiting) {
      if (entry !== lowest && mustWaitFor(lowest, entry)) return
      await pushOne(entry, entry === lowest)
    }
  }

  /** Nodes hold an account's transactions of one kind only: the others wait for their turn. */
  function mustWaitFor(lowest: TxEntry, { view }: TxEntry): boolean {
    const isBlocked = lowest.isCancelling || lowest.blockedSince !== undefined
    return isBlocked || view.kind !== lowest.view.kind
  }

  async function pushOne(entry: TxEntry, isFirst: boolean): Promise<void> {
    const newest = newestAttempt(entry)
    if (newest === undefined) return startCancelling(entry)
    const isStuck = entry.pricedAt !== undefined && hasPassed(entry.pricedAt, options.resubmitAfterMs)
    if (entry.mustBump || (isStuck && !entry.isRefused)) return raise(entry, newest, isFirst)
    if (!isDue(entry)) return
    if (entry.isRefused) await trim(entry, newest)
    else await offerAgain(entry, newest)
  }

  function isDue(entry: TxEntry): boolean {
    return entry.sentAt === undefined || hasPassed(entry.sentAt, pauseOf(entry))
  }

  /**
   * Nodes forget what is in their pools, and never say so. What blocks the account may be gone at any moment. What L1 does not answer
   * to is offered at the next poll, and then ever less often: megabytes of blobs may be what it does not answer to.
   */
  function pauseOf({ blockedSince, unanswered }: TxEntry): number {
    const longest = options.resubmitAfterMs / OFFERS_PER_PRICE
    if (unanswered > 0) {
      const polls = 2 ** Math.min(unanswered - 1, MOST_DOUBLINGS) - 1
      return Math.min(longest, polls * options.pollIntervalMs)
    }
    return blockedSince === undefined ? longest : 0
  }

  /** A clock that was set back does not tell how long ago it was: else everything would wait until it is where it was. */
  function hasPassed(since: number, ms: number): boolean {
    const passed = now() - since
    return passed < 0 || passed >= ms
  }

  /** Without it, a cap that nodes refuse, or that the account does not own, would stand in the way for ever. */
  async function trim(entry: TxEntry, newest: Attempt): Promise<void> {
    const kind = attemptKind(entry.view.kind, entry.isCancelling)
    const fees = trimFees(newest, await sender.gasPrices(), options.feeLimits, kind)
    if (fees === undefined) await offerAgain(entry, newest)
    else await offer(entry, await addAttempt(entry, fees), 'trimmed')
  }

  /** Then it may be its own earlier attempt, for more, beside which nodes refuse it. */
  function wasTrimmed(entry: TxEntry): boolean {
    const newest = newestAttempt(entry)
    const isLessThan = (other: Attempt) => newest !== undefined && isClearlyLess(newest, other)
    return entry.tracked.attempts.some(
      (other) => other.isCancellation === entry.isCancelling && isLessThan(other),
    )
  }

  async function startCancelling(entry: TxEntry): Promise<void> {
    const kind = attemptKind(entry.view.kind, true)
    const fees = suggestFees(await sender.gasPrices(), options.feeLimits, kind)
    await offer(entry, await addAttempt(entry, fees), 'cancelling')
  }

  async function raise(entry: TxEntry, newest: Attempt, isFirst: boolean): Promise<void> {
    const prices = await sender.gasPrices()
    entry.pricedAt = now()
    const { feeLimits } = options
    const kind = attemptKind(entry.view.kind, entry.isCancelling)
    // The first in line holds up the rest; those behind it may only be waiting for it.
    const isBelowBase =
      newest.maxFeePerGas < prices.baseFee ||
      (kind === 'blobs' && newest.maxFeePerBlobGas < (prices.blobBaseFee ?? 0n))
    const isTooCheap = entry.mustBump || isFirst || isBelowBase
    // Below the base fee it is refused as underpriced where nobody competes with it.
    const choose = entry.mustBump && !isBelowBase ? outbidFees : bumpFees
    const fees = isTooCheap ? choose(newest, prices, feeLimits, kind) : undefined
    if (fees !== undefined) return offer(entry, await addAttempt(entry, fees), 'bumped')
    if (isTooCheap) {
      metrics.l1AtCeiling.inc({ sender: name })
      const {
        maxFeePerGas: ceiling,
        maxPriorityFeePerGas: tipCeiling,
        maxFeePerBlobGas: blobCeiling,
      } = feeLimits
      const log = {
        nonce: entry.tracked.nonce,
        ceiling,
        tipCeiling,
        ...(kind === 'blobs' && { blobCeiling }),
      }
      logger.error(log, 'a fee ceiling keeps an L1 transaction waiting')
      // It was offered for as much a moment ago, maybe with megabytes of blobs.
      entry.mustBump = false
      if (!isDue(entry)) return
    }
    return offerAgain(entry, newest)
  }

  async function offerAgain(entry: TxEntry, newest: Attempt): Promise<void> {
    await offer(entry, await sign(entry, newest), 'repeated')
  }

  async function giveUpBehindGap(waiting: readonly TxEntry[], next: bigint): Promise<void> {
    await drop(waiting, (entry) => new NonceGapError(account.address, entry.tracked.nonce, next))
  }

  async function drop(dropped: readonly TxEntry[], errorOf: (entry: TxEntry) => KeyrollError): Promise<void> {
    await forget(dropped)
    for (const entry of dropped) {
      const error = errorOf(entry)
      logger.warn({ nonce: entry.tracked.nonce, reference: entry.tracked.reference, err: error }, 'gave up')
      if (!entry.isSettled) metrics.l1Settled.inc({ sender: name, outcome: 'lost' })
      entry.fail(error)
    }
  }

  async function forget(gone: readonly TxEntry[]): Promise<void> {
    if (gone.length === 0) return
    await bucket.write(gone.map(({ tracked }) => ({ key: uint64Key(tracked.nonce), value: undefined })))
    entries = entries.filter((entry) => !gone.includes(entry))
  }

  async function forgetFinal(finalized: bigint): Promise<void> {
    const final: TxEntry[] = []
    for (const entry of entries) {
      if (!entry.isSettled || entry.includedAt === undefined || entry.includedAt > finalized) continue
      // A reorg may have moved it to a later block since.
      entry.includedAt = (await findAttempt(entry))?.receipt.blockNumber
      if (entry.includedAt !== undefined && entry.includedAt <= finalized) final.push(entry)
    }
    await forget(final)
  }

  return {
    address: account.address,
    send,
    sent: () => entries.map(({ view }) => view),
    waitingKind: () => entries.find(({ includedAt }) => includedAt === undefined)?.view.kind,
    waitingCount: () => entries.filter(({ includedAt }) => includedAt === undefined).length,
    isBlocked: () =>
      entries.some(
        ({ includedAt, blockedSince, isCancelling }) =>
          includedAt === undefined && (blockedSince !== undefined || isCancelling),
      ),
    poll,
    run: (signal) => repeat(poll, { intervalMs: options.pollIntervalMs, signal, logger }),
  }
}

/** Reports that the account's nonce was used by a transaction that this process did not send. */
export class NonceTakenError extends KeyrollError {
  override readonly name = 'NonceTakenError'
  constructor(account: Address, nonce: bigint) {
    super(`nonce ${nonce} of ${account} was used by another transaction: is the key in use elsewhere?`)
  }
}

/** Reports a transaction that waits for a nonce which nobody is going to use. */
export class NonceGapError extends KeyrollError {
  override readonly name = 'NonceGapError'
  constructor(account: Address, nonce: bigint, next: bigint) {
    super(`got nonce ${nonce} waiting for ${account}, whose next nonce is ${next}: it has to be sent anew`)
  }
}

/** Reports a transaction whose nonce an empty one took, because a foreign one of the other kind blocked the account. */
export class CancelledError extends KeyrollError {
  override readonly name = 'CancelledError'
  constructor(account: Address, nonce: bigint) {
    super(`nonce ${nonce} of ${account} was cancelled to unblock the account: it has to be sent anew`)
  }
}
