import type { Address, Hex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { type Logger, type OpaqueBucket, uint64Key } from '../node/index.ts'
import { fromHex, KeyrollError, keccakHex, toHex } from '../protocol/index.ts'
import { bumpFees, type FeeLimits, type Fees, suggestFees } from './Fees.ts'
import type { L1Sender, SentReceipt } from './L1Sender.ts'
import { repeat } from './loop.ts'
import { createMutex } from './Mutex.ts'
import type { SequencerMetrics } from './metrics.ts'
import {
  type Attempt,
  type TrackedTransaction,
  trackedFromBytes,
  trackedToBytes,
} from './TrackedTransaction.ts'

/** A transaction that somebody wants on L1; `reference` says what it is for, and comes back after a restart. */
export type TransactionRequest = { to: Address; data: Uint8Array; reference: string }

/** A transaction that is on its way, or in a block that is not final. */
export type SentTransaction = {
  reference: string
  nonce: bigint
  /**
   * Resolves with the receipt once it has the asked number of confirmations.
   *
   * @throws {NonceTakenError} when another transaction took its nonce.
   * @throws {NonceGapError} when it can never be in a block because one before it is gone.
   */
  confirmed: Promise<SentReceipt>
}

/** Options of a {@link TxManager}, each with its default. */
export type TxManagerOptions = {
  /** Wei per gas. */
  feeLimits: FeeLimits
  /** Milliseconds after which a transaction without a receipt is offered again for more. */
  resubmitAfterMs: number
  /** Blocks with and above the receipt's before it counts. */
  confirmations: bigint
  pollIntervalMs: number
}

/** Defaults of {@link TxManagerOptions}. */
export const DEFAULT_TX_MANAGER_OPTIONS: TxManagerOptions = {
  feeLimits: { minPriorityFeePerGas: 1_000_000n, maxFeePerGas: 500_000_000_000n },
  resubmitAfterMs: 48_000,
  confirmations: 1n,
  pollIntervalMs: 2_000,
}

/** What a {@link TxManager} is made of. */
export type TxManagerModules = {
  sender: L1Sender
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
}

/** Gets the transactions of one L1 account into blocks, in the order of the calls to `send`. */
export interface TxManager {
  readonly address: Address
  /**
   * Gives the transaction the account's next nonce, keeps it on disk and hands it to L1.
   *
   * @throws {TransactionRevertedError} when it would revert; nothing was sent then.
   * @throws {TemporaryFault} when L1 does not answer; nothing was sent then.
   */
  send(request: TransactionRequest): Promise<SentTransaction>
  /** Lists what was sent and is not final on L1, those from before a restart included, in the order of nonces. */
  sent(): readonly SentTransaction[]
  /** Looks after what was sent: asks for receipts, raises fees, sends again what a reorg took back. */
  poll(): Promise<void>
  /** Polls until the signal aborts. */
  run(signal: AbortSignal): Promise<void>
}

type Entry = {
  tracked: TrackedTransaction
  view: SentTransaction
  settle: (receipt: SentReceipt) => void
  fail: (error: KeyrollError) => void
  isSettled: boolean
  includedAt: bigint | undefined
  /** Milliseconds; undefined before it was handed to L1 by this process. */
  sentAt: number | undefined
  /** Milliseconds; since when it is offered for its newest fees. */
  pricedAt: number | undefined
  /** Milliseconds; since when its nonce is used and no receipt is found. */
  missingSince: number | undefined
  mustBump: boolean
}

/** How often a transaction is offered for the same fees before they are raised. */
const OFFERS_PER_PRICE = 4

/** Estimates are of the pending block, and the transaction lands in a later one. */
const GAS_MARGIN_PERCENT = 20n

/** Opens the transactions of an account, taking up those that were on their way when the process ended. */
export async function openTxManager(modules: TxManagerModules): Promise<TxManager> {
  const { sender, bucket, options, metrics, now, name, chainId } = modules
  const logger = modules.logger.child({ sender: name })
  const account = privateKeyToAccount(modules.privateKey)
  const exclusive = createMutex()
  let entries: Entry[] = []
  for await (const [, value] of bucket.entries()) entries.push(createEntry(trackedFromBytes(value)))
  updateGauge()

  function updateGauge() {
    metrics.l1Unsettled.set({ sender: name }, entries.filter(({ isSettled }) => !isSettled).length)
  }

  async function send(request: TransactionRequest): Promise<SentTransaction> {
    const data = toHex(request.data)
    const [gas, prices] = await Promise.all([
      sender.estimateGas({ from: account.address, to: request.to, data }),
      sender.gasPrices(),
    ])
    const gasLimit = (gas * (100n + GAS_MARGIN_PERCENT)) / 100n
    return exclusive(async () => {
      const next = await sender.nextNonce(account.address)
      const last = entries.at(-1)?.tracked.nonce
      const nonce = last === undefined || last < next ? next : last + 1n
      const entry = createEntry({ ...request, nonce, gasLimit, attempts: [] })
      // On disk before it is on L1: after a crash it is found again, and nothing is sent twice under two nonces.
      const raw = await addAttempt(entry, suggestFees(prices, options.feeLimits))
      entries.push(entry)
      updateGauge()
      entry.pricedAt = now()
      await offer(entry, raw, 'first')
      return entry.view
    })
  }

  async function addAttempt(entry: Entry, fees: Fees): Promise<Hex> {
    const raw = await sign(entry.tracked, fees)
    const attempt: Attempt = { ...fees, hash: keccakHex(fromHex(raw)) }
    const tracked = { ...entry.tracked, attempts: [...entry.tracked.attempts, attempt] }
    await bucket.write([{ key: uint64Key(tracked.nonce), value: trackedToBytes(tracked) }])
    entry.tracked = tracked
    return raw
  }

  function sign({ to, data, nonce, gasLimit }: TrackedTransaction, fees: Fees): Promise<Hex> {
    return account.signTransaction({
      type: 'eip1559',
      chainId: Number(chainId),
      to,
      data: toHex(data),
      nonce: Number(nonce),
      gas: gasLimit,
      maxFeePerGas: fees.maxFeePerGas,
      maxPriorityFeePerGas: fees.maxPriorityFeePerGas,
    })
  }

  async function offer(entry: Entry, raw: Hex, kind: 'first' | 'repeated' | 'bumped'): Promise<void> {
    entry.sentAt = now()
    entry.mustBump = false
    const { nonce, reference } = entry.tracked
    try {
      const { outcome, message } = await sender.send(raw)
      metrics.l1Sent.inc({ sender: name, attempt: kind })
      const log = { nonce, reference, hash: keccakHex(fromHex(raw)), attempt: kind }
      if (outcome === 'accepted') logger.info(log, 'sent an L1 transaction')
      if (outcome === 'accepted' || outcome === 'known' || outcome === 'nonceTooLow') return
      metrics.l1Refused.inc({ sender: name, outcome })
      entry.mustBump = outcome === 'underpriced'
      const level = outcome === 'underpriced' ? 'warn' : 'error'
      logger[level]({ ...log, outcome, message }, 'L1 does not take a transaction; it is offered again')
    } catch (error) {
      // It is on disk: the next poll offers it again.
      entry.sentAt = undefined
      logger.warn({ nonce, reference, err: error }, 'L1 did not answer to a transaction; it is offered again')
    }
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
      else if (lowest !== undefined) await push(waiting)
      await forgetFinal(heads.finalized)
      updateGauge()
    })
  }

  async function findReceipt(entry: Entry, latest: bigint): Promise<void> {
    if (entry.isSettled && entry.includedAt !== undefined) return
    for (const { hash } of entry.tracked.attempts.toReversed()) {
      const receipt = await sender.receipt(hash)
      if (receipt === undefined) continue
      entry.missingSince = undefined
      entry.includedAt = receipt.blockNumber
      if (entry.isSettled || latest - receipt.blockNumber + 1n < options.confirmations) return
      entry.isSettled = true
      metrics.l1Settled.inc({ sender: name, outcome: receipt.status })
      const { nonce, reference } = entry.tracked
      logger.info(
        { nonce, reference, hash, status: receipt.status, l1Block: receipt.blockNumber },
        'confirmed on L1',
      )
      entry.settle(receipt)
      return
    }
    // The nodes behind one URL need not be of one mind: the nonce may be known before the receipt.
    entry.missingSince ??= now()
    if (now() - entry.missingSince < options.resubmitAfterMs) return
    await drop([entry], () => new NonceTakenError(account.address, entry.tracked.nonce))
  }

  async function push(waiting: readonly Entry[]): Promise<void> {
    for (const [i, entry] of waiting.entries()) {
      if (entry.includedAt !== undefined) {
        logger.warn({ nonce: entry.tracked.nonce }, 'an L1 reorg took back a transaction; sending it again')
        entry.includedAt = undefined
        entry.sentAt = undefined
        entry.pricedAt = undefined
      }
      const isStuck = entry.pricedAt !== undefined && now() - entry.pricedAt >= options.resubmitAfterMs
      if (entry.mustBump || isStuck) await raise(entry, i === 0)
      // Nodes forget what is in their pools, and never say so.
      else if (
        entry.sentAt === undefined ||
        now() - entry.sentAt >= options.resubmitAfterMs / OFFERS_PER_PRICE
      ) {
        await offerAgain(entry)
      }
    }
  }

  async function raise(entry: Entry, isFirst: boolean): Promise<void> {
    const newest = newestAttempt(entry)
    const prices = await sender.gasPrices()
    entry.pricedAt = now()
    // The first in line holds up the rest; those behind it may only be waiting for it.
    const isTooCheap = entry.mustBump || isFirst || newest.maxFeePerGas < prices.baseFee
    const fees = isTooCheap ? bumpFees(newest, prices, options.feeLimits) : undefined
    if (fees !== undefined) return offer(entry, await addAttempt(entry, fees), 'bumped')
    if (isTooCheap) {
      const log = { nonce: entry.tracked.nonce, ceiling: options.feeLimits.maxFeePerGas }
      logger.error(log, 'the fee ceiling keeps an L1 transaction waiting')
    }
    return offerAgain(entry)
  }

  async function offerAgain(entry: Entry): Promise<void> {
    entry.pricedAt ??= now()
    await offer(entry, await sign(entry.tracked, newestAttempt(entry)), 'repeated')
  }

  async function giveUpBehindGap(waiting: readonly Entry[], next: bigint): Promise<void> {
    await drop(waiting, (entry) => new NonceGapError(account.address, entry.tracked.nonce, next))
  }

  async function drop(dropped: readonly Entry[], errorOf: (entry: Entry) => KeyrollError): Promise<void> {
    await bucket.write(dropped.map(({ tracked }) => ({ key: uint64Key(tracked.nonce), value: undefined })))
    entries = entries.filter((entry) => !dropped.includes(entry))
    for (const entry of dropped) {
      const error = errorOf(entry)
      logger.warn({ nonce: entry.tracked.nonce, reference: entry.tracked.reference, err: error }, 'gave up')
      if (!entry.isSettled) metrics.l1Settled.inc({ sender: name, outcome: 'lost' })
      entry.fail(error)
    }
  }

  async function forgetFinal(finalized: bigint | undefined): Promise<void> {
    if (finalized === undefined) return
    const isFinal = ({ isSettled, includedAt }: Entry) =>
      isSettled && includedAt !== undefined && includedAt <= finalized
    const final = entries.filter(isFinal)
    if (final.length === 0) return
    await bucket.write(final.map(({ tracked }) => ({ key: uint64Key(tracked.nonce), value: undefined })))
    entries = entries.filter((entry) => !isFinal(entry))
  }

  return {
    address: account.address,
    send,
    sent: () => entries.map(({ view }) => view),
    poll,
    run: (signal) => repeat(poll, { intervalMs: options.pollIntervalMs, signal, logger }),
  }
}

function newestAttempt({ tracked }: Entry): Attempt {
  const newest = tracked.attempts.at(-1)
  if (newest === undefined) throw new UnsignedTransactionError(tracked.nonce)
  return newest
}

function createEntry(tracked: TrackedTransaction): Entry {
  let settle: Entry['settle'] = () => undefined
  let fail: Entry['fail'] = () => undefined
  const confirmed = new Promise<SentReceipt>((resolve, reject) => {
    settle = resolve
    fail = reject
  })
  // Whoever sent it may not be listening any more.
  confirmed.catch(() => undefined)
  return {
    tracked,
    view: { reference: tracked.reference, nonce: tracked.nonce, confirmed },
    settle,
    fail,
    isSettled: false,
    includedAt: undefined,
    sentAt: undefined,
    pricedAt: undefined,
    missingSince: undefined,
    mustBump: false,
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

/** Reports a record of a transaction that was kept before it was ever signed: the database is damaged. */
class UnsignedTransactionError extends KeyrollError {
  override readonly name = 'UnsignedTransactionError'
  constructor(nonce: bigint) {
    super(`got a kept L1 transaction of nonce ${nonce} without an attempt, expected at least one`)
  }
}
