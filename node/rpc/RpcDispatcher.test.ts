import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Receipt } from '../../protocol/index.ts'
import { attributesOn, createTestKeystore, createTestRollup } from '../../test/chainFixtures.ts'
import { type RpcAnswer, startTestRpc, type TestRpc } from '../../test/rpcServer.ts'
import { createLogger } from '../Logger.ts'
import { createMetrics } from '../Metrics.ts'
import type { ChainStore } from '../store/ChainStore.ts'
import { createEthMethods } from './EthMethods.ts'
import { createHoldings, type Holding } from './Holdings.ts'
import { createRpcDispatcher, type RpcContext, type RpcMethods } from './RpcDispatcher.ts'

const BLOCKS = 40
const rollup = createTestRollup()
const context: RpcContext = { notify: undefined, onClose: () => undefined }

let rpc: TestRpc
/** The store, in which a look at a block takes 5 ms and is counted. */
let store: ChainStore
let time: number
let blockReads: number
let logReads: number
beforeAll(async () => {
  rpc = await startTestRpc(rollup)
  for (const raw of createTestKeystore(rollup, 'gus', BLOCKS).raws) {
    await rpc.engine.build((head) => attributesOn(head, rollup, [raw]))
  }
  const countReads = (receipt: Receipt): Receipt => ({
    ...receipt,
    logs: receipt.logs.map(({ address, topics, data }) => ({
      address,
      topics,
      get data() {
        logReads++
        return data
      },
    })),
  })
  store = {
    ...rpc.store,
    blockByNumber(number) {
      blockReads++
      time += 5
      return rpc.store.blockByNumber(number)
    },
    receiptsOf: (hash) => rpc.store.receiptsOf(hash)?.map(countReads),
  }
})
afterAll(() => rpc.close())
beforeEach(() => {
  time = 0
  blockReads = 0
  logReads = 0
})

function createDispatcher(methods: RpcMethods, maxResponseBytes = 1_000_000) {
  return createRpcDispatcher({
    methods,
    limits: {
      maxRequestBytes: 10_000,
      maxResponseBytes,
      maxBatchLength: 100,
      maxDepth: 8,
      maxConnections: 1,
      maxSocketRequests: 1,
      maxHeldBytes: 1,
    },
    logger: createLogger({ level: 'silent' }),
    metrics: createMetrics(),
    now: () => time,
  })
}

const openHolding = (maxBytes = 10_000_000) => createHoldings(maxBytes)(() => undefined)
const callOf = (method: string, ...params: unknown[]) => ({ jsonrpc: '2.0', id: 1, method, params })
const batchOf = (length: number, method: string, ...params: unknown[]) =>
  JSON.stringify(new Array(length).fill(callOf(method, ...params)))
const ALL = { fromBlock: 'earliest', toBlock: 'latest' }

/** Asks the methods that read the chain. */
function askChain(text: string, { maxResponseBytes = 1_000_000, holding = openHolding() } = {}) {
  const methods = createEthMethods({ store, rollup, syncing: () => undefined })
  return createDispatcher(methods, maxResponseBytes).handle(text, context, holding)
}

const outcomes = (answer: string | undefined) =>
  (JSON.parse(answer ?? '[]') as RpcAnswer[]).map(({ error }) => error?.data.reason ?? 'ok')

/** Waits for work, and tells how much `time` passed at most between two turns of the event loop. */
async function longestTurn(work: Promise<unknown>): Promise<number> {
  let longest = 0
  let isDone = false
  work.finally(() => {
    isDone = true
  })
  let began = 0
  while (!isDone) {
    await nextTurn()
    longest = Math.max(longest, time - began)
    began = time
  }
  await work
  return longest
}

describe('a dispatcher that is asked for much', () => {
  it.each([
    ['a search for logs', 'eth_getLogs', [{ ...ALL, topics: [null, null, null] }], 1],
    ['searches for logs', 'eth_getLogs', [ALL], 5],
    ['fee histories', 'eth_feeHistory', ['0x400', 'latest'], 5],
    ['quick calls', 'eth_getBlockByNumber', ['0x2'], 100],
  ])('lets the event loop turn during %s', async (_name, method, params, length) => {
    expect(await longestTurn(askChain(batchOf(length, method, ...params)))).toBeLessThanOrEqual(40)
    expect(blockReads).toBeGreaterThanOrEqual(Math.min(BLOCKS, length * 5))
  })

  it('lets it turn during the quick calls of many callers', async () => {
    const methods = createEthMethods({ store, rollup, syncing: () => undefined })
    const dispatcher = createDispatcher(methods)
    const text = JSON.stringify(callOf('eth_getBlockByNumber', '0x2'))
    const all = Array.from({ length: 50 }, () => dispatcher.handle(text, context, openHolding()))
    expect(await longestTurn(Promise.all(all))).toBeLessThanOrEqual(40)
    expect(blockReads).toBe(50)
  })

  it('runs the calls of a batch one after the other', async () => {
    let inside = 0
    const most: number[] = []
    const dispatcher = createDispatcher({
      async wait() {
        most.push(++inside)
        await nextTurn()
        inside--
      },
    })
    await dispatcher.handle(batchOf(3, 'wait'), context, openHolding())
    expect(most).toEqual([1, 1, 1])
  })

  it('stops searching for logs when the answer gets too large, in the calls that follow too', async () => {
    const answer = await askChain(batchOf(20, 'eth_getLogs', ALL), { maxResponseBytes: 3_000 })
    expect(outcomes(answer)).toEqual(new Array(20).fill('RESPONSE_TOO_LARGE'))
    expect(blockReads).toBeLessThan(10)
  })

  it('gives a call of a batch what the ones before it left', async () => {
    const one = JSON.stringify(
      (JSON.parse((await askChain(JSON.stringify(callOf('eth_getLogs', ALL)))) ?? '') as RpcAnswer).result,
    )
    const answer = await askChain(batchOf(3, 'eth_getLogs', ALL), { maxResponseBytes: 2 * one.length })
    expect(outcomes(answer)).toEqual(['ok', 'ok', 'RESPONSE_TOO_LARGE'])
  })

  it('turns no logs into JSON that were not asked for', async () => {
    const answer = await askChain(batchOf(1, 'eth_getLogs', { ...ALL, topics: [null, null, null] }))
    expect(JSON.parse(answer ?? '')).toMatchObject([{ result: [] }])
    expect(blockReads).toBeGreaterThanOrEqual(BLOCKS)
    expect(logReads).toBe(0)
  })

  it('stops working for a caller who is gone', async () => {
    const holding = openHolding()
    const work = askChain(batchOf(50, 'eth_getLogs', ALL), { holding })
    while (blockReads === 0) await nextTurn()
    holding.end()
    expect(await work).toBeUndefined()
    expect(blockReads).toBeLessThan(BLOCKS)
  })

  it('counts what it keeps of requests and answers as long as it works on them', async () => {
    let held = 0
    let most = 0
    const holding: Holding = {
      add(bytes) {
        held += bytes
        most = Math.max(most, held)
      },
      end: () => undefined,
      over: new AbortController().signal,
    }
    const dispatcher = createDispatcher({ text: () => 'x'.repeat(500) })
    await dispatcher.handle(batchOf(10, 'text', [[], [], {}]), context, holding)
    // Ten results, and for each call at least the five brackets of its params.
    expect(most).toBeGreaterThan(10 * 500 + 10 * 5 * 40)
    expect(held).toBe(0)
  })

  it('closes the connection of a caller whose answers take all that it may keep', async () => {
    const answer = await askChain(batchOf(20, 'eth_getLogs', ALL), { holding: openHolding(100_000) })
    expect(answer).toBeUndefined()
    expect(blockReads).toBeLessThan(20 * BLOCKS)
  })
})
