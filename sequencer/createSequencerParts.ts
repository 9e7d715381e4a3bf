import type { Hex } from 'viem'
import { privateKeyToAddress } from 'viem/accounts'
import {
  createAlarmedDerivation,
  createAttributesBuilder,
  createDerivation,
  createSyncing,
  createSyncReporter,
  DEFAULT_ALARM_OPTIONS,
  type Derivation,
  type DriverOptions,
  describeTrouble,
} from '../derivation/index.ts'
import {
  type ChainStore,
  createEngine,
  createReadMethods,
  type Engine,
  type Kzg,
  type L1Client,
  type Metrics,
  type RpcErrorData,
  type RpcMethods,
} from '../node/index.ts'
import { KeyrollError, type SignatureVerifier } from '../protocol/index.ts'
import { createBlockSigner } from './BlockSigner.ts'
import { type Builder, createBuilder } from './Builder.ts'
import { createL1HeadWatch, type L1HeadWatch } from './L1HeadWatch.ts'
import type { L1Contracts } from './l1/L1Contracts.ts'
import type { L1Sender } from './l1/L1Sender.ts'
import { DEFAULT_TX_MANAGER_OPTIONS, openTxManager, type TxManager } from './l1/TxManager.ts'
import { createAdminMethods, createFindAccepted, createPromiseMethods, createSendMethods } from './methods.ts'
import { createSequencerMetrics } from './metrics.ts'
import { createOriginSelector } from './OriginSelector.ts'
import { DEFAULT_POOL_OPTIONS, openPool, type Pool } from './pool/Pool.ts'
import { openPromiseLog } from './pool/PromiseLog.ts'
import { createPromiseSigner } from './pool/PromiseSigner.ts'
import type { Refusal } from './pool/Refusal.ts'
import { createSigningPermit, type SigningPermit } from './pool/SigningPermit.ts'
import { type Batcher, createBatcher, DEFAULT_BATCHER_OPTIONS } from './posting/Batcher.ts'
import { createProposer, DEFAULT_PROPOSER_OPTIONS, type Proposer } from './posting/Proposer.ts'
import { createRoleWatch, type RoleWatch } from './RoleWatch.ts'
import type { SequencerOptions } from './SequencerOptions.ts'

/** The outside world of a sequencer's parts: whoever gives another one decides what disk, L1 and time are. */
export type SequencerPartsModules = {
  options: Omit<SequencerOptions, 'dataDirectory' | 'l1' | 'rpc' | 'admin'>
  store: ChainStore
  l1: L1Client
  contracts: L1Contracts
  sender: L1Sender
  /** Needed to post blobs; without it there are none. */
  kzg?: Pick<Kzg, 'commitment' | 'proofs'>
  verify: SignatureVerifier
  foresight?: DriverOptions['foresight']
  metrics: Metrics
  /** Milliseconds since the epoch. */
  now: () => number
}

/**
 * A sequencer without its servers and timers. Each part can be run, or stepped by somebody who decides about the order:
 * `derivation.step`, `permit.refresh`, `roles.refresh`, `builder.step`, `poll` of a transaction manager, `step` of batcher and proposer,
 * `l1Head.refresh` of the batcher.
 */
export interface SequencerParts {
  readonly engine: Engine
  readonly derivation: Derivation
  readonly permit: SigningPermit
  readonly roles: RoleWatch
  readonly pool: Pool
  readonly builder: Builder
  /** Only with the batcher's key. */
  readonly batcher: { batcher: Batcher; txManager: TxManager; l1Head: L1HeadWatch } | undefined
  /** Only with the proposer's key. */
  readonly proposer: { proposer: Proposer; txManager: TxManager } | undefined
  /** All of them; when one ends with an error the others have to be stopped. */
  readonly loops: readonly { run(signal: AbortSignal): Promise<void> }[]
  /** Why no promises are given now; empty when they are. */
  readiness(): readonly RpcErrorData[]
  /** What anybody may call. */
  readonly methods: RpcMethods
  /** What only the operator may call. */
  readonly adminMethods: RpcMethods
}

const DEFAULT_L1_CONFIRMATIONS = 4n

const NOT_NAMED = { batcher: 'BATCHER_NOT_NAMED', proposer: 'PROPOSER_NOT_NAMED' } as const

/**
 * Makes the parts of a sequencer and joins them; nothing happens before they are run or stepped.
 *
 * @throws {SharedKeyError} when batcher and proposer have one key.
 */
export async function createSequencerParts(modules: SequencerPartsModules): Promise<SequencerParts> {
  const { options, store, l1, contracts, sender, kzg, verify, foresight, metrics, now } = modules
  const { batcherKey, proposerKey } = options
  if (batcherKey !== undefined && batcherKey.toLowerCase() === proposerKey?.toLowerCase())
    throw new SharedKeyError()
  const { rollup, logger, version, pollIntervalMs } = options
  const ownMetrics = createSequencerMetrics(metrics.registry)
  const shared = { logger, metrics: ownMetrics }
  const confirmations = options.l1Confirmations ?? DEFAULT_L1_CONFIRMATIONS
  // As often as L1 has a block, where it is polled every second.
  const watchMs = 12 * (pollIntervalMs ?? 1_000)
  const pace = pollIntervalMs === undefined ? {} : { pollIntervalMs }
  const parse = foresight?.decoder.setConfig
  const engine = createEngine({ store, rollup, verify, parse, logger, metrics })
  const derivation = createDerivation({
    l1,
    store,
    engine,
    rollup,
    logger,
    metrics,
    foresight,
    ...pace,
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
  const permit = createSigningPermit({
    ...shared,
    log,
    store,
    contracts,
    signer: signer.address,
    derivedL1: () => derivedL1()?.number,
    confirmations,
    intervalMs: watchMs,
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
    now,
  })

  function whyNot(): Refusal | undefined {
    if (!builder.isActive()) return { reason: 'SEQUENCER_INACTIVE', message: 'this sequencer is stopped' }
    if (isSynced()) return permit.whyNot()
    return { reason: 'SEQUENCER_NOT_READY', message: 'this sequencer has not read all of L1 yet' }
  }

  const addressOf = (key: Hex | undefined) => (key === undefined ? undefined : privateKeyToAddress(key))
  const accounts = { batcher: addressOf(batcherKey), proposer: addressOf(proposerKey) }
  const roles = createRoleWatch({ contracts, accounts, intervalMs: watchMs, logger })

  const openSender = (name: 'batcher' | 'proposer', privateKey: Hex) =>
    openTxManager({
      ...shared,
      sender,
      kzg,
      privateKey,
      chainId: rollup.l1ChainId,
      bucket: store.bucket(name),
      name,
      options: { ...DEFAULT_TX_MANAGER_OPTIONS, ...pace, ...options.txManager },
      now,
      // Of whom SystemConfig does not name the contracts take nothing, and every attempt is paid for.
      mayOffer: () => !roles.missing().includes(name),
    })

  async function openBatcher(key: Hex) {
    const wanted = options.batcher?.dataAvailability ?? DEFAULT_BATCHER_OPTIONS.dataAvailability
    const dataAvailability = wanted === 'auto' && kzg === undefined ? 'calldata' : wanted
    const txManager = await openSender('batcher', key)
    const l1Head = createL1HeadWatch({ l1, intervalMs: watchMs, logger })
    const batcher = createBatcher({
      ...shared,
      store,
      rollup,
      txManager,
      gasPrices: () => sender.gasPrices(),
      // Who is not the batcher keeps the blocks until he is again.
      mayPost: () => isSynced() && !roles.missing().includes('batcher'),
      derivedL1: () => derivation.status().derivedL1?.number,
      seenL1: l1Head.number,
      options: { ...DEFAULT_BATCHER_OPTIONS, ...pace, ...options.batcher, dataAvailability },
    })
    return { batcher, txManager, l1Head }
  }

  async function openProposer(key: Hex) {
    const txManager = await openSender('proposer', key)
    const proposer = createProposer({
      ...shared,
      store,
      rollup,
      txManager,
      contracts,
      derivedL1,
      options: { ...DEFAULT_PROPOSER_OPTIONS, ...pace, ...options.proposer },
    })
    return { proposer, txManager }
  }

  const batcher = batcherKey === undefined ? undefined : await openBatcher(batcherKey)
  const proposer = proposerKey === undefined ? undefined : await openProposer(proposerKey)

  function readiness(): readonly RpcErrorData[] {
    if (derivation.failure() !== undefined) return [{ reason: 'DERIVATION_HALTED' }]
    const refusal = whyNot()
    return [
      ...(refusal === undefined ? [] : [{ reason: refusal.reason }]),
      ...roles.missing().map((role) => ({ reason: NOT_NAMED[role] })),
      ...describeTrouble(derivation.status()),
    ]
  }

  const reporter = createSyncReporter({ derivation, l1, store, engine, logger, metrics })
  // Made before the methods, for it must know of a new block before subscribers are told.
  const findSignature = createBlockSigner({ engine, store, signer, permit })
  const findRaw = (hash: Hex) => store.transaction(hash)?.raw
  return {
    engine,
    derivation,
    permit,
    roles,
    pool,
    builder,
    batcher,
    proposer,
    loops: [
      reporter,
      createAlarmedDerivation({
        derivation,
        store,
        rollup,
        logger,
        metrics,
        version,
        options: { ...DEFAULT_ALARM_OPTIONS, ...options.alarms },
      }),
      permit,
      roles,
      builder,
      ...(batcher === undefined ? [] : [batcher.txManager, batcher.l1Head, batcher.batcher]),
      ...(proposer === undefined ? [] : [proposer.txManager, proposer.proposer]),
    ],
    readiness,
    methods: {
      ...createReadMethods({
        store,
        rollup,
        engine,
        version,
        syncing: createSyncing({ store, rollup, isSynced, now }),
        l1Status: () => derivation.status().l1,
        findAccepted: createFindAccepted({ pool, rollup, findRaw }),
        findSignature,
      }),
      ...reporter.methods,
      ...createSendMethods(pool),
      ...createPromiseMethods(pool),
    },
    adminMethods: createAdminMethods(builder),
  }
}

/** Reports one key for two roles whose transactions would take each other's nonces. */
export class SharedKeyError extends KeyrollError {
  override readonly name = 'SharedKeyError'
  constructor() {
    super(
      'got one key for batcher and proposer, expected two: each gives out the nonces of its account by itself. ' +
        'Have SystemConfig name two accounts',
    )
  }
}
