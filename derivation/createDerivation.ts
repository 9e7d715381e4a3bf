import { setImmediate as nextTick } from 'node:timers/promises'
import {
  type ChainStore,
  type Engine,
  type L1Client,
  type Logger,
  type Metrics,
  sleep,
  TemporaryFault,
} from '../node/index.ts'
import type { RollupConfig } from '../protocol/index.ts'
import { createDriver, type DerivationStatus, type Driver, type DriverOptions } from './Driver.ts'
import { createDerivationMetrics } from './metrics.ts'
import { createOutputChecker, type WrongOutput } from './OutputChecker.ts'

/** Keeps the safe and finalized chain of a store where L1 says. */
export interface Derivation {
  /**
   * Derives until the signal aborts; temporary faults and reorganisations of L1 are outlived.
   *
   * @throws {CriticalFault} and anything unforeseen, after it was logged: deriving on could make a wrong chain.
   */
  run(signal: AbortSignal): Promise<void>
  /** Does one piece of work, as {@link Driver.step}; for callers that decide themselves about time. */
  step: Driver['step']
  status(): DerivationStatus
  /** Why it stopped for good; undefined while it has not. */
  failure(): unknown
  /** Lists the standing outputs on L1 that differ from the derived chain. */
  wrongOutputs(): readonly WrongOutput[]
}

/** What derivation is made of. */
export type DerivationOptions = {
  l1: L1Client
  store: ChainStore
  engine: Engine
  rollup: RollupConfig
  logger: Logger
  metrics: Metrics
  foresight?: DriverOptions['foresight'] | undefined
  /** How often to look for a new L1 block, in milliseconds. */
  pollIntervalMs?: number
  /** Waits between two looks, and after a fault. */
  pause?: typeof sleep | undefined
}

const DEFAULT_POLL_INTERVAL_MS = 1_000
const FIRST_RETRY_MS = 250
const LAST_RETRY_MS = 30_000

/** Makes the derivation of a chain; there must be one only for a store. */
export function createDerivation(options: DerivationOptions): Derivation {
  const { l1, store, engine, rollup, logger, foresight, pause = sleep } = options
  const metrics = createDerivationMetrics(options.metrics.registry)
  const checker = createOutputChecker({
    l1,
    store,
    rollup,
    logger,
    metrics,
  })
  const driver = createDriver({ l1, store, engine, rollup, checker, logger, metrics, foresight })
  let failure: unknown

  async function loop(signal: AbortSignal): Promise<void> {
    let retryMs = FIRST_RETRY_MS
    while (!signal.aborted) {
      try {
        const outcome = await driver.step()
        retryMs = FIRST_RETRY_MS
        // Blocks that were read ahead are derived without waiting for anything: requests would wait for many of them.
        if (outcome === 'progress') await nextTick()
        else await pause(options.pollIntervalMs ?? DEFAULT_POLL_INTERVAL_MS, signal)
      } catch (fault) {
        if (!(fault instanceof TemporaryFault)) throw fault
        if (signal.aborted) return
        metrics.faults.inc({ severity: 'temporary' })
        logger.warn({ err: fault, retryMs }, 'cannot go on deriving yet')
        await pause(retryMs, signal)
        retryMs = Math.min(2 * retryMs, LAST_RETRY_MS)
      }
    }
  }

  return {
    async run(signal) {
      try {
        await loop(signal)
      } catch (fault) {
        failure = fault
        metrics.faults.inc({ severity: 'critical' })
        metrics.halted.set(1)
        logger.error(
          { err: fault },
          'derivation has stopped; reading still works, but the chain no longer moves',
        )
        throw fault
      }
    },
    step: () => driver.step(),
    status: () => driver.status(),
    failure: () => failure,
    wrongOutputs: () => checker.wrongOutputs(),
  }
}
