import type { Hex } from 'viem'
import type { EngineEvent } from '../../node/index.ts'
import type { SignedPromise } from '../../protocol/index.ts'
import { type Admission, createAdmission, type PoolOptions } from './admission.ts'
import { readKeystoreView } from './KeystoreView.ts'
import { listUnkept, type UnkeptPage } from './listUnkept.ts'
import { createPoolEntry, type PoolEntry } from './PoolEntry.ts'
import type { PoolModules } from './PoolModules.ts'
import type { PromiseSubject } from './PromiseSubject.ts'
import type { Refusal } from './Refusal.ts'
import { type SelectionContext, select } from './select.ts'
import { takeUpPool } from './takeUpPool.ts'
import type { UnkeptPromise } from './UnkeptPromise.ts'

/** Defaults of {@link PoolOptions}. */
export const DEFAULT_POOL_OPTIONS: PoolOptions = {
  promiseBlocks: 10n,
  maxPendingBytes: 64 * 1_048_576,
  maxPendingPerKeystore: 16,
  maxUnfinal: 250_000,
}

/** What became of a submission; `isNew` is false when an earlier promise is given again. */
export type Submission = { ok: true; signed: SignedPromise; isNew: boolean } | { ok: false; refusal: Refusal }

/** What the pool knows of a transaction that it promised and that is not final. */
export type PoolStatus = { stage: PoolEntry['stage']; signed: SignedPromise }

/** Set-configs on their way into blocks: promised once, kept until final, put back when L1 takes a block back. */
export interface Pool {
  /**
   * Checks a raw transaction against the chain and all that is promised, and promises it.
   *
   * Resolves only when the promise and the transaction are on disk.
   *
   * @throws {PromiseLogWriteError} when they cannot be written; nothing is promised any more then.
   */
  submit(raw: Uint8Array): Promise<Submission>
  /** Picks the transactions of the next block in the order of their promises, as many as fit; all of them are valid. */
  select(context: SelectionContext): Uint8Array[]
  /** Finds a promised transaction that is not final; undefined before its promise is on disk. */
  status(hash: Hex): PoolStatus | undefined
  /** Finds by its transaction a promise that was not kept for good. */
  findUnkept(hash: Hex): UnkeptPromise | undefined
  /** Lists promises that were not kept, those first that showed it first, after a cursor of an earlier page. */
  unkept(page: { after: Hex | undefined; limit: number }): Promise<UnkeptPage>
  /** Finds the promise that covers a set-config, whichever bytes it came in. */
  promiseOf(subject: PromiseSubject): SignedPromise | undefined
  /** Follows the chain; give it every event of the engine, in order. */
  handle(event: EngineEvent): void
  /** Resolves when everything handed to the disk is on it. */
  flush(): Promise<void>
  counts(): { transactions: number; bytes: number }
  /** Rejects when the disk or the log has failed; never resolves. */
  readonly failed: Promise<never>
}

/**
 * Opens the pool on its promise log: what was promised before a restart waits again, in the same order.
 *
 * @throws {PoolDamagedError} when the log does not hold what it must.
 */
export async function openPool(modules: PoolModules): Promise<Pool> {
  const { log, logger, metrics } = modules
  const failure = createFailure()
  const { book, follower, sequence } = await takeUpPool(modules, failure.report)
  const admit = createAdmission({ ...modules, book, finalNonce })
  let nextSequence = sequence
  if (book.live().length > 0)
    logger.info({ transactions: book.live().length }, 'promised transactions wait for a block')

  function finalNonce(id: Hex): bigint {
    const { store } = modules
    const final = store.blockByHash(store.heads().finalized.hash)
    return final === undefined ? 0n : readKeystoreView(store, final.header.withdrawalsRoot, id).nonce
  }

  function take({ candidate, previous, signed, isNew }: Extract<Admission, { verdict: 'take' }>): PoolEntry {
    const { tx, hash, subject } = candidate
    const record = { sequence: nextSequence++, previous, raw: candidate.raw.slice() }
    // The same bytes, which were impossible for a while.
    const replaced = book.find(hash)?.sequence
    const durable = log.append(record, isNew ? signed : undefined, replaced)
    const { configHash: nextHash } = subject
    const context = { promise: signed, configHash: nextHash, durable, stage: { name: 'writing' } } as const
    const entry = createPoolEntry(record, { tx, hash }, context)
    book.add(entry)
    durable.then(() => {
      entry.isDurable = true
      if (entry.stage.name === 'writing') entry.stage = { name: 'queued' }
      // What is in memory and what is on disk differ from here on: nothing more may be promised.
    }, failure.report)
    return entry
  }

  return {
    failed: failure.failed,
    async submit(raw) {
      failure.throwIfFailed()
      const admission = admit(raw)
      if (admission.verdict === 'refuse') {
        await admission.after
        metrics.submissions.inc({ outcome: admission.refusal.reason })
        return { ok: false, refusal: admission.refusal }
      }
      const isNew = admission.verdict === 'take' && admission.isNew
      await (admission.verdict === 'take' ? take(admission).durable : admission.after)
      metrics.submissions.inc({ outcome: isNew ? 'PROMISED' : 'KNOWN' })
      return { ok: true, signed: admission.signed, isNew }
    },
    select: (context) => select(book, context),
    status(hash) {
      const entry = book.find(hash)
      return entry?.isDurable ? { stage: entry.stage, signed: entry.promise } : undefined
    },
    findUnkept: (hash) => log.findUnkept(hash),
    unkept: (page) => listUnkept((from) => log.unkept(from), book.unkept(), page),
    promiseOf: (subject) => log.find(subject),
    handle(event) {
      try {
        follower.handle(event)
      } catch (error) {
        failure.report(error)
      }
    },
    flush: () => log.flush(),
    counts: () => ({ transactions: book.live().length, bytes: book.liveBytes() }),
  }
}

/** Remembers the first failure, and tells everybody. */
function createFailure() {
  let first: { error: unknown } | undefined
  let reject: (error: unknown) => void = () => undefined
  const failed = new Promise<never>((_, rejectFailed) => {
    reject = rejectFailed
  })
  failed.catch(() => undefined)
  return {
    failed,
    report(error: unknown): void {
      first ??= { error }
      reject(error)
    },
    throwIfFailed(): void {
      if (first !== undefined) throw first.error
    },
  }
}
