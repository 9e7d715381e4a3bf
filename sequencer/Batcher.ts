import type { Hex } from 'viem'
import type { ChainStore, Logger } from '../node/index.ts'
import type { RollupConfig } from '../protocol/index.ts'
import { type ChannelOut, packChannel } from './channelOut.ts'
import { TransactionRevertedError } from './L1Sender.ts'
import { repeat } from './loop.ts'
import type { SequencerMetrics } from './metrics.ts'
import type { SentTransaction, TxManager } from './TxManager.ts'

/** Options of a {@link Batcher}. */
export type BatcherOptions = {
  /** Most bytes of calldata in one L1 transaction, of which nodes take at most 131,072 in all; a larger block goes alone. */
  maxDataBytes: number
  /** L1 blocks that blocks may wait for others to share a transaction with; 0 posts them at once. */
  maxChannelDuration: bigint
  /** L1 blocks before the end of the sequencing window at which blocks are posted whatever they share; at most half of it. */
  windowMargin: bigint
  /** L1 transactions without a receipt at a time. */
  maxPending: number
  pollIntervalMs: number
}

/** Defaults of {@link BatcherOptions}. */
export const DEFAULT_BATCHER_OPTIONS: BatcherOptions = {
  maxDataBytes: 120_000,
  maxChannelDuration: 10n,
  windowMargin: 100n,
  maxPending: 8,
  pollIntervalMs: 1_000,
}

/** What a {@link Batcher} is made of. */
export type BatcherModules = {
  store: Pick<ChainStore, 'heads' | 'blockByNumber'>
  rollup: RollupConfig
  txManager: TxManager
  /** Number of the newest L1 block whose data are all in the safe chain; undefined until L1 has once been read to its head. */
  derivedL1: () => bigint | undefined
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
  nonce: bigint
  /** L1 block of the receipt. */
  includedAt: bigint | undefined
  isFailed: boolean
}

/**
 * Makes a batcher. It keeps nothing on disk of its own: which blocks are on their way, the transactions' references say,
 * and which have arrived, the safe head.
 */
export function createBatcher(modules: BatcherModules): Batcher {
  const { store, rollup, txManager, derivedL1, options, metrics } = modules
  const logger = modules.logger.child({ part: 'batcher' })
  const windowMargin = minimum(options.windowMargin, rollup.seqWindowSize / 2n)
  let submissions = txManager.sent().flatMap((sent) => {
    const range = rangeFromReference(sent.reference)
    return range === undefined ? [] : [follow(sent, range)]
  })
  /** The first block that waits for others, and the L1 block at which it began to. */
  let open: { first: bigint; since: bigint } | undefined

  function follow(sent: SentTransaction, range: Range): Submission {
    const submission: Submission = { ...range, nonce: sent.nonce, includedAt: undefined, isFailed: false }
    sent.confirmed.then(
      ({ status, blockNumber }) => {
        submission.includedAt = blockNumber
        submission.isFailed = status === 'reverted'
      },
      () => {
        submission.isFailed = true
      },
    )
    return submission
  }

  /** Forgets what has arrived, and, from the first submission on that came to nothing, what has to be posted again. */
  function review(safe: bigint, derived: bigint): void {
    submissions = submissions.filter(({ last }) => last > safe)
    const at = submissions.findIndex((submission) => whyLost(submission, derived) !== undefined)
    const lost = submissions[at]
    if (lost === undefined) return
    const reason = whyLost(lost, derived) ?? 'DROPPED'
    const { first, last, nonce } = lost
    logger.warn({ first, last, nonce, reason, safe }, 'blocks have to be posted again')
    metrics.repostedRanges.inc({ reason })
    // Batches count only on the one before: all that follow come to nothing too.
    submissions = submissions.slice(0, at)
  }

  function whyLost(
    submission: Submission,
    derived: bigint,
  ): 'REORGANISED' | 'REVERTED' | 'DROPPED' | undefined {
    if (store.blockByNumber(submission.last)?.hash !== submission.lastHash) return 'REORGANISED'
    if (submission.isFailed) return 'REVERTED'
    if (submission.includedAt !== undefined && submission.includedAt <= derived) return 'DROPPED'
    return undefined
  }

  function isDue({ first, isFull }: ChannelOut, derived: bigint): boolean {
    if (open?.first !== first.number) open = { first: first.number, since: derived }
    if (isFull || derived - open.since >= options.maxChannelDuration) return true
    return first.l1Origin.number + rollup.seqWindowSize <= derived + windowMargin
  }

  async function post({ first, last, data }: ChannelOut): Promise<void> {
    const range: Range = { first: first.number, last: last.number, lastHash: last.hash }
    const to = rollup.batchInboxAddress
    const sent = await txManager.send({ to, data, reference: rangeToReference(range) })
    submissions.push(follow(sent, range))
    open = undefined
    const blocks = Number(range.last - range.first) + 1
    metrics.batchedBlocks.inc(blocks)
    metrics.batchedBytes.inc(data.length)
    logger.info(
      { first: range.first, last: range.last, bytes: data.length, nonce: sent.nonce },
      'posted blocks',
    )
  }

  async function step(): Promise<void> {
    const derived = derivedL1()
    if (derived === undefined) return
    const { safe, unsafe } = store.heads()
    review(safe.number, derived)
    while (submissions.filter(({ includedAt }) => includedAt === undefined).length < options.maxPending) {
      const next = (submissions.at(-1)?.last ?? safe.number) + 1n
      const channel = packChannel(store, next, unsafe.number, options.maxDataBytes)
      if (channel === undefined || !isDue(channel, derived)) return
      try {
        await post(channel)
      } catch (error) {
        if (!(error instanceof TransactionRevertedError)) throw error
        logger.error({ err: error }, 'the batch inbox refuses: is this account the batcher of SystemConfig?')
        return
      }
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

function minimum(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}
