import type { Hex } from 'viem'
import {
  type Block,
  type BlockAttributes,
  type BlockResult,
  encodeExtraData,
  parseSetConfig,
  type Receipt,
  type RollupConfig,
  type SetConfigParser,
  type SignatureVerifier,
  stateTransition,
} from '../protocol/index.ts'
import { type BlockId, type BlockRef, blockToRef } from './BlockRef.ts'
import { minimum } from './bigints.ts'
import { createGate } from './Gate.ts'
import type { Logger } from './Logger.ts'
import type { Metrics } from './Metrics.ts'
import type { ChainStore, Inclusion } from './store/ChainStore.ts'
import { DamagedDatabaseError, NotOnHeadError, UnexpectedBlockError } from './store/storeErrors.ts'

/** A block with its receipts. */
export type ExecutedBlock = { block: Block; receipts: readonly Receipt[] }

/** What happened to the chain; listeners hear it when it can be read, and what they write is on disk after it. */
export type EngineEvent =
  | ({ type: 'unsafe'; ref: BlockRef } & ExecutedBlock)
  | { type: 'safe'; ref: BlockRef; inclusion: Inclusion }
  | { type: 'finalized'; ref: BlockRef }
  /** `unsafe` and `safe` are the heads now; `dropped` are blocks no longer in the chain, newest first. */
  | { type: 'rewound'; unsafe: BlockRef; safe: BlockRef; dropped: readonly ExecutedBlock[] }

/** The single writer of the chain: its methods run one after the other, in the order of the calls. */
export interface Engine {
  /**
   * Builds a block on the unsafe head.
   *
   * `attributes` may be a function of the head, called when the block's turn has come.
   */
  build(attributes: BlockAttributes | ((head: BlockRef) => BlockAttributes)): Promise<Block>
  /**
   * Makes the block that `attributes` describe the unsafe child of `parent`, dropping what stands above it, but only when
   * the block has this hash: else nothing changes.
   *
   * @throws {NotOnHeadError} when `parent` is no block of the chain at or above the safe head.
   * @throws {UnexpectedBlockError} when the block has another hash.
   */
  follow(parent: BlockId, attributes: BlockAttributes, hash: Hex): Promise<Block>
  /**
   * Makes the block that `attributes` describe the safe child of `parent`, which must be the safe head.
   * An equal unsafe block is marked safe; a different one is dropped with all above it, and the derived one built.
   *
   * @throws {NotOnHeadError} when `parent` is not the safe head.
   */
  consolidate(
    parent: BlockId,
    attributes: BlockAttributes,
    inclusion: Inclusion,
  ): Promise<{ block: Block; replaced: boolean }>
  /**
   * Moves the finalized head forward.
   *
   * @throws {NotOnHeadError} when the block is not safe.
   */
  finalize(ref: BlockId): Promise<void>
  /**
   * Drops blocks above `number`, and takes the safe head back to `safeNumber`, by default only as far as needed.
   *
   * @throws {CriticalFault} when that is below the finalized head.
   */
  reset(number: bigint, safeNumber?: bigint): Promise<void>
  /** Registers a listener and returns the function that removes it. */
  subscribe(listener: (event: EngineEvent) => void): () => void
  /** Resolves when every call made so far has finished. */
  idle(): Promise<void>
}

/** What `createEngine` is made of. */
export type EngineOptions = {
  store: ChainStore
  rollup: RollupConfig
  verify: SignatureVerifier
  /** By default `parseSetConfig`. */
  parse?: SetConfigParser | undefined
  logger: Logger
  metrics?: Metrics
}

/** So many blocks are dropped in one write; a deep rewind must not hold all its blocks in memory. */
const REWIND_CHUNK = 256n

/** Makes the engine of a chain; there must be one only for a store. */
export function createEngine(options: EngineOptions): Engine {
  const { store, rollup, verify, parse = parseSetConfig, logger, metrics } = options
  const listeners = new Set<(event: EngineEvent) => void>()
  const enqueue = createGate(1)
  measureHeads()

  function emit(event: EngineEvent): void {
    measureHeads()
    for (const listener of listeners) {
      try {
        listener(event)
      } catch (error) {
        logger.error({ err: error, event: event.type }, 'a listener of the engine failed')
      }
    }
  }

  function measureHeads(): void {
    if (metrics === undefined) return
    for (const [head, { number, timestamp }] of Object.entries(store.heads())) {
      metrics.headNumber.set({ head }, Number(number))
      metrics.headTimestamp.set({ head }, Number(timestamp))
    }
  }

  function execute(on: BlockId, attributes: BlockAttributes): BlockResult {
    const parent = store.blockByHash(on.hash)
    if (parent === undefined) throw new DamagedDatabaseError(`block ${on.number}`)
    return stateTransition({ rollup, parent: parent.header, attributes, reader: store, verify, parse })
  }

  /** Executes a block on the unsafe head and writes it, as safe where an inclusion is given. */
  async function append(attributes: BlockAttributes, inclusion: Inclusion | undefined): Promise<Block> {
    const stopped = metrics?.executionSeconds.startTimer()
    const result = execute(store.heads().unsafe, attributes)
    if (inclusion === undefined) await store.appendUnsafe(result)
    else await store.appendSafe(result, inclusion)
    stopped?.()
    report(result)
    return result.block
  }

  async function follow(parent: BlockId, attributes: BlockAttributes, hash: Hex): Promise<Block> {
    const { safe, unsafe } = store.heads()
    const isInChain = store.blockByNumber(parent.number)?.hash === parent.hash
    if (!isInChain || parent.number < safe.number) throw new NotOnHeadError('follow on', parent, safe)
    const result = execute(parent, attributes)
    if (result.block.hash !== hash) throw new UnexpectedBlockError(result.block.hash, hash)
    if (parent.hash !== unsafe.hash) await rewind(parent.number, safe.number)
    await store.appendUnsafe(result)
    report(result)
    return result.block
  }

  function report({ block, receipts, reasons }: BlockResult): void {
    for (const reason of reasons) metrics?.transactions.inc({ verdict: reason ?? 'VALID' })
    logger.debug(
      { number: block.header.number, hash: block.hash, transactions: block.transactions.length },
      'block',
    )
    emit({ type: 'unsafe', ref: blockToRef(block), block, receipts })
  }

  async function consolidate(
    parent: BlockId,
    attributes: BlockAttributes,
    inclusion: Inclusion,
  ): Promise<{ block: Block; replaced: boolean }> {
    const { safe, unsafe } = store.heads()
    if (parent.hash !== safe.hash) throw new NotOnHeadError('consolidate on', parent, safe)
    const present = safe.hash === unsafe.hash ? undefined : store.blockByNumber(safe.number + 1n)
    if (present !== undefined && hasAttributes(present, attributes)) {
      const ref = blockToRef(present)
      await store.markSafe(ref, inclusion)
      emit({ type: 'safe', ref, inclusion })
      return { block: present, replaced: false }
    }
    if (present !== undefined) {
      logger.warn(
        { number: safe.number + 1n, hash: present.hash },
        'L1 says otherwise: dropping unsafe blocks',
      )
      await rewind(safe.number, safe.number)
    }
    const block = await append(attributes, inclusion)
    emit({ type: 'safe', ref: blockToRef(block), inclusion })
    return { block, replaced: present !== undefined }
  }

  async function rewind(number: bigint, safeNumber: bigint | undefined): Promise<void> {
    const before = store.heads()
    const target = minimum(number, before.unsafe.number)
    // The store refuses to go below the finalized head: say so with the first chunk, before anything is dropped.
    const safeTarget = safeNumber ?? minimum(target, before.safe.number)
    let head = before.unsafe.number
    do {
      const next = head - REWIND_CHUNK > target ? head - REWIND_CHUNK : target
      const dropped = executedBlocks(next, head)
      await store.rewind(next, safeTarget)
      metrics?.rewinds.inc(dropped.length)
      const { unsafe, safe } = store.heads()
      head = unsafe.number
      if (dropped.length > 0 || safe.hash !== before.safe.hash)
        emit({ type: 'rewound', unsafe, safe, dropped })
    } while (head > target)
  }

  /** The blocks from `above` (exclusive) to `top`, newest first. */
  function executedBlocks(above: bigint, top: bigint): ExecutedBlock[] {
    const executed: ExecutedBlock[] = []
    for (let number = top; number > above; number--) {
      const block = store.blockByNumber(number)
      const receipts = block && store.receiptsOf(block.hash)
      if (block !== undefined && receipts !== undefined) executed.push({ block, receipts })
    }
    return executed
  }

  return {
    build: (attributes) =>
      enqueue(() =>
        append(typeof attributes === 'function' ? attributes(store.heads().unsafe) : attributes, undefined),
      ),
    follow: (parent, attributes, hash) => enqueue(() => follow(parent, attributes, hash)),
    consolidate: (parent, attributes, inclusion) => enqueue(() => consolidate(parent, attributes, inclusion)),
    finalize: (id) =>
      enqueue(async () => {
        const before = store.heads().finalized
        await store.markFinalized(id)
        const { finalized } = store.heads()
        if (finalized.hash !== before.hash) emit({ type: 'finalized', ref: finalized })
      }),
    reset: (number, safeNumber) => enqueue(() => rewind(number, safeNumber)),
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    idle: () => enqueue(async () => undefined),
  }
}

/** Tells whether a block is the one that attributes describe: everything else in it follows from its parent. */
export function hasAttributes({ header, transactions }: Block, attributes: BlockAttributes): boolean {
  const { l1Origin, sequenceNumber } = attributes
  return (
    header.timestamp === attributes.timestamp &&
    header.mixHash === l1Origin.hash &&
    header.extraData === encodeExtraData({ l1OriginNumber: l1Origin.number, sequenceNumber }) &&
    header.parentBeaconBlockRoot === l1Origin.parentBeaconBlockRoot &&
    transactions.length === attributes.transactions.length &&
    transactions.every((raw, i) => Buffer.compare(raw, attributes.transactions[i] ?? new Uint8Array()) === 0)
  )
}
