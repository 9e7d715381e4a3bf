import {
  type ChainStore,
  createEngine,
  createHttp,
  createL1Client,
  createMetrics,
  createParallelVerifier,
  createPromiseSignerReader,
  createReadMethods,
  createRpcServer,
  type Ending,
  type L1ClientOptions,
  type Logger,
  openChainStore,
  type RpcErrorData,
  type RpcServerOptions,
  startOrRelease,
} from '../node/index.ts'
import type { RollupConfig } from '../protocol/index.ts'
import {
  type AlarmOptions,
  createAlarmedDerivation,
  DEFAULT_ALARM_OPTIONS,
} from './alarms/createAlarmedDerivation.ts'
import { describeTrouble } from './alarms/describeTrouble.ts'
import { createDerivation, type Derivation, type DerivationOptions } from './createDerivation.ts'
import { createDecoder } from './Decoder.ts'
import { createHttpLink } from './follow/SequencerLink.ts'
import { createUnsafeFollower, type UnsafeFollower } from './follow/UnsafeFollower.ts'
import { createUnsafeFollowerMetrics } from './follow/unsafeFollowerMetrics.ts'
import { createWebSocketLink } from './follow/WebSocketLink.ts'
import { createSyncing } from './progress/createSyncing.ts'
import { createSyncReporter, type OnSyncProgress } from './progress/SyncReporter.ts'

/** What a verifier node is made of. */
export type VerifierOptions = {
  rollup: RollupConfig
  /** Directory of the database, or `:memory:`. */
  dataDirectory: string
  l1: Omit<L1ClientOptions, 'metrics' | 'signal'>
  rpc: Pick<RpcServerOptions, 'host' | 'port' | 'corsOrigin' | 'limits'>
  logger: Logger
  /** Name and version, for `web3_clientVersion`. */
  version: string
  /** When and where alarms are told; DEFAULT_ALARM_OPTIONS for what is absent. */
  alarms?: Partial<AlarmOptions>
  /** Hears how far reading L1 has come, in place of the log; undefined when it has been read. */
  onProgress?: OnSyncProgress
  /** A sequencer, or a node that follows it, whose unsafe blocks are followed: `ws(s)://` or `http(s)://`. */
  sequencerUrl?: string
} & Pick<DerivationOptions, 'pollIntervalMs'>

/** A running verifier node. */
export interface Verifier {
  readonly url: string
  readonly wsUrl: string
  readonly store: ChainStore
  readonly derivation: Pick<Derivation, 'status' | 'failure' | 'wrongOutputs'>
  /**
   * Resolves when derivation was stopped; rejects when it failed for good, or with `WrongOutputError` when an output on L1 is
   * wrong and that is to end the process. The server then still answers.
   */
  readonly stopped: Promise<void>
  /** Stops derivation, then the server, then closes the database. */
  close(): Promise<void>
}

/**
 * Starts a verifier: from an L1 node and a rollup config alone it rebuilds the chain, serves it, and checks every output.
 *
 * @throws as `openChainStore` when the database cannot be opened, or when a port cannot be bound.
 */
export function createVerifier(options: VerifierOptions): Promise<Verifier> {
  return startOrRelease((ending) => start(options, ending))
}

async function start(options: VerifierOptions, ending: Ending): Promise<Verifier> {
  const { rollup, logger, rpc, version, pollIntervalMs } = options
  const { signal } = ending
  const metrics = createMetrics()
  const store = await openChainStore(options.dataDirectory, rollup)
  ending.onRelease(() => store.close())
  const { verify, expect, close: closeVerifier } = createParallelVerifier({ logger })
  ending.onRelease(closeVerifier)
  const l1 = createL1Client({ logger, ...options.l1, metrics, signal })
  ending.onRelease(() => l1.close())
  const decoder = createDecoder()
  const engine = createEngine({ store, rollup, verify, parse: decoder.setConfig, logger, metrics })
  ending.onRelease(() => engine.idle())
  const derivation = createDerivation({
    l1,
    store,
    engine,
    rollup,
    logger,
    metrics,
    foresight: { decoder, expect },
    ...(pollIntervalMs !== undefined && { pollIntervalMs }),
  })
  const { onProgress } = options
  const reporter = createSyncReporter({
    derivation,
    l1,
    store,
    engine,
    logger,
    metrics,
    ...(onProgress && { onProgress }),
  })
  const follower = options.sequencerUrl === undefined ? undefined : createFollower(options.sequencerUrl)

  function createFollower(url: string): UnsafeFollower {
    const followerMetrics = createUnsafeFollowerMetrics(metrics.registry)
    const onState = (isConnected: boolean) => followerMetrics.connected.set(isConnected ? 1 : 0)
    const pace = pollIntervalMs === undefined ? {} : { pollIntervalMs }
    return createUnsafeFollower({
      link: url.startsWith('ws')
        ? createWebSocketLink(url, { logger, onState })
        : createHttpLink(url, { ...pace, http: createHttp(signal) }),
      readSigner: createPromiseSignerReader({
        ...options.l1,
        l1,
        rollup,
        metrics,
        logger,
        signal,
      }),
      derivation,
      store,
      engine,
      l1,
      rollup,
      verify,
      logger,
      metrics: followerMetrics,
      now: Date.now,
    })
  }

  function readiness(): readonly RpcErrorData[] {
    if (derivation.failure() !== undefined) return [{ reason: 'DERIVATION_HALTED' }]
    const status = derivation.status()
    return [...(status.isSynced ? [] : [{ reason: 'SYNCING' }]), ...describeTrouble(status)]
  }

  const readMethods = createReadMethods({
    store,
    rollup,
    engine,
    version,
    syncing: createSyncing({ store, rollup, isSynced: () => derivation.status().isSynced, now: Date.now }),
    l1Status: () => derivation.status().l1,
    ...(follower && { findSignature: follower.findSignature }),
  })
  const methods = { ...readMethods, ...reporter.methods }
  const server = await createRpcServer({ ...rpc, methods, logger, metrics, readiness })
  ending.onRelease(() => server.close())
  const alarmed = createAlarmedDerivation({
    derivation,
    store,
    rollup,
    logger,
    metrics,
    version,
    options: { ...DEFAULT_ALARM_OPTIONS, ...options.alarms },
  })
  const stopped = alarmed.run(signal)
  const reporting = reporter.run(signal)
  const following = follower?.run(signal)
  // Nobody has to listen: the failure is logged and answered by /readyz, and what is there can still be read.
  stopped.catch(() => undefined)
  return {
    url: server.url,
    wsUrl: server.wsUrl,
    store,
    derivation,
    stopped,
    async close() {
      ending.begin()
      await stopped.catch(() => undefined)
      await reporting
      await following
      await ending.release()
    },
  }
}
