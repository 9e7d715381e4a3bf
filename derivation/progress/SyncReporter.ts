import { numberToHex } from 'viem'
import {
  type ChainStore,
  defineMethod,
  type Engine,
  type L1Client,
  type Logger,
  type Metrics,
  type RpcMethods,
} from '../../node/index.ts'
import { SET_CONFIG_TX_TYPE } from '../../protocol/index.ts'
import { createBell } from '../alarms/Bell.ts'
import type { Derivation } from '../createDerivation.ts'
import { createSyncWindow, describeSync, type SyncEstimate, type SyncSample } from './estimateSync.ts'
import { createSyncMetrics } from './syncMetrics.ts'

/** Says how far reading L1 has come. */
export interface SyncReporter {
  /** Reports every few seconds while L1 is being read, and when it has been; until the signal aborts. */
  run(signal: AbortSignal): Promise<void>
  /** Makes the method that answers the same (docs/rpc.md). */
  readonly methods: RpcMethods
}

/** Hears how far it is, in words; undefined when L1 has been read. */
export type OnSyncProgress = (line: string | undefined) => void

/** What a reporter is made of. */
export type SyncReporterOptions = {
  derivation: Pick<Derivation, 'status' | 'failure'>
  l1: Pick<L1Client, 'header'>
  store: Pick<ChainStore, 'heads'>
  engine: Pick<Engine, 'subscribe'>
  logger: Logger
  metrics: Metrics
  /** Takes the place of the log's lines, such as on a terminal. */
  onProgress?: OnSyncProgress
}

const SAMPLE_EVERY_MS = 1_000
/** A log is read later, a terminal now. */
const LOG_EVERY_SAMPLES = 5
const FIRST_SAMPLE_MS = 50
const LOOK_AT_HEAD_EVERY_ROUNDS = 15
const WINDOW_MS = 60_000

/** Makes the reporter of a derivation. */
export function createSyncReporter(options: SyncReporterOptions): SyncReporter {
  const { derivation, l1, store, engine, logger, onProgress } = options
  const metrics = createSyncMetrics(options.metrics.registry)
  let head: SyncSample['l1Head'] | undefined
  let setConfigs = 0
  const reportEvery = onProgress === undefined ? LOG_EVERY_SAMPLES : 1
  let latest: { sample: SyncSample; estimate: SyncEstimate } | undefined
  engine.subscribe((event) => {
    if (event.type !== 'unsafe') return
    for (const raw of event.block.transactions) if (raw[0] === SET_CONFIG_TX_TYPE) setConfigs += 1
  })

  /** Derivation itself looks at L1's head only now and then. */
  async function lookAtHead(): Promise<void> {
    // Whatever is wrong with L1, derivation meets it too, and says so.
    head = (await l1.header('latest').catch(() => undefined)) ?? head
  }

  function takeSample(at: number): SyncSample | undefined {
    const { current, head: seen } = derivation.status().l1
    const l1Head = seen !== undefined && (head === undefined || seen.number > head.number) ? seen : head
    if (current === undefined || l1Head === undefined) return undefined
    return { at, l1Block: current, l1Head, safeBlock: store.heads().safe.number, setConfigs }
  }

  function measure({ sample, estimate }: { sample: SyncSample; estimate: SyncEstimate }): void {
    metrics.l1Head.set(Number(sample.l1Head.number))
    metrics.remaining.set(Number(estimate.remaining))
    metrics.l1BlocksPerSecond.set(estimate.l1BlocksPerSecond)
    metrics.blocksPerSecond.set(estimate.blocksPerSecond)
    metrics.setConfigsPerSecond.set(estimate.setConfigsPerSecond)
    metrics.eta.set(estimate.etaSeconds ?? Number.NaN)
  }

  function report(found: { sample: SyncSample; estimate: SyncEstimate }): void {
    if (onProgress !== undefined) {
      onProgress(describeSync(found))
      return
    }
    const { sample, estimate } = found
    const round = (rate: number) => Math.round(rate * 10) / 10
    logger.info(
      {
        l1Block: sample.l1Block.number,
        l1Head: sample.l1Head.number,
        remaining: estimate.remaining,
        safeBlock: sample.safeBlock,
        l1BlocksPerSecond: round(estimate.l1BlocksPerSecond),
        blocksPerSecond: round(estimate.blocksPerSecond),
        setConfigsPerSecond: round(estimate.setConfigsPerSecond),
        etaSeconds: estimate.etaSeconds === undefined ? null : Math.ceil(estimate.etaSeconds),
        stalledSeconds: Math.floor(estimate.stalledSeconds),
      },
      'syncing',
    )
  }

  return {
    async run(signal) {
      const pause = createBell()
      const window = createSyncWindow(WINDOW_MS)
      let behindSince = performance.now()
      let wasSynced = false
      let samples = 0
      for (let round = 0; !signal.aborted; round++) {
        const { isSynced } = derivation.status()
        if (!isSynced && round % LOOK_AT_HEAD_EVERY_ROUNDS === 0) await lookAtHead()
        const sample = takeSample(performance.now())
        if (sample !== undefined) {
          latest = { sample, estimate: window.add(sample) }
          measure(latest)
        }
        if (isSynced && !wasSynced) {
          onProgress?.(undefined)
          const seconds = Math.round((performance.now() - behindSince) / 1_000)
          logger.info({ safeBlock: store.heads().safe.number, setConfigs, seconds }, 'in sync with L1')
        } else if (!isSynced && latest !== undefined && samples++ % reportEvery === 0) report(latest)
        if (isSynced) samples = 0
        if (!isSynced && wasSynced) behindSince = performance.now()
        wasSynced = isSynced
        if (derivation.failure() !== undefined) break
        await pause.wait(latest === undefined ? FIRST_SAMPLE_MS : SAMPLE_EVERY_MS, signal)
      }
      onProgress?.(undefined)
    },
    methods: {
      keyroll_syncStatus: defineMethod([], () => {
        const { isSynced } = derivation.status()
        if (latest === undefined) return { synced: isSynced, progress: null }
        const { sample, estimate } = latest
        return {
          synced: isSynced,
          progress: {
            l1Block: numberToHex(sample.l1Block.number),
            l1Head: numberToHex(sample.l1Head.number),
            remaining: numberToHex(estimate.remaining),
            safeBlock: numberToHex(sample.safeBlock),
            l1BlocksPerSecond: estimate.l1BlocksPerSecond,
            blocksPerSecond: estimate.blocksPerSecond,
            setConfigsPerSecond: estimate.setConfigsPerSecond,
            etaSeconds: estimate.etaSeconds ?? null,
            stalledSeconds: estimate.stalledSeconds,
          },
        }
      }),
    },
  }
}
