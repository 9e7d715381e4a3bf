import type { Hex } from 'viem'
import {
  type BlockRef,
  type ChainStore,
  type EngineEvent,
  type ExecutedBlock,
  type Logger,
  signedPromiseToJson,
} from '../node/index.ts'
import {
  configHash,
  decodeSetConfig,
  KeyrollError,
  keccakHex,
  MAX_BLOCK_BYTES,
  type RollupConfig,
  SET_CONFIG_TX_TYPE,
  type SetConfig,
  type SignatureVerifier,
  type SignedPromise,
  validateSetConfig,
} from '../protocol/index.ts'
import { createGroupCommit } from './GroupCommit.ts'
import { createKeystoreQueue, type KeystoreQueue } from './KeystoreQueue.ts'
import { advance, judge, type KeystoreView, readKeystoreView } from './KeystoreView.ts'
import type { SequencerMetrics } from './metrics.ts'
import { bySequence, createPoolEntry, type DisplacedReason, isLive, type PoolEntry } from './PoolEntry.ts'
import type { PromiseLog, PromiseSubject, QueueRecord } from './PromiseLog.ts'
import type { PromiseSigner } from './PromiseSigner.ts'
import { invalidRefusal, type Refusal } from './Refusal.ts'

/** Limits of a {@link Pool}. */
export type PoolOptions = {
  /** Blocks after the head by which a promised transaction is in one, when nothing else waits; a backlog adds to it. */
  promiseBlocks: bigint
  maxPendingBytes: number
  maxPendingPerKeystore: number
}

/** Defaults of {@link PoolOptions}. */
export const DEFAULT_POOL_OPTIONS: PoolOptions = {
  promiseBlocks: 10n,
  maxPendingBytes: 64 * 1_048_576,
  maxPendingPerKeystore: 16,
}

/** What a {@link Pool} is made of. */
export type PoolModules = {
  store: Pick<ChainStore, 'node' | 'config' | 'heads' | 'blockByHash' | 'transaction'>
  rollup: RollupConfig
  verify: SignatureVerifier
  log: PromiseLog
  signer: PromiseSigner
  /** Says why no promise may be signed now; undefined when one may. */
  whyNot: () => Refusal | undefined
  options: PoolOptions
  logger: Logger
  metrics: SequencerMetrics
}

/** What became of a submission; `isNew` is false when an earlier promise is given again. */
export type Submission = { ok: true; signed: SignedPromise; isNew: boolean } | { ok: false; refusal: Refusal }

/** What the pool knows of a transaction that it promised and that is not final. */
export type PoolStatus = { stage: PoolEntry['stage']; signed: SignedPromise }

/** The state in which a block's set-configs begin: after its deposits. */
export type SelectionContext = {
  /** The block's parent; nothing is selected when the pool is not there. */
  parent: BlockRef
  /** Seconds. */
  timestamp: bigint
  /** The keystores that the block's deposits changed, as they are after them. */
  changed: ReadonlyMap<Hex, KeystoreView>
}

/** Set-configs on their way into blocks: promised once, kept until final, put back when L1 takes a block back. */
export interface Pool {
  /**
   * Checks a raw transaction against the chain and all that is promised, and promises it.
   *
   * Resolves only when the promise and the transaction are on disk.
   *
   * @throws {PoolFailedError} when they cannot be written; nothing is promised any more then.
   */
  submit(raw: Uint8Array): Promise<Submission>
  /** Picks the transactions of the next block in the order of their promises, as many as fit; all of them are valid. */
  select(context: SelectionContext): Uint8Array[]
  status(hash: Hex): PoolStatus | undefined
  /** Finds the promise that covers a set-config, whichever bytes it came in. */
  promiseOf(subject: PromiseSubject): SignedPromise | undefined
  /** Follows the chain; give it every event of the engine, in order. */
  handle(event: EngineEvent): void
  /** Resolves when everything handed to the disk is on it. */
  flush(): Promise<void>
  counts(): { transactions: number; bytes: number }
  /** Rejects with `PoolFailedError` when the disk fails; never resolves. */
  readonly failed: Promise<never>
}

/**
 * Opens the pool on its promise log: what was promised before a restart waits again, in the same order.
 */
export async function openPool(modules: PoolModules): Promise<Pool> {
  const { store, rollup, verify, log, signer, whyNot, options, metrics, logger } = modules
  const commit = createGroupCommit(async (writes) => {
    const stopped = metrics.commitSeconds.startTimer()
    await log.write(writes)
    stopped()
  })
  const entries = new Map<Hex, PoolEntry>()
  const queues = new Map<Hex, KeystoreQueue>()
  /** By keystore, what is displaced and not final. */
  const displaced = new Map<Hex, readonly PoolEntry[]>()
  let live: PoolEntry[] = []
  let pendingBytes = 0
  let head = store.heads().unsafe
  let keystoreRoot = keystoreRootOf(head)
  let nextSequence = 0n
  let failure: PoolFailedError | undefined
  let reportFailure: (error: PoolFailedError) => void = () => undefined
  const failed = new Promise<never>((_, reject) => {
    reportFailure = reject
  })
  failed.catch(() => undefined)

  function keystoreRootOf(ref: BlockRef): Hex {
    const block = store.blockByHash(ref.hash)
    if (block === undefined) throw new PoolFailedError(`block ${ref.number} is not in the store`)
    return block.header.withdrawalsRoot
  }

  function readView(id: Hex): KeystoreView {
    return readKeystoreView(store, keystoreRoot, id)
  }

  function queueOf(id: Hex): KeystoreQueue {
    return queues.get(id) ?? createKeystoreQueue(() => readView(id))
  }

  function nextTimestamp(): bigint {
    return head.timestamp + rollup.blockTime
  }

  // Admission.

  type Admission =
    | { refusal: Refusal }
    | { signed: SignedPromise; isNew: boolean; durable: Promise<void> | undefined }

  function admit(raw: Uint8Array): Admission {
    const decoded = decodeSetConfig(raw, rollup.l2ChainId)
    if (!decoded.ok) return { refusal: undecodable(decoded.reason) }
    const { tx, hash } = decoded
    const subject = { id: tx.id, kind: tx.kind, nonce: tx.next.nonce, configHash: configHash(tx.next) }
    const queue = queueOf(tx.id)
    const earlier = findPromise(subject, queue)
    if (earlier !== undefined && earlier.signed.promise.configHash !== subject.configHash) {
      return {
        refusal: conflict(earlier.signed, 'another config is promised for this keystore at this nonce'),
      }
    }
    if (earlier !== undefined && !mayBeRenewed(earlier, queue)) {
      return { signed: earlier.signed, isNew: false, durable: earlier.entry?.durable }
    }
    const refusal =
      whyNot() ??
      whyFull(raw, queue) ??
      validate(tx, subject.configHash, queue) ??
      (earlier === undefined ? whyUndermining(subject, queue) : undefined)
    if (refusal !== undefined) return { refusal }
    return accept({ raw, tx, hash }, subject, queue, earlier?.signed)
  }

  function findPromise(subject: PromiseSubject, queue: KeystoreQueue) {
    const shares = (entry: PoolEntry) =>
      entry.nonce === subject.nonce &&
      (subject.kind === 1 ? entry.kind === 1 && entry.configHash === subject.configHash : entry.kind !== 1)
    // What is still being written is only here.
    const waiting = queue.entries.find(shares)
    if (waiting !== undefined) return { signed: waiting.promise, entry: waiting }
    const signed = log.find(subject)
    return signed && { signed, entry: entries.get(signed.promise.txHash) }
  }

  /** A promise whose transaction became impossible may be kept by other bytes of the same config. */
  function mayBeRenewed(
    { signed, entry }: { signed: SignedPromise; entry: PoolEntry | undefined },
    queue: KeystoreQueue,
  ): boolean {
    const { kind, nonce } = signed.promise
    if (nonce <= queue.base().nonce) return false
    if (entry !== undefined) return entry.stage.name === 'displaced'
    // The pool forgets what is final: of kinds 0 and 2 the state shows whether it took effect.
    return kind !== 1
  }

  /** A reorg can bring back what a block took away: nothing may be promised that would then stand against an older promise. */
  function whyUndermining(subject: PromiseSubject, queue: KeystoreQueue): Refusal | undefined {
    if (subject.kind === 1) return undefined
    const next = queue.entries.find(({ kind, nonce }) => kind !== 2 && nonce === subject.nonce + 1n)
    if (next !== undefined && next.previous !== subject.configHash) {
      return conflict(
        next.promise,
        'a config is promised at the next nonce that builds on another one at this nonce',
      )
    }
    const overtaken = displaced.get(subject.id)?.find(({ kind }) => kind !== 1)
    if (overtaken === undefined) return undefined
    return conflict(overtaken.promise, 'a deposit overtook a promise and is not final; try again when it is')
  }

  function whyFull(raw: Uint8Array, queue: KeystoreQueue): Refusal | undefined {
    if (pendingBytes + raw.length > options.maxPendingBytes) {
      const details = { pendingBytes, maxPendingBytes: options.maxPendingBytes }
      return { reason: 'POOL_FULL', message: 'too much is waiting for a block; try again later', details }
    }
    if (queue.entries.length < options.maxPendingPerKeystore) return undefined
    const details = { pending: queue.entries.length, maxPending: options.maxPendingPerKeystore }
    const message = 'too many configs of this keystore are waiting for a block; try again later'
    return { reason: 'KEYSTORE_QUEUE_FULL', message, details }
  }

  function validate(tx: SetConfig, nextHash: Hex, queue: KeystoreQueue): Refusal | undefined {
    const view = queue.tip()
    const current = view.config ?? tx.initial
    if (current === undefined) {
      const message = 'this keystore is unknown: start with nonce 1 and its initial config'
      return { reason: 'INITIAL_CONFIG_REQUIRED', message }
    }
    const reason = validateSetConfig({
      tx,
      current,
      recovery: view.recovery,
      timestamp: nextTimestamp(),
      rollup,
      verify,
      hashes: { current: view.configHash, next: nextHash },
    })
    if (reason === undefined) return undefined
    const isNonce = reason === 'NONCE_TOO_LOW' || reason === 'NONCE_TOO_HIGH'
    const expected = `0x${(view.nonce + 1n).toString(16)}`
    return invalidRefusal(reason, isNonce ? { expectedNonce: expected } : undefined)
  }

  function accept(
    { raw, tx, hash }: { raw: Uint8Array; tx: SetConfig; hash: Hex },
    subject: PromiseSubject,
    queue: KeystoreQueue,
    earlier: SignedPromise | undefined,
  ): Admission {
    const backlog = BigInt(Math.floor(pendingBytes / MAX_BLOCK_BYTES))
    const byBlock = head.number + options.promiseBlocks + backlog
    const signed = earlier ?? signer.sign({ ...subject, txHash: hash, byBlock })
    const record: QueueRecord = {
      sequence: nextSequence++,
      previous: queue.tip().configHash,
      raw: raw.slice(),
    }
    // Promise and transaction in one atomic write: neither is ever found without the other.
    const durable = commit([
      ...(earlier === undefined ? log.promiseWrites(signed) : []),
      ...log.queueWrites(record),
    ])
    const entry = createPoolEntry(
      record,
      { tx, hash },
      {
        promise: signed,
        configHash: subject.configHash,
        durable,
        stage: { name: 'writing' },
      },
    )
    addLive(entry, queue)
    durable.then(
      () => {
        if (entry.stage.name === 'writing') entry.stage = { name: 'queued' }
      },
      (cause: unknown) => {
        // What is in memory and what is on disk differ from here on: nothing more may be promised.
        failure ??= new PoolFailedError('the promise log cannot be written', { cause })
        reportFailure(failure)
      },
    )
    return { signed, isNew: earlier === undefined, durable }
  }

  function addLive(entry: PoolEntry, queue: KeystoreQueue): void {
    entries.set(entry.hash, entry)
    live.push(entry)
    queue.add(entry)
    queues.set(entry.id, queue)
    pendingBytes += entry.size
    measure()
  }

  function removeLive(entry: PoolEntry): void {
    const queue = queues.get(entry.id)
    queue?.remove(entry)
    if (queue?.entries.length === 0) queues.delete(entry.id)
    pendingBytes -= entry.size
  }

  // Following the chain.

  function handleBlock(ref: BlockRef, { block, receipts }: ExecutedBlock): void {
    head = ref
    keystoreRoot = block.header.withdrawalsRoot
    for (const [i, raw] of block.transactions.entries()) {
      if (raw[0] !== SET_CONFIG_TX_TYPE) continue
      const entry = entries.get(keccakHex(raw))
      const isValid = receipts[i]?.status === 1
      if (entry === undefined) {
        if (isValid) checkForeign(raw)
      } else if (isLive(entry)) include(entry, ref, isValid)
      else if (isValid) {
        restore(entry)
        entry.stage = { name: 'included', blockNumber: ref.number }
      }
    }
    // Every change of a keystore has a log whose second topic is its id.
    const changed = new Set(receipts.flatMap(({ logs }) => logs.map(({ topics }) => topics[1])))
    for (const id of changed) {
      const queue = id && queues.get(id)
      if (!queue) continue
      queue.invalidate()
      displaceImpossible(queue)
    }
    live = live.filter(isLive)
    reportOverdue()
    measure()
  }

  function include(entry: PoolEntry, ref: BlockRef, isValid: boolean): void {
    removeLive(entry)
    entry.body = undefined
    entry.stage = { name: 'included', blockNumber: ref.number }
    if (!isValid) displace(entry, 'INVALID_IN_BLOCK')
  }

  /** A set-config that this log knows nothing of means that the signer promised elsewhere, or that the log is an old copy. */
  function checkForeign(raw: Uint8Array): void {
    const { active, lost } = log.state()
    if (active === undefined) return
    const decoded = decodeSetConfig(raw, rollup.l2ChainId)
    if (!decoded.ok || decoded.tx.kind === 1) return
    const { id, kind, next } = decoded.tx
    const found = log.find({ id, kind, nonce: next.nonce, configHash: configHash(next) })
    if (found?.promise.configHash === configHash(next)) return
    logger.error(
      { id, nonce: next.nonce, hash: decoded.hash, signer: active },
      'a block holds a set-config that is not in the promise log: this signer promises nothing more',
    )
    log.setState({ active: undefined, lost: [...lost, active] }).catch(fail)
  }

  function displaceImpossible(queue: KeystoreQueue): void {
    const lostConfigs = new Set<Hex>()
    let view = queue.base()
    for (const entry of queue.entries) {
      const judgement = judge(view, entry, nextTimestamp())
      const isOrphan =
        entry.kind !== 2 && lostConfigs.has(entry.previous) && entry.previous !== view.configHash
      if (judgement.verdict === 'ready' && entry.body !== undefined) {
        view = advance(view, { ...entry, ...entry.body }, nextTimestamp())
      } else if (judgement.verdict === 'impossible' || isOrphan) {
        lostConfigs.add(entry.configHash)
        removeLive(entry)
        displace(entry, judgement.verdict === 'impossible' ? judgement.reason : 'PREDECESSOR_REPLACED')
      }
    }
  }

  function displace(entry: PoolEntry, reason: DisplacedReason): void {
    entry.body = undefined
    entry.stage = { name: 'displaced', blockNumber: head.number, reason }
    displaced.set(entry.id, [...(displaced.get(entry.id) ?? []), entry])
    metrics.displaced.inc({ reason })
    const { id, nonce, hash, promise } = entry
    const log = { id, nonce, hash, reason, byBlock: promise.promise.byBlock, head: head.number }
    // Even this is the state's doing: a deposit took the nonce, which makes the promise void.
    logger.warn(log, 'a promised transaction can no longer take effect')
  }

  function handleRewind(unsafe: BlockRef): void {
    head = unsafe
    keystoreRoot = keystoreRootOf(head)
    const returned = [...entries.values()].filter(
      ({ stage }) =>
        (stage.name === 'included' || stage.name === 'displaced') && stage.blockNumber > head.number,
    )
    for (const queue of queues.values()) queue.invalidate()
    for (const entry of returned.sort(bySequence)) requeue(entry)
    // In the order of their promises, whatever was in which block.
    live = live.filter(isLive).sort(bySequence)
    for (const queue of [...queues.values()]) displaceImpossible(queue)
    live = live.filter(isLive)
    if (returned.length > 0) {
      const waiting = returned.filter(isLive).length
      metrics.resequenced.inc(waiting)
      logger.warn(
        { head: head.number, returned: returned.length, waiting },
        'L1 took blocks back; sequencing again',
      )
    }
    measure()
  }

  /** Forgets that an entry was displaced. */
  function restore(entry: PoolEntry): void {
    const others = displaced.get(entry.id)?.filter((other) => other !== entry) ?? []
    if (others.length === 0) displaced.delete(entry.id)
    else displaced.set(entry.id, others)
  }

  function requeue(entry: PoolEntry): void {
    restore(entry)
    const record = log.queued(entry.sequence)
    const decoded = record && decodeSetConfig(record.raw, rollup.l2ChainId)
    if (record === undefined || !decoded?.ok) {
      fail(new PoolFailedError(`promised transaction ${entry.hash} is not in the promise log`))
      return
    }
    entry.body = { raw: record.raw, initial: decoded.tx.initial, next: decoded.tx.next }
    entry.stage = { name: 'queued' }
    addLive(entry, queueOf(entry.id))
  }

  function handleFinalized(finalized: BlockRef): void {
    for (const entry of live.filter(({ promise }) => promise.promise.byBlock < finalized.number)) {
      // What it waits for did not come in time, and no reorg can bring it any more.
      const judgement = judge(queueOf(entry.id).base(), entry, nextTimestamp())
      if (judgement.verdict !== 'wait') continue
      removeLive(entry)
      displace(entry, judgement.reason)
      entry.stage = { name: 'displaced', blockNumber: finalized.number, reason: judgement.reason }
    }
    live = live.filter(isLive)
    const final = [...entries.values()].filter(
      ({ stage }) =>
        (stage.name === 'included' || stage.name === 'displaced') && stage.blockNumber <= finalized.number,
    )
    for (const entry of final) {
      entries.delete(entry.hash)
      restore(entry)
    }
    if (final.length > 0) commit(log.dropWrites(final.map(({ sequence }) => sequence))).catch(fail)
    measure()
  }

  function reportOverdue(): void {
    const overdue = live.filter(({ promise }) => promise.promise.byBlock < head.number)
    metrics.overdue.set(overdue.length)
    for (const entry of overdue) {
      if (entry.isReportedOverdue) continue
      entry.isReportedOverdue = true
      const { id, nonce, hash, promise } = entry
      logger.error({ id, nonce, hash, byBlock: promise.promise.byBlock }, 'a promise is overdue')
    }
  }

  function fail(cause: unknown): void {
    failure ??=
      cause instanceof PoolFailedError ? cause : new PoolFailedError('the promise log failed', { cause })
    reportFailure(failure)
  }

  function measure(): void {
    metrics.pending.set(live.length)
    metrics.pendingBytes.set(pendingBytes)
  }

  // Taking up what was promised before a restart.

  const settled: bigint[] = []
  for await (const record of log.queue()) {
    nextSequence = record.sequence + 1n
    const decoded = decodeSetConfig(record.raw, rollup.l2ChainId)
    if (!decoded.ok) throw new PoolFailedError(`promised transaction ${record.sequence} does not decode`)
    const { tx, hash } = decoded
    const subject = { id: tx.id, kind: tx.kind, nonce: tx.next.nonce, configHash: configHash(tx.next) }
    const promise = log.find(subject)
    if (promise === undefined)
      throw new PoolFailedError(`transaction ${hash} is in the promise log without promise`)
    const location = store.transaction(hash)
    if (location !== undefined && location.blockNumber <= store.heads().finalized.number) {
      settled.push(record.sequence)
      continue
    }
    const { configHash: nextHash } = subject
    const entry = createPoolEntry(record, decoded, {
      promise,
      configHash: nextHash,
      durable: Promise.resolve(),
      stage:
        location === undefined ? { name: 'queued' } : { name: 'included', blockNumber: location.blockNumber },
    })
    if (location === undefined) addLive(entry, queueOf(entry.id))
    else {
      entry.body = undefined
      entries.set(hash, entry)
    }
  }
  if (settled.length > 0) await commit(log.dropWrites(settled))
  for (const queue of [...queues.values()]) displaceImpossible(queue)
  live = live.filter(isLive)
  reportOverdue()
  measure()
  if (live.length > 0) logger.info({ transactions: live.length }, 'promised transactions wait for a block')

  return {
    failed,
    async submit(raw) {
      if (failure !== undefined) throw failure
      const admission = admit(raw)
      if ('refusal' in admission) {
        metrics.submissions.inc({ outcome: admission.refusal.reason })
        return { ok: false, refusal: admission.refusal }
      }
      const { signed, isNew, durable } = admission
      try {
        await durable
      } catch (cause) {
        throw failure ?? new PoolFailedError('the promise log cannot be written', { cause })
      }
      metrics.submissions.inc({ outcome: isNew ? 'PROMISED' : 'KNOWN' })
      return { ok: true, signed, isNew }
    },
    select({ parent, timestamp, changed }) {
      if (parent.hash !== head.hash) return []
      const selected: Uint8Array[] = []
      const views = new Map(changed)
      let bytes = 0
      for (const entry of live) {
        const { body } = entry
        if (entry.stage.name !== 'queued' || body === undefined) continue
        const view = views.get(entry.id) ?? queueOf(entry.id).base()
        if (judge(view, entry, timestamp).verdict !== 'ready') continue
        // Strictly in order: a smaller one behind does not overtake.
        if (bytes + entry.size > MAX_BLOCK_BYTES) break
        bytes += entry.size
        selected.push(body.raw)
        views.set(entry.id, advance(view, { ...entry, ...body }, timestamp))
      }
      return selected
    },
    status(hash) {
      const entry = entries.get(hash)
      return entry && { stage: entry.stage, signed: entry.promise }
    },
    promiseOf: (subject) => findPromise(subject, queueOf(subject.id))?.signed,
    handle(event) {
      if (event.type === 'unsafe') handleBlock(event.ref, event)
      else if (event.type === 'rewound') handleRewind(event.unsafe)
      else if (event.type === 'finalized') handleFinalized(event.ref)
    },
    flush: () => commit([]),
    counts: () => ({ transactions: live.length, bytes: pendingBytes }),
  }
}

function undecodable(detail: string): Refusal {
  // The one flaw that a wallet makes by forgetting something deserves its own name.
  if (detail === 'INITIAL_MISSING') {
    const message = 'the first update of a keystore carries its initial config'
    return { reason: 'INITIAL_CONFIG_REQUIRED', message, details: { detail } }
  }
  return {
    reason: 'UNDECODABLE',
    message: 'the bytes are not a set-config of this rollup',
    details: { detail },
  }
}

function conflict(signed: SignedPromise, message: string): Refusal {
  return { reason: 'CONFLICT', message, details: signedPromiseToJson(signed) }
}

/** Reports that the promise log does not hold what it must: the process has to end, and a person to look at the disk. */
export class PoolFailedError extends KeyrollError {
  override readonly name = 'PoolFailedError'
}
