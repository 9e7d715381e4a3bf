import type { Address, Hex } from 'viem'
import {
  createGroupCommit,
  DamagedDatabaseError,
  type OpaqueBucket,
  uint64Key,
  type Write,
} from '../../node/index.ts'
import {
  type ConfigPromise,
  concat,
  decodeRlp,
  encodeRlp,
  fromHex,
  KeyrollError,
  rlpToBytes,
  rlpToList,
  rlpToNumber,
  rlpToUint,
  type SignedPromise,
  toHex,
  uintToRlp,
} from '../../protocol/index.ts'
import type { SequencerMetrics } from '../metrics.ts'
import type { PromiseSubject } from './PromiseSubject.ts'
import { toKind, type UnkeptPromise, unkeptFromBytes, unkeptKey, unkeptToBytes } from './UnkeptPromise.ts'

/** A promised transaction as it is kept until the block that holds it is final. */
export type QueueRecord = {
  /** The transaction's place in the order of promises. */
  sequence: bigint
  /** Hash of the config against which it was validated. */
  previous: Hex
  raw: Uint8Array
}

/** What became for good of a promised transaction; `unkept` says so where its promise was not kept. */
export type FinalRecord = { sequence: bigint; promise: SignedPromise; unkept: UnkeptPromise | undefined }

/** What the log says of itself. */
export type PromiseLogState = {
  /** The signer whose every promise is in this log; undefined before the first. */
  active: Address | undefined
  /** Signers of which promises may exist that are not in this log. They must never sign again from here. */
  lost: readonly Address[]
}

/** Every promise ever signed, and the transactions promised that are not final. */
export interface PromiseLog {
  /** Tells whether nothing was ever written to it. */
  isFresh(): boolean
  state(): PromiseLogState
  setState(state: PromiseLogState): Promise<void>
  /**
   * Finds the promise that a transaction would share: of kinds 0 and 2 by keystore and nonce, of kind 1 also by config. It
   * may not be on disk yet.
   */
  find(subject: PromiseSubject): SignedPromise | undefined
  /** Finds a promised transaction that is not final; it may not be on disk yet. */
  queued(sequence: bigint): QueueRecord | undefined
  /**
   * Iterates over the promised transactions on disk that are not final, in the order of their promises, before anything is
   * appended.
   *
   * @throws {DamagedDatabaseError} at the end, when some of them are missing.
   */
  queue(): AsyncIterable<QueueRecord>
  /**
   * Writes a promise, where it is new, and its transaction, in place of an earlier record of the same bytes where there is
   * one; resolves when both are on disk, and neither is there alone.
   *
   * @throws {PromiseLogWriteError} when the disk does not take them.
   */
  append(record: QueueRecord, promise: SignedPromise | undefined, replaced: bigint | undefined): Promise<void>
  /** Forgets transactions that are final, but never their promises, and remembers which of these were not kept. */
  settle(final: readonly FinalRecord[]): Promise<void>
  /** Iterates over the promises that were not kept for good, in the order of {@link unkeptKey}, from a key on. */
  unkept(from: Uint8Array): AsyncIterable<UnkeptPromise>
  /** Finds by its transaction a promise that was not kept for good. */
  findUnkept(transactionHash: Hex): UnkeptPromise | undefined
  /** Resolves when all that was to be written is on disk. */
  flush(): Promise<void>
}

// First byte of every key; numbers are never reused.
const STATE = Uint8Array.of(0)
const PROMISE = Uint8Array.of(1)
const QUEUE = Uint8Array.of(2)
const UNKEPT = Uint8Array.of(3)
const UNKEPT_BY_HASH = Uint8Array.of(4)
const TALLY = Uint8Array.of(5)

const FORMAT = 1

/**
 * Opens the promise log in a bucket that is nobody else's.
 *
 * @throws {PromiseLogFormatError} when another version of this program wrote it.
 * @throws {DamagedDatabaseError} when something of it is lost.
 */
export function openPromiseLog({
  bucket,
  metrics,
}: {
  bucket: OpaqueBucket
  metrics: Pick<SequencerMetrics, 'commitSeconds'>
}): PromiseLog {
  const stored = bucket.get(STATE)
  const storedTally = bucket.get(TALLY)
  // One without the other would pass for a new log, or for an empty queue.
  if ((stored === undefined) !== (storedTally === undefined)) {
    throw new DamagedDatabaseError(
      stored === undefined ? 'the signer of its promises' : 'the count of promised transactions',
    )
  }
  let isFresh = stored === undefined
  let state: PromiseLogState = stored === undefined ? { active: undefined, lost: [] } : stateFromBytes(stored)
  let tally = storedTally === undefined ? EMPTY_TALLY : tallyFromBytes(storedTally)
  /** What is on its way to the disk, by key: a promise counts from the moment it is signed. */
  const unsynced = new Map<string, Uint8Array>()
  const commit = createGroupCommit<Write>(async (writes) => {
    if (writes.length === 0) return
    const stopped = metrics.commitSeconds.startTimer()
    // All that changed it so far is in this group, or in one before.
    await write([...writes, { key: TALLY, value: tallyToBytes(tally) }])
    for (const { key, value } of writes) {
      if (unsynced.get(toHex(key)) === value) unsynced.delete(toHex(key))
    }
    stopped()
  })

  async function write(writes: readonly Write[]): Promise<void> {
    try {
      await bucket.write(writes)
    } catch (cause) {
      throw new PromiseLogWriteError({ cause })
    }
  }

  function get(key: Uint8Array): Uint8Array | undefined {
    return (unsynced.size === 0 ? undefined : unsynced.get(toHex(key))) ?? bucket.get(key)
  }

  function find(subject: PromiseSubject): SignedPromise | undefined {
    const value = get(promiseKey(subject))
    return value === undefined ? undefined : promiseFromBytes(subject, value)
  }

  function toUnkept(value: Uint8Array): UnkeptPromise {
    const { subject, ...record } = unkeptFromBytes(value)
    const signed = find(subject)
    if (signed === undefined) throw new MissingPromiseError(subject)
    return { ...record, signed }
  }

  function settlingWrites({ sequence, promise, unkept }: FinalRecord): Write[] {
    const forget = { key: queueKey(sequence), value: undefined }
    const hashKey = concat(UNKEPT_BY_HASH, fromHex(promise.promise.txHash, 32))
    const before = get(hashKey)
    // Other bytes of the config may have kept after all what had been given up.
    const undo = before === undefined ? [] : [hashKey, concat(UNKEPT, before)]
    const undone = undo.map((key) => ({ key, value: undefined }))
    if (unkept === undefined) return [forget, ...undone]
    const key = unkeptKey(unkept)
    return [
      forget,
      ...undone,
      { key: concat(UNKEPT, key), value: unkeptToBytes(unkept) },
      { key: hashKey, value: key },
    ]
  }

  return {
    isFresh: () => isFresh,
    state: () => state,
    async setState(next) {
      state = next
      isFresh = false
      await commit([{ key: STATE, value: stateToBytes(next) }])
    },
    find,
    queued(sequence) {
      const value = get(queueKey(sequence))
      return value === undefined ? undefined : queueFromBytes(sequence, value)
    },
    async *queue() {
      const { count, sum } = tally
      let found = EMPTY_TALLY
      for await (const [key, value] of bucket.entries(QUEUE, UNKEPT)) {
        const sequence = BigInt(toHex(key.subarray(1)))
        found = withQueued(found, sequence)
        yield queueFromBytes(sequence, value)
      }
      // A table of which something cannot be found looks like one without it.
      if (found.count !== count || found.sum !== sum) {
        throw new DamagedDatabaseError(`promised transactions: it has ${found.count}, expected ${count}`)
      }
    },
    append(record, promise, replaced) {
      const writes = [{ key: queueKey(record.sequence), value: queueToBytes(record) }]
      if (promise !== undefined)
        writes.push({ key: promiseKey(promise.promise), value: promiseToBytes(promise) })
      for (const { key, value } of writes) unsynced.set(toHex(key), value)
      tally = withQueued(tally, record.sequence)
      if (replaced !== undefined) tally = withoutQueued(tally, replaced)
      return commit(
        replaced === undefined ? writes : [...writes, { key: queueKey(replaced), value: undefined }],
      )
    },
    settle(final) {
      const writes = final.flatMap(settlingWrites)
      for (const { sequence } of final) tally = withoutQueued(tally, sequence)
      for (const { key, value } of writes) if (value !== undefined) unsynced.set(toHex(key), value)
      return commit(writes)
    },
    async *unkept(from) {
      for await (const [, value] of bucket.entries(concat(UNKEPT, from), UNKEPT_BY_HASH)) {
        yield toUnkept(value)
      }
    },
    findUnkept(transactionHash) {
      const key = get(concat(UNKEPT_BY_HASH, fromHex(transactionHash, 32)))
      const value = key && get(concat(UNKEPT, key))
      return value && toUnkept(value)
    },
    flush: () => commit([]),
  }
}

function queueKey(sequence: bigint): Uint8Array {
  return concat(QUEUE, uint64Key(sequence))
}

function promiseKey({ id, kind, nonce, configHash }: PromiseSubject) {
  const own = kind === 1 ? fromHex(configHash, 32) : new Uint8Array()
  return concat(PROMISE, fromHex(id, 32), uint64Key(nonce), own)
}

/** `rlp([kind, configHash, txHash, byBlock, signature, signer])`; id and nonce are in the key. */
function promiseToBytes({ promise, signature, signer }: SignedPromise): Uint8Array {
  return encodeRlp([
    uintToRlp(promise.kind),
    fromHex(promise.configHash, 32),
    fromHex(promise.txHash, 32),
    uintToRlp(promise.byBlock),
    fromHex(signature, 65),
    fromHex(signer, 20),
  ])
}

function promiseFromBytes(
  { id, nonce }: Pick<ConfigPromise, 'id' | 'nonce'>,
  bytes: Uint8Array,
): SignedPromise {
  const [kind, configHash, txHash, byBlock, signature, signer] = rlpToList(decodeRlp(bytes), 6)
  return {
    promise: {
      id,
      kind: toKind(rlpToNumber(kind, 8)),
      nonce,
      configHash: toHex(rlpToBytes(configHash, 32)),
      txHash: toHex(rlpToBytes(txHash, 32)),
      byBlock: rlpToUint(byBlock, 64),
    },
    signature: toHex(rlpToBytes(signature, 65)),
    signer: toHex(rlpToBytes(signer, 20)),
  }
}

/** `rlp([previous, raw])`; the sequence is the key. */
function queueToBytes({ previous, raw }: QueueRecord): Uint8Array {
  return encodeRlp([fromHex(previous, 32), raw])
}

function queueFromBytes(sequence: bigint, bytes: Uint8Array): QueueRecord {
  const [previous, raw] = rlpToList(decodeRlp(bytes), 2)
  return { sequence, previous: toHex(rlpToBytes(previous, 32)), raw: rlpToBytes(raw) }
}

/** How many transactions are in the queue, and the sum of their sequences modulo 2^64: says whether all were found there. */
type QueueTally = { count: bigint; sum: bigint }

const EMPTY_TALLY: QueueTally = { count: 0n, sum: 0n }

function withQueued({ count, sum }: QueueTally, sequence: bigint): QueueTally {
  return { count: count + 1n, sum: BigInt.asUintN(64, sum + sequence) }
}

function withoutQueued({ count, sum }: QueueTally, sequence: bigint): QueueTally {
  return { count: count - 1n, sum: BigInt.asUintN(64, sum - sequence) }
}

/** `count (8) ‖ sum (8)`. */
function tallyToBytes({ count, sum }: QueueTally): Uint8Array {
  return concat(uint64Key(count), uint64Key(sum))
}

function tallyFromBytes(bytes: Uint8Array): QueueTally {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return { count: view.getBigUint64(0), sum: view.getBigUint64(8) }
}

/** `rlp([format, active or empty, [lost, ...]])`. */
function stateToBytes({ active, lost }: PromiseLogState): Uint8Array {
  return encodeRlp([
    uintToRlp(FORMAT),
    active === undefined ? new Uint8Array() : fromHex(active, 20),
    lost.map((address) => fromHex(address, 20)),
  ])
}

function stateFromBytes(bytes: Uint8Array): PromiseLogState {
  const [format, active, lost] = rlpToList(decodeRlp(bytes))
  if (rlpToNumber(format, 8) !== FORMAT) throw new PromiseLogFormatError(rlpToNumber(format, 8))
  const activeBytes = rlpToBytes(active)
  return {
    active: activeBytes.length === 0 ? undefined : toHex(activeBytes),
    lost: rlpToList(lost).map((address) => toHex(rlpToBytes(address, 20))),
  }
}

/** Reports a promise log that another version of this program wrote. */
export class PromiseLogFormatError extends KeyrollError {
  override readonly name = 'PromiseLogFormatError'
  constructor(format: number) {
    super(`got a promise log of format ${format}, expected ${FORMAT}: run the version that wrote it`)
  }
}

/** Reports a record of a promise that is not in the log: the database is damaged. */
class MissingPromiseError extends KeyrollError {
  override readonly name = 'MissingPromiseError'
  constructor({ id, nonce }: PromiseSubject) {
    super(
      `got a record of a promise for keystore ${id} at nonce ${nonce}, which the promise log does not hold`,
    )
  }
}

/** Reports that a promise or its transaction could not be written: what is on disk is not what is in memory any more. */
export class PromiseLogWriteError extends KeyrollError {
  override readonly name = 'PromiseLogWriteError'
  constructor(options: ErrorOptions) {
    super('cannot write the promise log: is the disk full or gone?', options)
  }
}
