import type { Hex } from 'viem'
import { signedPromiseToJson } from '../../node/index.ts'
import {
  decodeSetConfig,
  findConfigFault,
  type RollupConfig,
  type SetConfig,
  type SignatureVerifier,
  type SignedPromise,
  validateSetConfig,
} from '../../protocol/index.ts'
import type { KeystoreQueue } from './KeystoreQueue.ts'
import type { PoolBook } from './PoolBook.ts'
import type { PoolEntry } from './PoolEntry.ts'
import type { PromiseLog } from './PromiseLog.ts'
import type { PromiseSigner } from './PromiseSigner.ts'
import type { PromiseSubject } from './PromiseSubject.ts'
import { invalidRefusal, type Refusal } from './Refusal.ts'
import { FULL_BLOCK_BYTES } from './select.ts'

/** Limits of the pool. */
export type PoolOptions = {
  /** Blocks after the head by which a promised transaction is in one, when nothing else waits; a backlog adds to it. */
  promiseBlocks: bigint
  maxPendingBytes: number
  maxPendingPerKeystore: number
  /** Promised transactions in memory: those that wait, and those in blocks that L1 has not finalized. */
  maxUnfinal: number
}

/** A decoded transaction and what a promise of it is about. */
export type Candidate = { raw: Uint8Array; tx: SetConfig; hash: Hex; subject: PromiseSubject }

/**
 * What to do with a submission: refuse it, give an earlier promise again, or take it, under a new promise or (`isNew` false)
 * under an earlier one whose own transaction became impossible.
 *
 * `after` is to be awaited before anything is said: the answer tells of a promise that may not be on disk yet.
 */
export type Admission =
  | { verdict: 'refuse'; refusal: Refusal; after: Promise<void> | undefined }
  | { verdict: 'known'; signed: SignedPromise; after: Promise<void> | undefined }
  | { verdict: 'take'; candidate: Candidate; previous: Hex; signed: SignedPromise; isNew: boolean }

/** What admission depends on. */
export type AdmissionModules = {
  book: PoolBook
  log: Pick<PromiseLog, 'find'>
  signer: PromiseSigner
  rollup: RollupConfig
  verify: SignatureVerifier
  /** Says why no promise may be signed now; undefined when one may. */
  whyNot: () => Refusal | undefined
  /** The nonce of a keystore that no reorg can take back. */
  finalNonce: (id: Hex) => bigint
  options: PoolOptions
}

type EarlierPromise = { signed: SignedPromise; entry: PoolEntry | undefined }

/** Makes the function that decides about raw transactions; it changes nothing. */
export function createAdmission(modules: AdmissionModules): (raw: Uint8Array) => Admission {
  const { book, log, signer, rollup, verify, whyNot, finalNonce, options } = modules

  function admit(raw: Uint8Array): Admission {
    const decoded = decodeSetConfig(raw, rollup.l2ChainId)
    if (!decoded.ok) return refuse(undecodable(decoded.reason))
    const { tx, nextHash, hash } = decoded
    const subject = { id: tx.id, kind: tx.kind, nonce: tx.next.nonce, configHash: nextHash }
    const queue = book.queueOf(tx.id)
    const earlier = findPromise(subject)
    if (earlier !== undefined && earlier.signed.promise.configHash !== subject.configHash) {
      // What became of the promise is for good: what is wrong with the newcomer is its age.
      if (subject.nonce <= finalNonce(tx.id)) return refuse(nonceTooLow(queue), earlier.entry)
      return refuse(
        conflict(earlier, 'another config is promised for this keystore at this nonce'),
        earlier.entry,
      )
    }
    if (earlier !== undefined && !mayBeRenewed(earlier, queue)) {
      return { verdict: 'known', signed: earlier.signed, after: earlier.entry?.durable }
    }
    const refusal = whyNot() ?? whyFull(raw, queue) ?? validate(tx, subject.configHash, queue)
    if (refusal !== undefined) return refuse(refusal)
    const previous = queue.tip().configHash
    const candidate = { raw, tx, hash, subject }
    if (earlier !== undefined)
      return { verdict: 'take', candidate, previous, signed: earlier.signed, isNew: false }
    // No block can be named by which the delay is over: a reorg may begin it anew.
    if (queue.isDelayed(book.nextTimestamp())) return refuse(invalidRefusal('RECOVERY_NOT_READY'))
    const rival = findRival(subject, queue)
    if (rival !== undefined) return refuse(conflict(rival, rival.message), rival.entry)
    const signed = signer.sign({ ...subject, txHash: hash, byBlock: lastBlock() })
    return { verdict: 'take', candidate, previous, signed, isNew: true }
  }

  function findPromise(subject: PromiseSubject): EarlierPromise | undefined {
    const signed = log.find(subject)
    if (signed === undefined) return undefined
    const shares = (entry: PoolEntry) =>
      entry.nonce === subject.nonce &&
      (entry.kind === 1) === (subject.kind === 1) &&
      entry.configHash === signed.promise.configHash
    // Where the promise's own transaction became impossible, other bytes may be on their way under it.
    const entry = book.queueOf(subject.id).entries.find(shares) ?? book.find(signed.promise.txHash)
    return { signed, entry }
  }

  /** A promise whose transaction became impossible may be kept by other bytes of the same config. */
  function mayBeRenewed({ signed, entry }: EarlierPromise, queue: KeystoreQueue): boolean {
    const { kind, nonce } = signed.promise
    if (nonce <= queue.base().nonce) return false
    const { recovery } = queue.base()
    if (kind === 1 && recovery?.nonce === nonce && recovery.configHash === signed.promise.configHash)
      return false
    // The pool forgets what is final; what took no effect then may in other bytes.
    return entry === undefined || entry.stage.name === 'displaced'
  }

  /**
   * Finds a promise against which a new one would stand, or could after a reorg: a reorg can take back what a promise builds
   * on, and bring back what a block made impossible.
   */
  function findRival(subject: PromiseSubject, queue: KeystoreQueue) {
    if (subject.kind === 1) return undefined
    const next = queue.entries.find(({ kind, nonce }) => kind !== 2 && nonce === subject.nonce + 1n)
    if (next !== undefined && next.previous !== subject.configHash) {
      const message = 'a config is promised at the next nonce that builds on another one at this nonce'
      return { signed: next.promise, entry: next, message }
    }
    const overtaken = book.displacedOf(subject.id).find(({ kind }) => kind !== 1)
    const message = 'a deposit overtook a promise and is not final; try again when it is'
    return overtaken && { signed: overtaken.promise, entry: overtaken, message }
  }

  function whyFull(raw: Uint8Array, queue: KeystoreQueue): Refusal | undefined {
    const { maxPendingBytes, maxPendingPerKeystore, maxUnfinal } = options
    if (book.liveBytes() + raw.length > maxPendingBytes) {
      const details = { pendingBytes: book.liveBytes(), maxPendingBytes }
      return { reason: 'POOL_FULL', message: 'too much is waiting for a block; try again later', details }
    }
    if (book.size() >= maxUnfinal) {
      const message =
        'L1 has not finalized for long, and too many promises may have to be kept again; try again later'
      return { reason: 'POOL_FULL', message, details: { unfinal: book.size(), maxUnfinal } }
    }
    if (queue.entries.length < maxPendingPerKeystore) return undefined
    const details = { pending: queue.entries.length, maxPendingPerKeystore }
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
      timestamp: book.nextTimestamp(),
      rollup,
      verify,
      hashes: { current: view.configHash, next: nextHash },
    })
    if (reason === undefined) return undefined
    if (reason === 'NONCE_TOO_LOW' || reason === 'NONCE_TOO_HIGH') {
      return invalidRefusal(reason, expectedNonce(queue))
    }
    if (reason !== 'CONFIG_NOT_WELL_FORMED') return invalidRefusal(reason)
    const detail = findConfigFault(tx.next, rollup) ?? (tx.initial && findConfigFault(tx.initial, rollup))
    return invalidRefusal(reason, { detail })
  }

  /** The block by which a transaction promised now is in one: what waits already takes blocks too. */
  function lastBlock(): bigint {
    const backlog = BigInt(Math.floor(book.liveBytes() / FULL_BLOCK_BYTES))
    return book.head().number + options.promiseBlocks + backlog
  }

  return admit
}

function refuse(refusal: Refusal, about?: PoolEntry): Admission {
  return { verdict: 'refuse', refusal, after: about?.durable }
}

function nonceTooLow(queue: KeystoreQueue): Refusal {
  return invalidRefusal('NONCE_TOO_LOW', expectedNonce(queue))
}

function expectedNonce(queue: KeystoreQueue) {
  return { expectedNonce: `0x${(queue.tip().nonce + 1n).toString(16)}` }
}

function undecodable(detail: string): Refusal {
  // The one flaw that a wallet makes by forgetting something deserves its own name.
  if (detail === 'INITIAL_MISSING') {
    const message = 'the first update of a keystore carries its initial config'
    return { reason: 'INITIAL_CONFIG_REQUIRED', message, details: { detail } }
  }
  const message = `the bytes are not a set-config of this rollup: ${detail}`
  return { reason: 'UNDECODABLE', message, details: { detail } }
}

function conflict({ signed }: { signed: SignedPromise }, message: string): Refusal {
  return { reason: 'CONFLICT', message, details: signedPromiseToJson(signed) }
}
