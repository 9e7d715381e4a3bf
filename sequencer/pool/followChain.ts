import type { BlockRef, EngineEvent, ExecutedBlock, Logger } from '../../node/index.ts'
import { decodeSetConfig, keccakHex, type RollupConfig, SET_CONFIG_TX_TYPE } from '../../protocol/index.ts'
import type { SequencerMetrics } from '../metrics.ts'
import { keystoreChanges } from './keystoreChanges.ts'
import type { PoolBook } from './PoolBook.ts'
import { isLive, type PoolEntry } from './PoolEntry.ts'
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

/** Keeps the pool's book in step with the chain. */
export interface ChainFollower {
  /** Takes an event of the engine; give it all of them, in order. */
  handle(event: EngineEvent): void
  /** Takes a block that was followed before, by an earlier process. */
  replay(ref: BlockRef, executed: ExecutedBlock): void
  /** Looks for what is not in the log in the newest block, of which an earlier process may have written nothing down. */
  recheck(executed: ExecutedBlock): void
}

/** Makes a follower of the chain. */
export function createChainFollower(modules: FollowChainModules): ChainFollower {
  const { book, log, rollup, logger, metrics, onFailure } = modules

  function recheck(executed: ExecutedBlock): void {
    for (const { raw, isValid } of setConfigsOf(executed)) {
      if (isValid && book.find(keccakHex(raw)) === undefined) checkForeign(raw)
    }
  }

  function handleBlock(ref: BlockRef, executed: ExecutedBlock): void {
    recheck(executed)
    follow(ref, executed)
    reportOverdue()
  }

  function follow(ref: BlockRef, executed: ExecutedBlock): void {
    for (const { raw, isValid } of setConfigsOf(executed)) {
      const entry = book.find(keccakHex(raw))
      // Where it has no effect, as in a batch that somebody else posted too early, it may yet have one in another block.
      if (entry !== undefined && isValid) book.include(entry, ref.number)
    }
    book.extend(ref, keystoreChanges(executed))
  }

  /** A set-config that this log knows nothing of means that the signer promised elsewhere, or that the log is an old copy. */
  function checkForeign(raw: Uint8Array): void {
    const { active, lost } = log.state()
    const decoded = active === undefined ? undefined : decodeSetConfig(raw, rollup.l2ChainId)
    if (active === undefined || !decoded?.ok || decoded.tx.kind === 1) return
    const { id, kind, next } = decoded.tx
    const subject = { id, kind, nonce: next.nonce, configHash: decoded.nextHash }
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
    const isPast = ({ promise }: PoolEntry) => promise.promise.byBlock < number
    for (const id of new Set(
      book
        .live()
        .filter(isPast)
        .map((entry) => entry.id),
    )) {
      for (const { entry, reason } of book.queueOf(id).groundless()) {
        // What it waits for did not come in time, and no reorg can bring it any more.
        if (isPast(entry)) book.displace(entry, reason, number)
      }
    }
    const final = book.forget(number)
    for (const { unkept } of final) {
      if (unkept === undefined) continue
      const { signed, outcome, reason, isVoid } = unkept
      metrics.unkept.inc({ outcome: isVoid ? 'void' : outcome })
      const { id, nonce, txHash, byBlock } = signed.promise
      const about = { id, nonce, txHash, byBlock, outcome, reason, isVoid }
      logger[isVoid ? 'warn' : 'error'](about, 'a promise was not kept, and no reorg can change that')
    }
    if (final.length > 0) log.settle(final).catch(onFailure)
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

  return {
    handle(event) {
      if (event.type === 'unsafe') handleBlock(event.ref, event)
      else if (event.type === 'rewound') handleRewind(event.unsafe)
      else if (event.type === 'finalized') handleFinalized(event.ref)
    },
    replay: follow,
    recheck,
  }
}

function setConfigsOf({ block, receipts }: ExecutedBlock): { raw: Uint8Array; isValid: boolean }[] {
  return block.transactions.flatMap((raw, i) =>
    raw[0] === SET_CONFIG_TX_TYPE ? [{ raw, isValid: receipts[i]?.status === 1 }] : [],
  )
}
