import type { Hex } from 'viem'
import { createAttributesBuilder, createDerivation, type DerivationOptions } from '../derivation/index.ts'
import {
  type ChainStore,
  createEndableFetch,
  createEngine,
  createL1Client,
  createMetrics,
  createNativeVerifier,
  createReadMethods,
  createRpcServer,
  type L1ClientOptions,
  type Logger,
  openChainStore,
  type RpcErrorData,
  type RpcServer,
  type RpcServerOptions,
  type SyncProgress,
} from '../node/index.ts'
import type { RollupConfig } from '../protocol/index.ts'
import type { PoolOptions } from './admission.ts'
import { type BatcherOptions, createBatcher, DEFAULT_BATCHER_OPTIONS } from './Batcher.ts'
import { createBuilder } from './Builder.ts'
import { createCachingVerifier } from './cachingVerifier.ts'
import { createL1Contracts } from './L1Contracts.ts'
import { createL1Sender } from './L1Sender.ts'
import { createAdminMethods, createFindAccepted, createSendMethods } from './methods.ts'
import { createSequencerMetrics } from './metrics.ts'
import { createOriginSelector } from './OriginSelector.ts'
import { DEFAULT_POOL_OPTIONS, openPool } from './Pool.ts'
import { openPromiseLog } from './PromiseLog.ts'
import { createPromiseSigner } from './PromiseSigner.ts'
import { createProposer, DEFAULT_PROPOSER_OPTIONS, type ProposerOptions } from './Proposer.ts'
import type { Refusal } from './Refusal.ts'
import { createSigningPermit } from './SigningPermit.ts'
import { DEFAULT_TX_MANAGER_OPTIONS, openTxManager, type TxManagerOptions } from './TxManager.ts'

/** What a sequencer is made of. */
export type SequencerOptions = {
  rollup: RollupConfig
  /** Directory of the database, or `:memory:` for one that forgets its promises. */
  dataDirectory: string
  l1: Omit<L1ClientOptions, 'metrics' | 'signal'>
  rpc: Pick<RpcServerOptions, 'host' | 'port' | 'corsOrigin' | 'limits'>
  /** Where the `admin_` methods listen, and the token their callers must bear; nowhere when absent. */
  admin?: { host: string; port: number; token: string }
  /** Key of the promise signer that SystemConfig names. */
  promiseKey: Hex
  /** Key of the batcher that SystemConfig names; when absent nothing is posted to L1. */
  batcherKey?: Hex
  /** Key of the proposer that SystemConfig names; when absent no outputs are proposed. */
  proposerKey?: Hex
  /** Starts without building blocks, until `admin_startSequencer`. */
  isStopped?: boolean
  /** L1 blocks that must stand above an L1 origin; 0 follows the head. */
  l1Confirmations?: bigint
  pool?: Partial<PoolOptions>
  batcher?: Partial<BatcherOptions>
  proposer?: Partial<ProposerOptions>
  txManager?: Partial<TxManagerOptions>
  logger: Logger
  /** Name and version, for `web3_clientVersion`. */
  version: string
} & Pick<DerivationOptions, 'pollIntervalMs' | 'onWrongOutput'>

/** A running sequencer. */
export interface Sequencer {
  readonly url: string
  readonly wsUrl: string
  readonly adminUrl: string | undefined
  readonly store: ChainStore
  /** Resolves when it was closed; rejects when a part failed for good, after which it should be closed. */
  readonly stopped: Promise<void>
  /** Refuses new requests, lets what is begun come to its end, and closes the database. */
  close(): Promise<void>
}

const DEFAULT_L1_CONFIRMATIONS = 4n

/**
 * Starts a sequencer: JSON-RPC, pool, block builder, derivation of its own chain, and where keys are given batcher and proposer.
 *
 * @throws as `openChainStore` when the database cannot be opened, or when a port cannot be bound.
 */
export async function createSequencer(options: SequencerOptions): Promise<Sequencer> {
  const { rollup, logger, version, pollIntervalMs, onWrongOutput } = options
  const metrics = createMetrics()
  const ownMetrics = createSequencerMetrics(metrics.registry)
  const store = await openChainStore(options.dataDirectory, rollup)
  const ending = new AbortController()
  const l1 = createL1Client({ ...options.l1, metrics, signal: ending.signal })
  const fetchFn = createEndableFetch({ signal: ending.signal })
  const verify = createCachingVerifier(createNativeVerifier())
  const engine = createEngine({ store, rollup, verify, logger, metrics })
  const derivation = createDerivation({
    l1,
    store,
    engine,
    rollup,
    logger,
    metrics,
    ...(pollIntervalMs !== undefined && { pollIntervalMs }),
    ...(onWrongOutput && { onWrongOutput }),
  })

  // Before L1 was once read to its head, the chain may have blocks that this database does not know: nothing may be built,
  // promised or posted. Later, falling behind for a moment is no reason to stop.
  let wasSynced = false
  function isSynced(): boolean {
    wasSynced ||= derivation.status().isSynced
    return wasSynced && derivation.failure() === undefined
  }
  const derivedL1 = () => (isSynced() ? derivation.status().derivedL1 : undefined)

  const log = openPromiseLog({ bucket: store.bucket('pool'), metrics: ownMetrics })
  const signer = createPromiseSigner(options.promiseKey, rollup.l2ChainId)
  const contracts = createL1Contracts(options.l1.urls, rollup, fetchFn)
  const shared = { logger, metrics: ownMetrics }
  const permit = createSigningPermit({
    ...shared,
    log,
    store,
    contracts,
    signer: signer.address,
    isReady: isSynced,
  })
  const pool = await openPool({
    ...shared,
    store,
    rollup,
    verify,
    log,
    signer,
    whyNot,
    options: { ...DEFAULT_POOL_OPTIONS, ...options.pool },
  })
  engine.subscribe((event) => pool.handle(event))
  const confirmations = options.l1Confirmations ?? DEFAULT_L1_CONFIRMATIONS
  const builder = createBuilder({
    ...shared,
    store,
    engine,
    rollup,
    verify,
    selector: createOriginSelector({ l1, rollup, confirmations }),
    attributes: createAttributesBuilder({ l1, rollup }),
    pool,
    // Whether the chain is new must be known before this process makes it older.
    isReady: () => isSynced() && !log.isFresh(),
    isActive: options.isStopped !== true,
    now: Date.now,
  })

  function whyNot(): Refusal | undefined {
    if (!builder.isActive()) return { reason: 'SEQUENCER_INACTIVE', message: 'this sequencer is stopped' }
    if (isSynced()) return permit.whyNot()
    return { reason: 'SEQUENCER_NOT_READY', message: 'this sequencer has not read all of L1 yet' }
  }

  const pace = pollIntervalMs === undefined ? {} : { pollIntervalMs }
  const openSender = (name: 'batcher' | 'proposer', privateKey: Hex) =>
    openTxManager({
      ...shared,
      sender: createL1Sender(options.l1.urls, fetchFn),
      privateKey,
      chainId: rollup.l1ChainId,
      bucket: store.bucket(name),
      name,
      options: { ...DEFAULT_TX_MANAGER_OPTIONS, ...pace, ...options.txManager },
      now: Date.now,
    })
  const parts: { run(signal: AbortSignal): Promise<void> }[] = [derivation, permit, builder]
  if (options.batcherKey !== undefined) {
    const txManager = await openSender('batcher', options.batcherKey)
    const batcherOptions = { ...DEFAULT_BATCHER_OPTIONS, ...pace, ...options.batcher }
    const derivedNumber = () => derivedL1()?.number
    parts.push(
      txManager,
      createBatcher({
        ...shared,
        store,
        rollup,
        txManager,
        derivedL1: derivedNumber,
        options: batcherOptions,
      }),
    )
  }
  if (options.proposerKey !== undefined) {
    const txManager = await openSender('proposer', options.proposerKey)
    const proposerOptions = { ...DEFAULT_PROPOSER_OPTIONS, ...pace, ...options.proposer }
    parts.push(
      txManager,
      createProposer({ ...shared, store, rollup, txManager, contracts, derivedL1, options: proposerOptions }),
    )
  }

  function readiness(): readonly RpcErrorData[] {
    if (derivation.failure() !== undefined) return [{ reason: 'DERIVATION_HALTED' }]
    const refusal = whyNot()
    return refusal === undefined ? [] : [{ reason: refusal.reason }]
  }

  function syncing(): SyncProgress {
    if (isSynced()) return undefined
    const { safe, unsafe } = store.heads()
    return { startingBlock: 0n, currentBlock: safe.number, highestBlock: unsafe.number }
  }

  const findRaw = (hash: Hex) => store.transaction(hash)?.raw
  const methods = {
    ...createReadMethods({
      store,
      rollup,
      engine,
      version,
      syncing,
      l1Status: () => derivation.status().l1,
      findAccepted: createFindAccepted({ pool, rollup, findRaw }),
    }),
    ...createSendMethods(pool),
  }
  const servers: RpcServer[] = []
  const serve = async (
    serverOptions: Pick<
      RpcServerOptions,
      'methods' | 'host' | 'port' | 'authToken' | 'corsOrigin' | 'limits'
    >,
  ) => {
    const server = await createRpcServer({ ...serverOptions, logger, metrics, readiness })
    servers.push(server)
    return server
  }

  async function release(): Promise<void> {
    await Promise.all(servers.map((server) => server.close()))
    await engine.idle()
    await pool.flush().catch(() => undefined)
    await l1.close()
    await store.close()
  }

  let server: RpcServer
  let adminUrl: string | undefined
  try {
    server = await serve({ ...options.rpc, methods })
    if (options.admin !== undefined) {
      const { host, port, token } = options.admin
      adminUrl = (await serve({ host, port, authToken: token, methods: createAdminMethods(builder) })).url
    }
  } catch (error) {
    await release()
    throw error
  }

  const running = parts.map((part) => part.run(ending.signal))
  // One part that fails ends all: a sequencer that only seems to work is worse than one that is started again.
  const stopped = Promise.race([pool.failed, Promise.all(running).then(() => undefined)]).catch(
    (error: unknown) => {
      if (!ending.signal.aborted) logger.error({ err: error }, 'a part of the sequencer has failed')
      ending.abort()
      throw error
    },
  )
  stopped.catch(() => undefined)

  return {
    url: server.url,
    wsUrl: server.wsUrl,
    adminUrl,
    store,
    stopped,
    async close() {
      ending.abort()
      await Promise.allSettled(running)
      await release()
    },
  }
}
