import type { Hex } from 'viem'
import {
  type ChainStore,
  createEngine,
  createLogger,
  createMetrics,
  createReadMethods,
  createRpcServer,
  type Engine,
  type L1BlockRef,
  openChainStore,
  type PendingSetConfig,
  type RpcErrorData,
  type RpcServer,
  type RpcServerOptions,
} from '../node/index.ts'
import { type RollupConfig, verifySignature } from '../protocol/index.ts'
import { fakeHash } from './chainFixtures.ts'

/** A node's read RPC on a chain in memory. */
export type TestRpc = {
  store: ChainStore
  engine: Engine
  server: RpcServer
  /** What the tests let the node know of L1 and of accepted set-configs. */
  world: { head: L1BlockRef | undefined; accepted: Map<Hex, PendingSetConfig>; notReady: RpcErrorData[] }
  call(method: string, params?: unknown): Promise<RpcAnswer>
  close(): Promise<void>
}

/** A JSON-RPC response, unchecked. */
export type RpcAnswer = {
  jsonrpc?: unknown
  id?: unknown
  result?: unknown
  error?: { code: number; message: string; data: { reason: string } & Record<string, unknown> }
}

/** Serves a rollup's read methods on a free port. */
export async function startTestRpc(
  rollup: RollupConfig,
  options: Partial<RpcServerOptions> = {},
): Promise<TestRpc> {
  const store = await openChainStore(':memory:', rollup)
  const logger = createLogger({ level: 'silent' })
  const metrics = createMetrics()
  const engine = createEngine({ store, rollup, verify: verifySignature, logger, metrics })
  const world: TestRpc['world'] = {
    head: {
      number: 500n,
      hash: fakeHash('l1 500'),
      parentHash: fakeHash('l1 499'),
      timestamp: 1_700_001_000n,
    },
    accepted: new Map(),
    notReady: [],
  }
  const methods = createReadMethods({
    store,
    rollup,
    engine,
    l1Status: () => ({ current: world.head, head: world.head, safe: undefined, finalized: undefined }),
    syncing: () => undefined,
    findAccepted: (hash) => world.accepted.get(hash),
    version: 'keyroll/test',
  })
  const server = await createRpcServer({
    methods,
    host: '127.0.0.1',
    port: 0,
    logger,
    metrics,
    readiness: () => world.notReady,
    ...options,
  })
  return {
    store,
    engine,
    server,
    world,
    call: async (method, params = []) => {
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
      const response = await fetch(server.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      })
      return (await response.json()) as RpcAnswer
    },
    close: async () => {
      await server.close()
      await store.close()
    },
  }
}
