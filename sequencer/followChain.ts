import type { Hex } from 'viem'
import type { BlockRef, EngineEvent, ExecutedBlock, Logger } from '../node/index.ts'
import {
  configHash,
  decodeSetConfig,
  keccakHex,
  type RollupConfig,
  SET_CONFIG_TX_TYPE,
} from '../protocol/index.ts'
import { judge } from './KeystoreView.ts'
import type { SequencerMetrics } from './metrics.ts'
import type { PoolBook } from './PoolBook.ts'
import { isLive } from './PoolEntry.ts'
import type { PromiseLog } from './PromiseLog.ts'

/** What following the chain needs. */
export type FollowChainModules = {
  book: PoolBook
  log: PromiseLog
  rollup: Pick<RollupConfig, 'l2ChainId'>
  logger: Logger
  metrics: SequencerMetrics
  /** Hears when the log cannot be written. */
  onFailure: (error: unknown) => void
}

/** Makes the function that keeps the pool's book in step with the chain; it takes every event of the engine, in order. */
export function createChainFollower(modules: FollowChainModules): (event: EngineEvent) => void {
  const { book, log, rollup, logger, metrics, onFailure } = modules

  function handleBlock(ref: BlockRef, { block, receipts }: ExecutedBlock): void {
    const taken = block.transactions.flatMap((raw, i) =>
      raw[0] === SET_CONFIG_TX_TYPE
        ? [{ raw, entry: book.find(keccakHex(raw)), isValid: receipts[i]?.status === 1 }]
        : [],
    )
    for (const { raw, entry, isValid } of taken) {
      if (entry === undefined && isValid) checkForeign(raw)
      else if (entry !== undefined && isValid) book.include(entry, ref.number)
      else if (entry !== undefined && isLive(entry)) book.displace(entry, 'INVALID_IN_BLOCK', ref.number)
    }
    // Every change of a keystore has a log whose second topic is its id.
    const ids = receipts.flatMap(({ logs }) => logs.flatMap(({ topics }) => topics.slice(1, 2)))
    book.extend(ref, new Set<Hex>(ids))
    reportOverdue()
  }

  /** A set-config that this log knows nothing of means that the signer promised elsewhere, or that the log is an old copy. */
  function checkForeign(raw: Uint8Array): void {
    const { active, lost } = log.state()
    const decoded = active === undefined ? undefined : decodeSetConfig(raw, rollup.l2ChainId)
    if (active === undefined || !decoded?.ok || decoded.tx.kind === 1) return
    const { id, kind, next } = decoded.tx
    const subject = { id, kind, nonce: next.nonce, configHash: configHash(next) }
    if (log.find(subject)?.promise.configHash === subject.configHash) return
    logger.error(
      { id, nonce: next.nonce, hash: decoded.hash, signer: active },
      'a block holds a set-config that is not in the promise log: this signer promises nothing more',
    )
    log.setState({ active: undefined, lost: [...lost, active] }).catch(onFailure)
  }

  function handleRewind(unsafe: BlockRef): void {
    const returned = book.rewind(unsafe)
    if (returned.length === 0) return
    const waiting = returned.filter(isLive).length
    metrics.resequenced.inc(waiting)
    const log = { head: unsafe.number, returned: returned.length, waiting }
    logger.warn(log, 'L1 took blocks back; sequencing promised transactions again')
  }

  function handleFinalized({ number }: BlockRef): void {
    for (const entry of book.live().filter(({ promise }) => promise.promise.byBlock < number)) {
      const judgement = judge(book.queueOf(entry.id).base(), entry, book.nextTimestamp())
      // What it waits for did not come in time, and no reorg can bring it any more.
      if (judgement.verdict === 'wait') book.displace(entry, judgement.reason, number)
    }
    const forgotten = book.forget(number)
    if (forgotten.length > 0) log.drop(forgotten.map(({ sequence }) => sequence)).catch(onFailure)
  }

  function reportOverdue(): void {
    const overdue = book.live().filter(({ promise }) => promise.promise.byBlock < book.head().number)
    metrics.overdue.set(overdue.length)
    for (const entry of overdue) {
      if (entry.isReportedOverdue) continue
      entry.isReportedOverdue = true
      const { id, nonce, hash, promise } = entry
      logger.error({ id, nonce, hash, byBlock: promise.promise.byBlock }, 'a promise is overdue')
    }
  }

  return (event) => {
    if (event.type === 'unsafe') handleBlock(event.ref, event)
    else if (event.type === 'rewound') handleRewind(event.unsafe)
    else if (event.type === 'finalized') handleFinalized(event.ref)
  }
}
