import type { Hex } from 'viem'
import type { Config, SetConfig, SignedPromise } from '../../protocol/index.ts'
import type { Judgement, Step } from './KeystoreView.ts'
import type { QueueRecord } from './PromiseLog.ts'

/** Where a promised transaction stands. */
export type PoolStage =
  /** It is being written to disk. */
  | { name: 'writing' }
  | { name: 'queued' }
  | { name: 'included'; blockNumber: bigint }
  /** At this block it became impossible; only a reorg below it can change that. */
  | { name: 'displaced'; blockNumber: bigint; reason: DisplacedReason }

/** Why a promised transaction cannot take effect. */
export type DisplacedReason =
  | Exclude<Judgement, { verdict: 'ready' }>['reason']
  /** The very config took effect by other bytes, as by a deposit that forces it: nothing is lost. */
  | 'SAME_CONFIG'

/** What of a transaction is in memory only while it waits. */
export type PoolBody = { raw: Uint8Array; initial: Config | undefined; next: Config }

/** A promised transaction that is not final. */
export type PoolEntry = Step & {
  sequence: bigint
  id: Hex
  hash: Hex
  /** Bytes of the raw transaction. */
  size: number
  promise: SignedPromise
  stage: PoolStage
  body: PoolBody | undefined
  /** Resolves once the promise and the transaction are on disk. */
  durable: Promise<void>
  isDurable: boolean
  /** The block, at most the promised one, in which a deposit made the promise void (protocol.md §8). */
  voidedAt: bigint | undefined
  isReportedOverdue: boolean
}

/** What only the pool knows of a new entry. */
type EntryContext = Pick<PoolEntry, 'promise' | 'configHash' | 'durable' | 'stage'>

/** Makes the entry of a decoded transaction. */
export function createPoolEntry(
  { sequence, previous, raw }: QueueRecord,
  { tx, hash }: { tx: SetConfig; hash: Hex },
  context: EntryContext,
): PoolEntry {
  return {
    ...context,
    sequence,
    previous,
    hash,
    id: tx.id,
    kind: tx.kind,
    nonce: tx.next.nonce,
    size: raw.length,
    body: context.stage.name === 'included' ? undefined : { raw, initial: tx.initial, next: tx.next },
    isDurable: context.stage.name !== 'writing',
    voidedAt: undefined,
    isReportedOverdue: false,
  }
}

/** Tells whether an entry waits for a block. */
export function isLive({ stage }: PoolEntry): boolean {
  return stage.name === 'writing' || stage.name === 'queued'
}

/** Order of promises. */
export function bySequence(a: PoolEntry, b: PoolEntry): number {
  return a.sequence < b.sequence ? -1 : 1
}

/** Order in which they can take effect: by nonce, because a config can be promised again after the one before it; by promise within a nonce. */
export function byNonce(a: PoolEntry, b: PoolEntry): number {
  if (a.nonce !== b.nonce) return a.nonce < b.nonce ? -1 : 1
  return a.sequence < b.sequence ? -1 : 1
}
