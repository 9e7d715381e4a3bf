import type { Hex } from 'viem'
import type { BlockRef, ChainStore, Logger } from '../../node/index.ts'
import { decodeSetConfig, KeyrollError, type RollupConfig } from '../../protocol/index.ts'
import type { SequencerMetrics } from '../metrics.ts'
import { createKeystoreQueue, type KeystoreQueue } from './KeystoreQueue.ts'
import { judge, readKeystoreView } from './KeystoreView.ts'
import type { KeystoreChange, KeystoreChanges } from './keystoreChanges.ts'
import { byNonce, bySequence, type DisplacedReason, isLive, type PoolEntry } from './PoolEntry.ts'
import type { FinalRecord, PromiseLog } from './PromiseLog.ts'
import type { UnkeptPromise } from './UnkeptPromise.ts'

/**
 * What the pool has in memory: every promised transaction that is not final, where it stands, and the chain's head as far as
 * the pool has followed it. Each method leaves the parts consistent with each other.
 */
export interface PoolBook {
  head(): BlockRef
  /** Seconds; the next block's. */
  nextTimestamp(): bigint
  /** The transactions that wait for a block, in the order of their promises. */
  live(): readonly PoolEntry[]
  liveBytes(): number
  find(hash: Hex): PoolEntry | undefined
  /** What waits of a keystore; empty where nothing does. */
  queueOf(id: Hex): KeystoreQueue
  /** What of a keystore became impossible in a block that is not final. */
  displacedOf(id: Hex): readonly PoolEntry[]
  /** Adds an entry that waits, or that is in a block already, in place of what the book knows of the same bytes. */
  add(entry: PoolEntry): void
  /** Moves on to a child of the head, in which these keystores changed. */
  extend(head: BlockRef, changes: KeystoreChanges): void
  /** Moves back; what is no longer in a block, or no longer impossible, waits again. Returns what was moved. */
  rewind(head: BlockRef): readonly PoolEntry[]
  include(entry: PoolEntry, blockNumber: bigint): void
  displace(entry: PoolEntry, reason: DisplacedReason, blockNumber: bigint): void
  /** Forgets what blocks up to this one have decided for good. Returns what became of it. */
  forget(finalized: bigint): readonly FinalRecord[]
  /** Counts what is in memory. */
  size(): number
  /** Goes through the promises that are not kept as the chain stands, in no order; there may be hundreds of thousands. */
  unkept(): Iterable<UnkeptPromise>
}

/** What a {@link PoolBook} is made of. */
export type PoolBookModules = {
  store: Pick<ChainStore, 'trie' | 'config' | 'blockByHash'>
  rollup: Pick<RollupConfig, 'blockTime' | 'l2ChainId'>
  log: Pick<PromiseLog, 'queued'>
  logger: Logger
  metrics: SequencerMetrics
}

/** Makes an empty book at a block of the chain. */
export function createPoolBook(
  { store, rollup, log, logger, metrics }: PoolBookModules,
  start: BlockRef,
): PoolBook {
  const entries = new Map<Hex, PoolEntry>()
  const queues = new Map<Hex, KeystoreQueue>()
  const displaced = new Map<Hex, readonly PoolEntry[]>()
  /** Of promises whose own transaction became impossible, the one in other bytes that took its place. */
  const renewals = new Map<Hex, PoolEntry>()
  /** In the order of promises; may hold what no longer waits until it is next read. */
  let waiting: PoolEntry[] = []
  let liveCount = 0
  let liveBytes = 0
  let head = start
  let finalNumber = 0n
  let keystoreRoot = rootOf(head)

  function rootOf(ref: BlockRef): Hex {
    const block = store.blockByHash(ref.hash)
    if (block === undefined) throw new PoolDamagedError(`block ${ref.number} is not in the store`)
    return block.header.withdrawalsRoot
  }

  function moveTo(ref: BlockRef): void {
    head = ref
    keystoreRoot = rootOf(ref)
  }

  function queueOf(id: Hex): KeystoreQueue {
    return queues.get(id) ?? createKeystoreQueue(() => readKeystoreView(store, keystoreRoot, id))
  }

  const nextTimestamp = () => head.timestamp + rollup.blockTime

  function enqueue(entry: PoolEntry): void {
    const queue = queueOf(entry.id)
    queue.add(entry)
    queues.set(entry.id, queue)
    waiting.push(entry)
    liveCount++
    liveBytes += entry.size
    measure()
  }

  function live(): readonly PoolEntry[] {
    if (waiting.length !== liveCount) waiting = waiting.filter(isLive)
    return waiting
  }

  /** Takes an entry out of where it stands; whoever calls says where it goes. */
  function detach(entry: PoolEntry): void {
    if (isLive(entry)) {
      const queue = queues.get(entry.id)
      queue?.remove(entry)
      if (queue?.entries.length === 0) queues.delete(entry.id)
      liveCount--
      liveBytes -= entry.size
    } else if (entry.stage.name === 'displaced') {
      const others = displacedIn(entry.id).filter((other) => other !== entry)
      if (others.length === 0) displaced.delete(entry.id)
      else displaced.set(entry.id, others)
    }
  }

  function displacedIn(id: Hex): readonly PoolEntry[] {
    return displaced.get(id) ?? []
  }

  function displace(entry: PoolEntry, reason: DisplacedReason, blockNumber: bigint): void {
    detach(entry)
    entry.body = undefined
    entry.stage = { name: 'displaced', blockNumber, reason }
    displaced.set(entry.id, [...displacedIn(entry.id), entry])
    metrics.displaced.inc({ reason })
    measure()
    const { id, nonce, hash, promise } = entry
    const isVoid = entry.voidedAt !== undefined
    const level = reason === 'SAME_CONFIG' ? 'info' : isVoid ? 'warn' : 'error'
    logger[level](
      { id, nonce, hash, reason, isVoid, byBlock: promise.promise.byBlock, block: blockNumber },
      'a promised transaction can no longer take effect',
    )
  }

  /** Remembers which promises of a keystore the newest block's deposits made void (protocol.md §8), impossible before or not. */
  function markVoid(id: Hex, changes: readonly KeystoreChange[]): void {
    const voided = new Set<Hex>()
    const open = [...(queues.get(id)?.entries ?? []), ...displacedIn(id)].sort(byNonce)
    for (const entry of open) {
      const isAgainst = changes.some((change) => change.isDeposit && voids(change, entry))
      if (!isAgainst && !voided.has(entry.previous)) continue
      // On a recovery that is only started nothing builds.
      if (entry.kind !== 1) voided.add(entry.configHash)
      if (head.number <= entry.promise.promise.byBlock) entry.voidedAt ??= head.number
    }
  }

  /** `changes` are what the newest block did to the keystore; without them, it was a rewind that made them impossible. */
  function displaceImpossible(queue: KeystoreQueue, changes: readonly KeystoreChange[] = []): void {
    const lostConfigs = new Set<Hex>()
    const lostRecoveries = new Set<Hex>()
    const view = queue.base()
    /** Whether something that is still to come brings a config, or starts the recovery to it, by other bytes than were lost. */
    const isBrought = (configHash: Hex, asRecovery: boolean) =>
      queue.entries.some((other) => other.configHash === configHash && (other.kind === 1) === asRecovery)
    for (const entry of queue.entries) {
      // By the chain alone: what stands before it in the queue may itself never take effect.
      const judgement = judge(view, entry, nextTimestamp())
      // What it waits for was to come from a transaction that never will.
      const isOrphan =
        entry.kind === 2
          ? entry.configHash !== view.recovery?.configHash &&
            lostRecoveries.has(entry.configHash) &&
            !isBrought(entry.configHash, true)
          : entry.previous !== view.configHash &&
            lostConfigs.has(entry.previous) &&
            !isBrought(entry.previous, false)
      if (judgement.verdict !== 'impossible' && !isOrphan) continue
      const what = entry.kind === 1 ? 'started' : 'set'
      const isSame = changes.some((change) => change.what === what && change.configHash === entry.configHash)
      const reason = judgement.verdict === 'impossible' ? judgement.reason : 'PREDECESSOR_REPLACED'
      if (!isSame) lostConfigs.add(entry.configHash)
      if (!isSame && entry.kind === 1) lostRecoveries.add(entry.configHash)
      displace(entry, isSame ? 'SAME_CONFIG' : reason, head.number)
    }
  }

  function requeue(entry: PoolEntry): void {
    const record = log.queued(entry.sequence)
    const decoded = record && decodeSetConfig(record.raw, rollup.l2ChainId)
    if (record === undefined || !decoded?.ok) {
      throw new PoolDamagedError(`promised transaction ${entry.hash} is not in the promise log`)
    }
    detach(entry)
    entry.body = { raw: record.raw, initial: decoded.tx.initial, next: decoded.tx.next }
    entry.stage = { name: 'queued' }
    enqueue(entry)
  }

  /** Says in what a promise is not kept; undefined while it is, or can be. */
  function toUnkept(entry: PoolEntry): UnkeptPromise | undefined {
    const { stage, promise: signed, hash } = entry
    const { byBlock, txHash } = signed.promise
    // Another entry carries the promise now.
    if ((renewals.get(txHash)?.hash ?? hash) !== hash) return undefined
    if (stage.name === 'displaced' && stage.reason !== 'SAME_CONFIG') {
      const { reason, blockNumber: since } = stage
      const isVoid = entry.voidedAt !== undefined
      return { signed, outcome: 'displaced', reason, since, isVoid }
    }
    // Forced by other bytes, it stands in a block all the same.
    const isThere = stage.name === 'included' || stage.name === 'displaced'
    const isLate = (isThere ? stage.blockNumber : head.number) > byBlock
    const outcome = isThere ? 'late' : 'overdue'
    return isLate ? { signed, outcome, reason: undefined, since: byBlock + 1n, isVoid: false } : undefined
  }

  function measure(): void {
    metrics.pending.set(liveCount)
    metrics.pendingBytes.set(liveBytes)
  }

  return {
    head: () => head,
    nextTimestamp,
    live,
    liveBytes: () => liveBytes,
    find: (hash) => entries.get(hash),
    queueOf,
    displacedOf: (id) => displacedIn(id).filter((entry) => standsAt(entry, (at) => at > finalNumber)),
    add(entry) {
      const replaced = entries.get(entry.hash)
      if (replaced !== undefined) detach(replaced)
      entries.set(entry.hash, entry)
      const { txHash } = entry.promise.promise
      if (entry.hash !== txHash || renewals.has(txHash)) renewals.set(txHash, entry)
      if (isLive(entry)) enqueue(entry)
    },
    extend(next, changes) {
      moveTo(next)
      for (const [id, own] of changes) {
        markVoid(id, own)
        const queue = queues.get(id)
        if (queue === undefined) continue
        queue.invalidate()
        displaceImpossible(queue, own)
      }
    },
    rewind(next) {
      moveTo(next)
      for (const queue of queues.values()) queue.invalidate()
      for (const entry of entries.values()) {
        if (entry.voidedAt !== undefined && entry.voidedAt > next.number) entry.voidedAt = undefined
      }
      const returned = [...entries.values()].filter((entry) => standsAt(entry, (at) => at > next.number))
      // Without those that come back, which must not be in it twice.
      live()
      for (const entry of returned) requeue(entry)
      // In the order of their promises, whatever stood in which block.
      waiting.sort(bySequence)
      for (const queue of [...queues.values()]) displaceImpossible(queue)
      return returned
    },
    include(entry, blockNumber) {
      detach(entry)
      entry.body = undefined
      entry.stage = { name: 'included', blockNumber }
      measure()
    },
    displace,
    forget(finalized) {
      finalNumber = finalized
      const final = [...entries.values()].filter((entry) => isDecided(entry, finalized))
      const records = final.map((entry) => {
        const { sequence, promise } = entry
        return { sequence, promise, unkept: toUnkept(entry) }
      })
      for (const entry of final) {
        const { txHash } = entry.promise.promise
        detach(entry)
        entries.delete(entry.hash)
        if (renewals.get(txHash) === entry) renewals.delete(txHash)
      }
      return records
    },
    size: () => entries.size,
    *unkept() {
      for (const entry of entries.values()) {
        // A promise that a crash may yet undo nobody hears of.
        if (!entry.isDurable) continue
        const unkept = toUnkept(entry)
        if (unkept !== undefined) yield unkept
      }
    },
  }
}

/** Tells whether a deposit that changes this takes a promise's place, or the config that it builds on. */
function voids(change: KeystoreChange, { kind, nonce, configHash, previous }: PoolEntry): boolean {
  if (change.what === 'started') {
    return kind === 1 && change.nonce === nonce && change.configHash !== configHash
  }
  if (change.nonce === nonce) return kind === 1 || change.configHash !== configHash
  return change.nonce + 1n === nonce && change.configHash !== previous
}

/** Tells whether no later block changes what became of a promise: until `byBlock` a deposit can make it void. */
function isDecided(entry: PoolEntry, finalized: bigint): boolean {
  const { stage, promise, voidedAt } = entry
  if (!standsAt(entry, (at) => at <= finalized)) return false
  if (stage.name !== 'displaced' || stage.reason === 'SAME_CONFIG') return true
  return (voidedAt ?? promise.promise.byBlock) <= finalized
}

function standsAt({ stage }: PoolEntry, accept: (blockNumber: bigint) => boolean): boolean {
  return (stage.name === 'included' || stage.name === 'displaced') && accept(stage.blockNumber)
}

/** Reports that the store or the promise log lacks what it must have: the process has to end, and a person to look. */
export class PoolDamagedError extends KeyrollError {
  override readonly name = 'PoolDamagedError'
}
