import type { Hex } from 'viem'
import {
  type BlockRef,
  blockToRef,
  type ChainStore,
  type Logger,
  maximum,
  minimum,
} from '../../node/index.ts'
import { encodeBlob, MAX_BLOB_DATA_BYTES, type RollupConfig } from '../../protocol/index.ts'
import type { TransactionKind } from '../l1/Fees.ts'
import { type L1Sender, TransactionRevertedError } from '../l1/L1Sender.ts'
import type { SentTransaction } from '../l1/TxEntry.ts'
import type { TransactionRequest, TxManager } from '../l1/TxManager.ts'
import type { SequencerMetrics } from '../metrics.ts'
import { repeat } from '../repeat.ts'
import { createBackOff } from './BackOff.ts'
import { type ChannelOut, packChannels, type Room } from './channelOut.ts'
import { createDataChooser, type DataAvailability, type DataChooserOptions } from './createDataChooser.ts'
import { blobsCost, calldataCost, submissionGas } from './dataCost.ts'

/** Options of a {@link Batcher}. */
export type BatcherOptions = {
  /** What batches are posted in. */
  dataAvailability: DataAvailability
  /** Most bytes of calldata in one L1 transaction, of which nodes take at most 131,072 in all; a larger block goes alone. */
  maxDataBytes: number
  /** Most blobs in one L1 transaction; a block of L1 has room for few, and takes the smaller ones sooner. */
  maxBlobs: number
  /** L1 blocks that blocks may wait for others to share a transaction with; 0 posts them at once. */
  maxChannelDuration: bigint
  /** L1 blocks before the end of the sequencing window at which blocks are posted whatever they share; at most half of it. */
  windowMargin: bigint
  /** L1 transactions without a receipt at a time; of those with blobs at most 16, which is what nodes take. */
  maxPending: number
  pollIntervalMs: number
} & DataChooserOptions

/** Defaults of {@link BatcherOptions}. */
export const DEFAULT_BATCHER_OPTIONS: BatcherOptions = {
  dataAvailability: 'auto',
  maxDataBytes: 120_000,
  maxBlobs: 6,
  maxChannelDuration: 10n,
  windowMargin: 100n,
  maxPending: 8,
  switchMarginPercent: 20n,
  switchPatience: 5n,
  pollIntervalMs: 1_000,
}

/** What a {@link Batcher} is made of. */
export type BatcherModules = {
  store: Pick<ChainStore, 'heads' | 'blockByNumber' | 'inclusionOf'>
  rollup: RollupConfig
  txManager: TxManager
  gasPrices: L1Sender['gasPrices']
  /** Whether this is the batcher, and what L1 holds was once read, so that nothing is posted beside it. */
  mayPost: () => boolean
  /** Number of the newest L1 block whose data are all in the safe chain; undefined while derivation begins again. */
  derivedL1: () => bigint | undefined
  /** Number of the newest L1 block that was seen; undefined before the first look. */
  seenL1: () => bigint | undefined
  options: BatcherOptions
  logger: Logger
  metrics: SequencerMetrics
}

/** Posts every unsafe block to the batch inbox, once where nothing goes wrong, until derivation has made it safe. */
export interface Batcher {
  /**
   * Posts what is due.
   *
   * @throws {TemporaryFault} when L1 cannot be asked.
   */
  step(): Promise<void>
  run(signal: AbortSignal): Promise<void>
}

type Range = { first: bigint; last: bigint; lastHash: Hex }

/** Blocks on their way to L1, or on L1 and not yet safe. */
type Submission = Range & {
  sent: SentTransaction
  /** Whether L1 has once confirmed it; a reorg may have moved it, or taken it back, since. */
  isConfirmed: boolean
  /** L1 block of the receipt. */
  includedAt: bigint | undefined
  failure: 'REVERTED' | 'LOST' | undefined
}

/** Why blocks have to be posted again. */
type Loss = 'REORGANISED' | 'REVERTED' | 'LOST' | 'DROPPED'

/** How far L1 is. */
type L1Progress = {
  /** By it windows close and blocks wait, whether or not derivation can go on. */
  head: bigint
  /** By it is judged what became of what was posted. */
  derived: bigint | undefined
}

/** What goes into one L1 transaction. */
type Plan = { kind: TransactionKind; channels: readonly ChannelOut[] }

/** What geth's blob pool takes from one account. */
const MAX_PENDING_WITH_BLOBS = 16

/**
 * Makes a batcher. It keeps nothing on disk of its own: which blocks are on their way, the transactions' references say,
 * and which have arrived, the safe head.
 */
export function createBatcher(modules: BatcherModules): Batcher {
  const { store, rollup, txManager, gasPrices, options, metrics } = modules
  const logger = modules.logger.child({ part: 'batcher' })
  const windowMargin = minimum(options.windowMargin, rollup.seqWindowSize / 2n)
  const rooms: Readonly<Record<TransactionKind, Room>> = {
    calldata: { maxBytes: options.maxDataBytes, maxChannels: 1 },
    blobs: { maxBytes: MAX_BLOB_DATA_BYTES, maxChannels: options.maxBlobs },
  }
  const maxPending: Readonly<Record<TransactionKind, number>> = {
    calldata: options.maxPending,
    blobs: Math.min(options.maxPending, MAX_PENDING_WITH_BLOBS),
  }
  const chooser = createDataChooser(options, txManager.sent().at(-1)?.kind)
  let submissions: Submission[] = []
  for (const sent of txManager.sent()) {
    const range = rangeFromReference(sent.reference)
    // What was posted again after this one was lost replaces it.
    if (range !== undefined)
      submissions = [...submissions.filter(({ last }) => last < range.first), follow(sent, range)]
  }
  /** What was made safe and is not final on L1: what a reorg takes back of it is sent again by itself. */
  let arrived: Submission[] = []
  /** The first block that waits for others, and the L1 block at which it began to. */
  let open: { first: bigint; since: bigint } | undefined
  /** Whatever brings what is posted to nothing, posting it in every L1 block would only cost more. */
  const backOff = createBackOff(metrics.batcherPause)
  /** The block behind the newest that a batch made safe: empty ones of derivation's own, where a window has closed, are no success. */
  let goal: bigint | undefined
  /** What the inbox said last, told once. */
  let lastRefusal: string | undefined

  function follow(sent: SentTransaction, range: Range): Submission {
    const submission: Submission = {
      ...range,
      sent,
      isConfirmed: false,
      includedAt: undefined,
      failure: undefined,
    }
    sent.confirmed.then(
      ({ status, blockNumber }) => {
        submission.isConfirmed = true
        submission.includedAt = blockNumber
        if (status === 'reverted') submission.failure = 'REVERTED'
      },
      () => {
        submission.failure = 'LOST'
      },
    )
    return submission
  }

  /** Sets aside what has arrived, and forgets, from the first submission on that came to nothing, what has to be posted again. */
  async function review(safe: bigint, { head, derived }: L1Progress): Promise<void> {
    const kept = new Set(txManager.sent())
    submissions = [...arrived.filter(({ last }) => last > safe), ...submissions]
    arrived = arrived.filter(({ last, sent }) => last <= safe && kept.has(sent))
    for (const submission of submissions) {
      const { first, last, sent } = submission
      if (last > safe) continue
      arrived.push(submission)
      metrics.safeSubmissions.inc()
      logger.info({ first, last, nonce: sent.nonce, safe }, 'posted blocks are safe')
    }
    submissions = submissions.filter(({ last }) => last > safe)
    const isPosted = store.inclusionOf(safe)?.transactionHash !== undefined
    if (goal === undefined || safe + 1n < goal || isPosted) goal = safe + 1n
    backOff.aimAt(goal)
    let judged = derived
    for (const [at, submission] of submissions.entries()) {
      const reason = await whyLost(submission, judged)
      // Behind what may be lost itself, others are dropped for that, and would be again.
      if (submission.includedAt === undefined) judged = undefined
      if (reason === undefined) continue
      const { first, last, sent } = submission
      logger.warn({ first, last, nonce: sent.nonce, reason, safe }, 'blocks have to be posted again')
      metrics.repostedRanges.inc({ reason })
      if (reason === 'DROPPED' || reason === 'REVERTED') noteFailure(reason, goal, head)
      // Batches count only on the one before: all that follow come to nothing too.
      submissions = submissions.slice(0, at)
      return
    }
  }

  function noteFailure(reason: 'DROPPED' | 'REVERTED', first: bigint, head: bigint): void {
    const block = store.blockByNumber(first)
    const left = block === undefined ? 0n : leftOfWindow(blockToRef(block), head)
    const { failures, pause } = backOff.failed(first, head, left > 0n ? left : rollup.seqWindowSize)
    if (pause === 0n) return
    logger.error(
      { first, reason, failures, pauseL1Blocks: pause },
      'what is posted keeps coming to nothing; pausing. Where it is dropped, keyroll_derivation_dropped_total says why, ' +
        'where it reverts, the transaction: do SystemConfig, the rollup config and the L1 nodes agree on the batcher, the ' +
        'inbox and the chain? A restart tries again at once',
    )
  }

  async function whyLost(submission: Submission, derived: bigint | undefined): Promise<Loss | undefined> {
    if (store.blockByNumber(submission.last)?.hash !== submission.lastHash) return 'REORGANISED'
    if (submission.failure !== undefined) return submission.failure
    if (derived === undefined || !submission.isConfirmed) return undefined
    if ((submission.includedAt ?? 0n) > derived) return undefined
    // Derivation has read the L1 block in which it was, and its blocks are not safe: they were dropped, unless a reorg has moved
    // it to another block. Should L1 have moved on from what derivation read, it is posted twice, which does no harm.
    const receipt = await submission.sent.findReceipt()
    submission.includedAt = receipt?.blockNumber
    if (receipt !== undefined) return receipt.blockNumber <= derived ? 'DROPPED' : undefined
    return txManager.sent().includes(submission.sent) ? undefined : 'LOST'
  }

  /** Chooses what to post next and in which form; undefined while nothing is due, or that form has to wait. */
  async function plan(first: bigint, last: bigint, l1: L1Progress): Promise<Plan | undefined> {
    const { dataAvailability } = options
    const usual = dataAvailability === 'auto' ? (chooser.current() ?? 'calldata') : dataAvailability
    const channels = packChannels(store, first, last, rooms[usual])
    const begin = channels[0]
    if (begin === undefined || !isDue(usual, channels, begin, l1)) return undefined
    const kind = dataAvailability === 'auto' ? await choose(first, last, l1.head) : dataAvailability
    const waiting = txManager.waitingKind()
    if (waiting === undefined || waiting === kind) return inForm(kind, usual, channels)
    // Nodes take no transactions of two kinds from one account: the other kind waits until these are in blocks, unless
    // there is no time left.
    return isUrgent(begin, l1.head) ? inForm(waiting, usual, channels) : undefined

    function inForm(wanted: TransactionKind, packed: TransactionKind, already: readonly ChannelOut[]): Plan {
      const fits = wanted === packed ? already : packChannels(store, first, last, rooms[wanted])
      return { kind: wanted, channels: fits }
    }
  }

  async function choose(first: bigint, last: bigint, head: bigint): Promise<TransactionKind> {
    const prices = await gasPrices()
    const inBlobs = packChannels(store, first, last, rooms.blobs)
    // The same blocks, in as many transactions as they take.
    const end = inBlobs.at(-1)?.last.number ?? last
    const inCalldata = packChannels(store, first, end, { ...rooms.calldata, maxChannels: Infinity })
    const costs = {
      calldata: calldataCost(
        inCalldata.map(({ data }) => data),
        prices,
      ),
      blobs: blobsCost(inBlobs.length, prices),
    }
    metrics.batchCost.set({ kind: 'calldata' }, toGwei(costs.calldata))
    if (costs.blobs !== undefined) metrics.batchCost.set({ kind: 'blobs' }, toGwei(costs.blobs))
    const before = chooser.current()
    const kind = chooser.choose(costs, head)
    if (kind !== before) logger.info({ kind, ...costs, first, last: end }, 'chose what to post batches in')
    return kind
  }

  function isDue(
    kind: TransactionKind,
    channels: readonly ChannelOut[],
    { first }: ChannelOut,
    { head, derived }: L1Progress,
  ): boolean {
    // L1's head may have been said too high, or go back.
    const since = open?.first === first.number ? minimum(open.since, head) : head
    open = { first: first.number, since }
    if (isUrgent({ first }, head)) return true
    // L1 may hold more of these blocks than derivation has read again.
    if (derived === undefined) return false
    const isFull = channels.length === rooms[kind].maxChannels && channels.at(-1)?.isFull === true
    return isFull || head - since >= options.maxChannelDuration
  }

  function isUrgent({ first }: Pick<ChannelOut, 'first'>, head: bigint): boolean {
    return leftOfWindow(first, head) <= windowMargin
  }

  function leftOfWindow({ l1Origin }: Pick<BlockRef, 'l1Origin'>, head: bigint): bigint {
    return l1Origin.number + rollup.seqWindowSize - head
  }

  async function post({ kind, channels }: Plan): Promise<void> {
    const [begin, end] = [channels[0], channels.at(-1)]
    if (begin === undefined || end === undefined) return
    const range: Range = { first: begin.first.number, last: end.last.number, lastHash: end.last.hash }
    const data = kind === 'calldata' ? begin.data : new Uint8Array()
    const request: TransactionRequest = {
      to: rollup.batchInboxAddress,
      reference: rangeToReference(range),
      data,
      ...(kind === 'blobs' && { blobs: channels.map((channel) => encodeBlob(channel.data)) }),
      minGas: submissionGas(data),
    }
    const sent = await txManager.send(request)
    submissions.push(follow(sent, range))
    open = undefined
    const { first, last } = range
    const bytes = channels.reduce((sum, { data }) => sum + data.length, 0)
    metrics.batchedBlocks.inc(Number(last - first) + 1)
    metrics.batchedBytes.inc({ kind }, bytes)
    logger.info({ first, last, kind, channels: channels.length, bytes, nonce: sent.nonce }, 'posted blocks')
  }

  function hasRoom(): boolean {
    const kind = txManager.waitingKind() ?? 'calldata'
    const underWay = submissions.filter(({ includedAt }) => includedAt === undefined).length
    // Those whose blocks are no more wait for a block as well.
    const isPoolFull = kind === 'blobs' && txManager.waitingCount() >= MAX_PENDING_WITH_BLOBS
    return !txManager.isBlocked() && !isPoolFull && underWay < maxPending[kind]
  }

  async function step(): Promise<void> {
    if (!modules.mayPost()) return
    const derived = modules.derivedL1()
    const l1: L1Progress = { head: maximum(derived ?? 0n, modules.seenL1() ?? 0n), derived }
    const { safe, unsafe } = store.heads()
    await review(safe.number, l1)
    if (backOff.isPausing(l1.head)) return
    while (hasRoom()) {
      const next = (submissions.at(-1)?.last ?? safe.number) + 1n
      const planned = await plan(next, unsafe.number, l1)
      if (planned === undefined) return
      try {
        await post(planned)
      } catch (error) {
        if (!(error instanceof TransactionRevertedError)) throw error
        if (error.message !== lastRefusal)
          logger.error(
            { err: error },
            'the batch inbox refuses: is this account the batcher of SystemConfig?',
          )
        lastRefusal = error.message
        return
      }
      lastRefusal = undefined
    }
  }

  return {
    step,
    run: (signal) => repeat(step, { intervalMs: options.pollIntervalMs, signal, logger }),
  }
}

function rangeToReference({ first, last, lastHash }: Range): string {
  return `blocks ${first}-${last} ${lastHash}`
}

function rangeFromReference(reference: string): Range | undefined {
  const match = /^blocks (\d+)-(\d+) (0x[0-9a-f]{64})$/.exec(reference)
  if (match === null) return undefined
  return { first: BigInt(match[1] ?? 0), last: BigInt(match[2] ?? 0), lastHash: match[3] as Hex }
}

function toGwei(wei: bigint): number {
  return Number(wei) / 1e9
}
