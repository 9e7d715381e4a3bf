import { createDecoder } from '../derivation/index.ts'
import {
  type ChainStore,
  createEndableFetch,
  createKzg,
  createL1Client,
  createMetrics,
  createParallelVerifier,
  createPromiseSignerReader,
  createRpcServer,
  type Ending,
  openChainStore,
  type RpcServerOptions,
  startOrRelease,
} from '../node/index.ts'
import { createSequencerParts } from './createSequencerParts.ts'
import { createL1Contracts } from './l1/L1Contracts.ts'
import { createL1Nodes } from './l1/L1Nodes.ts'
import { createL1Sender } from './l1/L1Sender.ts'
import { createCachingVerifier } from './pool/cachingVerifier.ts'
import type { SequencerOptions } from './SequencerOptions.ts'

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

/**
 * Starts a sequencer: JSON-RPC, pool, block builder, derivation of its own chain, and where keys are given batcher and proposer.
 *
 * @throws as `openChainStore` when the database cannot be opened, or when a port cannot be bound.
 */
export function createSequencer(options: SequencerOptions): Promise<Sequencer> {
  return startOrRelease((ending) => start(options, ending))
}

async function start(options: SequencerOptions, ending: Ending): Promise<Sequencer> {
  const { rollup, logger } = options
  const metrics = createMetrics()
  const store = await openChainStore(options.dataDirectory, rollup)
  ending.onRelease(() => store.close())
  const parallel = createParallelVerifier({ logger })
  ending.onRelease(() => parallel.close())
  const kzg = createKzg({ logger })
  ending.onRelease(() => kzg.close())
  const l1 = createL1Client({ logger, ...options.l1, metrics, signal: ending.signal, kzg })
  ending.onRelease(() => l1.close())
  const { signal } = ending
  const fetchFn = createEndableFetch({ signal })
  const l1Nodes = createL1Nodes({ urls: options.l1.urls, chainId: rollup.l1ChainId, logger, fetchFn })
  const readSigner = createPromiseSignerReader({ ...options.l1, l1, rollup, metrics, logger, signal })
  const parts = await createSequencerParts({
    options,
    store,
    l1,
    contracts: createL1Contracts(l1Nodes, rollup, readSigner),
    sender: createL1Sender(l1Nodes),
    // What is posted in blobs must be read from blobs again.
    ...((options.l1.beaconUrls?.length ?? 0) > 0 && { kzg }),
    verify: createCachingVerifier(parallel.verify),
    foresight: { decoder: createDecoder(), expect: parallel.expect },
    metrics,
    now: Date.now,
  })
  const { engine, pool, methods, adminMethods, readiness, loops } = parts
  ending.onRelease(async () => {
    await engine.idle()
    await pool.flush().catch(() => undefined)
  })

  const serve = async (
    serverOptions: Pick<
      RpcServerOptions,
      'methods' | 'host' | 'port' | 'authToken' | 'corsOrigin' | 'limits'
    >,
  ) => {
    const server = await createRpcServer({ ...serverOptions, logger, metrics, readiness })
    ending.onRelease(() => server.close())
    return server
  }
  const server = await serve({ ...options.rpc, methods })
  let adminUrl: string | undefined
  if (options.admin !== undefined) {
    const { host, port, token } = options.admin
    adminUrl = (await serve({ host, port, authToken: token, methods: adminMethods })).url
  }

  const running = loops.map((loop) => loop.run(ending.signal))
  // One part that fails ends all: a sequencer that only seems to work is worse than one that is started again.
  const stopped = Promise.race([pool.failed, Promise.all(running).then(() => undefined)]).catch(
    (error: unknown) => {
      if (!ending.signal.aborted) logger.error({ err: error }, 'a part of the sequencer has failed')
      ending.begin()
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
      ending.begin()
      await Promise.allSettled(running)
      await ending.release()
    },
  }
}
