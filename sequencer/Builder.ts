import type { Hex } from 'viem'
import type { AttributesBuilder } from '../derivation/index.ts'
import {
  type BlockRef,
  type ChainStore,
  createFaultLog,
  type Engine,
  type Logger,
  ResetFault,
  sleep,
  TemporaryFault,
} from '../node/index.ts'
import {
  type Block,
  type BlockAttributes,
  KeyrollError,
  type RollupConfig,
  type SignatureVerifier,
} from '../protocol/index.ts'
import type { SequencerMetrics } from './metrics.ts'
import type { OriginSelector } from './OriginSelector.ts'
import { depositEffects } from './pool/depositEffects.ts'
import type { Pool } from './pool/Pool.ts'

/** What a {@link Builder} is made of. */
export type BuilderModules = {
  store: ChainStore
  engine: Engine
  rollup: RollupConfig
  verify: SignatureVerifier
  selector: OriginSelector
  attributes: AttributesBuilder
  pool: Pick<Pool, 'select'>
  /** Whether everything L1 holds has been derived since the process started: before that there is nothing to build on. */
  isReady: () => boolean
  isActive: boolean
  logger: Logger
  metrics: SequencerMetrics
  /** Milliseconds since the epoch. */
  now: () => number
}

/** Builds a block at every block time, and those that were missed while it could not. */
export interface Builder {
  isActive(): boolean
  /**
   * Begins to build on the unsafe head, which must be the one that the caller believes in.
   *
   * @throws {SequencerStateError} when it is building already, or the head is another.
   */
  start(unsafeHead: Hex): void
  /**
   * Stops building and returns the hash of the unsafe head, on which nothing follows.
   *
   * @throws {SequencerStateError} when it is not building.
   */
  stop(): Promise<Hex>
  /**
   * Builds the next block, whatever the time.
   *
   * @throws {BuildCancelledError} when the head moved or the sequencer was stopped meanwhile.
   * @throws {TemporaryFault} when L1 cannot be read.
   * @throws {ResetFault} when L1 left the chain that the head stands on.
   */
  build(): Promise<Block>
  /**
   * Builds the next block if it is due, and returns the milliseconds after which to look again.
   *
   * @throws what `build` throws beyond what passes by itself.
   */
  step(): Promise<number>
  /** Builds at every block time until the signal aborts. */
  run(signal: AbortSignal): Promise<void>
}

const RETRY_MS = 500
const IDLE_MS = 50

/** Makes a builder. */
export function createBuilder(modules: BuilderModules): Builder {
  const { store, engine, rollup, verify, selector, attributes, pool, metrics, logger, now } = modules
  const logFault = createFaultLog(logger, 'could not build a block; trying again')
  let isActive = modules.isActive
  metrics.active.set(isActive ? 1 : 0)

  function setActive(next: boolean): void {
    isActive = next
    metrics.active.set(next ? 1 : 0)
    logger.info({ head: store.heads().unsafe.number }, next ? 'sequencing' : 'stopped sequencing')
  }

  async function build(): Promise<Block> {
    const stopped = metrics.buildSeconds.startTimer()
    const head = store.heads().unsafe
    const timestamp = head.timestamp + rollup.blockTime
    const { origin, mustBeEmpty } = await selector.select(head)
    const forced = await attributes.build({ parent: head, epoch: origin, timestamp, transactions: [] })
    const block = await engine.build((parent) => {
      if (parent.hash !== head.hash)
        throw new BuildCancelledError(`the head moved from ${head.number} to ${parent.number}`)
      // Whoever stopped the sequencer was told the head, and may be starting another on it.
      if (!isActive) throw new BuildCancelledError('the sequencer was stopped')
      return mustBeEmpty ? forced : fill(forced, parent)
    })
    if (mustBeEmpty) {
      metrics.driftBlocks.inc()
      logger.warn(
        { number: block.header.number, origin: origin.number },
        'the L1 origin is too old: an empty block',
      )
    }
    stopped()
    const { number, timestamp: time } = block.header
    logger.debug({ number, hash: block.hash, time, transactions: block.transactions.length }, 'built')
    return block
  }

  function fill(forced: BlockAttributes, parent: BlockRef): BlockAttributes {
    const block = store.blockByHash(parent.hash)
    if (block === undefined) return forced
    const changed = depositEffects({ attributes: forced, parent: block.header, store, rollup, verify })
    const chosen = pool.select({ parent, timestamp: forced.timestamp, changed })
    return { ...forced, transactions: [...forced.transactions, ...chosen] }
  }

  async function step(): Promise<number> {
    if (!isActive || !modules.isReady()) return IDLE_MS
    const due = Number(store.heads().unsafe.timestamp + rollup.blockTime) * 1000
    // Short naps, because the head may move and the sequencer may be stopped.
    if (now() < due) return Math.min(due - now(), RETRY_MS)
    try {
      await build()
      return 0
    } catch (error) {
      const isExpected =
        error instanceof TemporaryFault || error instanceof ResetFault || error instanceof BuildCancelledError
      if (!isExpected) throw error
      metrics.buildFailures.inc({ error: error.name })
      logFault(error)
      return RETRY_MS
    }
  }

  return {
    isActive: () => isActive,
    start(unsafeHead) {
      const { hash } = store.heads().unsafe
      if (isActive) throw new SequencerStateError('ALREADY_ACTIVE', 'the sequencer is active')
      if (hash !== unsafeHead) {
        throw new SequencerStateError('HEAD_MISMATCH', `the unsafe head is ${hash}, received ${unsafeHead}`)
      }
      setActive(true)
    },
    async stop() {
      if (!isActive) throw new SequencerStateError('NOT_ACTIVE', 'the sequencer is not active')
      setActive(false)
      // A block that is being built is part of the answer.
      await engine.idle()
      return store.heads().unsafe.hash
    },
    build,
    step,
    async run(signal) {
      while (!signal.aborted) await sleep(await step(), signal)
    },
  }
}

/** Reports that the block being prepared is not wanted any more. */
class BuildCancelledError extends KeyrollError {
  override readonly name = 'BuildCancelledError'
}

/** Reports that the sequencer cannot be started or stopped as it is. */
export class SequencerStateError extends KeyrollError {
  override readonly name = 'SequencerStateError'
  readonly reason: 'ALREADY_ACTIVE' | 'NOT_ACTIVE' | 'HEAD_MISMATCH'
  constructor(reason: SequencerStateError['reason'], message: string) {
    super(message)
    this.reason = reason
  }
}
