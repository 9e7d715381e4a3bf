import { beforeAll, describe, expect, it } from 'vitest'
import { openTestNode, type TestNode } from '../../test/derivationWorld.ts'
import { createSnapshotWorld, type SnapshotWorld, storeFromSnapshot } from '../../test/snapshots.ts'
import { createReadMethods } from './ReadMethods.ts'
import type { RpcContext, RpcMethods } from './RpcDispatcher.ts'
import { RpcError } from './RpcError.ts'

const context: RpcContext = { notify: undefined, onClose: () => undefined }

let world: SnapshotWorld
let young: TestNode
let methods: { young: RpcMethods; full: RpcMethods }
beforeAll(async () => {
  world = await createSnapshotWorld()
  young = await openTestNode(
    world.rollup,
    world.l1.client,
    await storeFromSnapshot(world.bytes, world.rollup),
  )
  await young.catchUp()
  const { rollup } = world
  const methodsOf = ({ store, engine, driver }: TestNode) => {
    const l1Status = () => driver().status().l1
    return createReadMethods({ store, rollup, engine, version: 'test', syncing: () => undefined, l1Status })
  }
  methods = { young: methodsOf(young), full: methodsOf(world.node) }
})

async function ask(node: keyof typeof methods, method: string, ...params: unknown[]): Promise<unknown> {
  try {
    return await methods[node][method]?.(params, context)
  } catch (error) {
    if (error instanceof RpcError) return error.data
    throw error
  }
}

const both = async (method: string, ...params: unknown[]) =>
  expect(await ask('young', method, ...params)).toEqual(await ask('full', method, ...params))
const BEFORE = { reason: 'BEFORE_SNAPSHOT', firstBlock: '0x6' }

describe('a node that began with a snapshot', () => {
  it('answers about its first block and all above it as every other node does', async () => {
    const [idle, overtaken, busy] = world.keystores
    for (const number of ['0x6', '0x7', '0x9', 'latest', 'safe', 'finalized', '0x63']) {
      await both('eth_getBlockByNumber', number, true)
      await both('eth_getBlockReceipts', number)
      await both('eth_getBlockTransactionCountByNumber', number)
      await both('optimism_outputAtBlock', number)
      for (const { id } of [idle, overtaken, busy]) {
        await both('keyroll_getConfig', id, number)
        await both('keyroll_getConfigProof', id, number)
        await both('eth_getStorageAt', '0x4200000000000000000000000000000000000016', id, number)
      }
    }
    await both('eth_getLogs', { fromBlock: '0x6', toBlock: 'latest' })
    await both('eth_feeHistory', '0x3', 'latest', [])
    for (const index of ['0x2', '0x3', '0x4']) await both('keyroll_getOutput', index)
    for (const block of ['0x7', '0x9', '0xc', 'latest']) await both('keyroll_getOutputForBlock', block)
    await both('keyroll_getLatestOutput')
    for (const l1Block of ['0x68', '0x69', '0x6f', '0x3e7']) await both('optimism_safeHeadAtL1Block', l1Block)
    const { transactions } = (await ask('full', 'eth_getBlockByNumber', '0x9', false)) as {
      transactions: string[]
    }
    expect(transactions).toHaveLength(1)
    for (const method of ['eth_getTransactionByHash', 'eth_getTransactionReceipt', 'keyroll_getStatus']) {
      await both(method, transactions[0])
    }
  })

  it('says of what is below that it is before its snapshot', async () => {
    const [, , busy] = world.keystores
    for (const number of ['0x0', '0x5']) {
      expect(await ask('young', 'eth_getBlockByNumber', number, false)).toEqual(BEFORE)
      expect(await ask('young', 'eth_getBlockReceipts', number)).toEqual(BEFORE)
      expect(await ask('young', 'eth_getBlockTransactionCountByNumber', number)).toEqual(BEFORE)
      expect(await ask('young', 'keyroll_getConfig', busy.id, number)).toEqual(BEFORE)
      expect(await ask('young', 'eth_getProof', `0x${'11'.repeat(20)}`, [], number)).toEqual(BEFORE)
      expect(await ask('young', 'eth_getLogs', { fromBlock: number, toBlock: 'latest' })).toEqual(BEFORE)
      expect(await ask('young', 'eth_feeHistory', '0x1', number, [])).toEqual(BEFORE)
      expect(await ask('young', 'optimism_outputAtBlock', number)).toEqual(BEFORE)
      expect(await ask('young', 'keyroll_getOutputForBlock', number)).toEqual(BEFORE)
    }
    expect(await ask('young', 'keyroll_getOutputForBlock', '0x6')).toEqual(BEFORE)
    expect(await ask('young', 'keyroll_getOutput', '0x1')).toEqual(BEFORE)
    expect(await ask('young', 'optimism_safeHeadAtL1Block', '0x67')).toEqual(BEFORE)
    expect(await ask('young', 'optimism_safeHeadAtL1Block', '0x63')).toEqual({ reason: 'BEFORE_GENESIS' })
  })

  it('takes its first block for the earliest, and tells of fees from there', async () => {
    expect(await ask('young', 'eth_getBlockByNumber', 'earliest', true)).toEqual(
      await ask('full', 'eth_getBlockByNumber', '0x6', true),
    )
    expect(await ask('young', 'eth_getLogs', { fromBlock: 'earliest' })).toEqual(
      await ask('full', 'eth_getLogs', { fromBlock: '0x6' }),
    )
    expect(await ask('young', 'eth_feeHistory', '0x400', 'latest', [])).toMatchObject({ oldestBlock: '0x6' })
    expect(await ask('young', 'eth_feeHistory', '0x1', 'earliest', [])).toMatchObject({ oldestBlock: '0x6' })
    expect(await ask('full', 'eth_feeHistory', '0x400', 'latest', [])).toMatchObject({ oldestBlock: '0x0' })
  })

  it('knows nothing by hash of what was before', async () => {
    const genesis = world.rollup.genesis.l2.hash
    const { transactions } = (await ask('full', 'eth_getBlockByNumber', '0x1', false)) as {
      transactions: string[]
    }
    expect(await ask('young', 'eth_getBlockByHash', genesis, false)).toBeNull()
    for (const method of ['eth_getTransactionByHash', 'eth_getTransactionReceipt']) {
      expect(await ask('young', method, transactions[0])).toBeNull()
    }
    expect(await ask('young', 'keyroll_getStatus', transactions[0])).toMatchObject({ stage: 'unknown' })
  })
})
