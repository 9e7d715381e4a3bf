import { Registry } from 'prom-client'
import { fromHex } from 'viem'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createLogger } from '../node/index.ts'
import { batchFromBytes, decodeBatcherData } from '../protocol/index.ts'
import { createFakeL1Sender, type FakeL1Sender } from '../test/FakeL1Sender.ts'
import { openTestChain, type TestChain } from '../test/TestChain.ts'
import { createTestKeystore } from '../test/TestKeystore.ts'
import { type Batcher, type BatcherOptions, createBatcher, DEFAULT_BATCHER_OPTIONS } from './Batcher.ts'
import { TransactionRevertedError } from './L1Sender.ts'
import { createSequencerMetrics } from './metrics.ts'
import { DEFAULT_TX_MANAGER_OPTIONS, openTxManager, type TxManager } from './TxManager.ts'

const logger = createLogger({ level: 'silent' })

describe('Batcher', () => {
  let l1: FakeL1Sender
  let chain: TestChain
  let txManager: TxManager
  let batcher: Batcher
  let derivedL1: bigint | undefined

  beforeEach(async () => {
    l1 = createFakeL1Sender()
    l1.mine()
    chain = await openTestChain()
    derivedL1 = 110n
    await open({ maxChannelDuration: 0n })
  })
  afterEach(() => chain.close())

  /** Opens the batcher on the test's chain and L1, as a restarted process does. */
  async function open(options: Partial<BatcherOptions> = {}) {
    const metrics = createSequencerMetrics(new Registry())
    txManager = await openTxManager({
      sender: l1,
      privateKey: `0x${'11'.repeat(32)}`,
      chainId: 900n,
      bucket: chain.store.bucket('batcher'),
      name: 'batcher',
      options: DEFAULT_TX_MANAGER_OPTIONS,
      logger,
      metrics,
      now: Date.now,
    })
    batcher = createBatcher({
      store: chain.store,
      rollup: chain.rollup,
      txManager,
      gasPrices: () => l1.gasPrices(),
      derivedL1: () => derivedL1,
      options: { ...DEFAULT_BATCHER_OPTIONS, windowMargin: 5n, ...options },
      logger,
      metrics,
    })
  }

  async function build(count: number, bytesEach = 0) {
    for (let i = 0; i < count; i++) {
      const raws = Array.from({ length: Math.ceil(bytesEach / 4096) }, (_, at) => {
        const keystore = createTestKeystore(chain.rollup.l2ChainId, `batcher ${chain.head().number} ${at}`)
        return keystore.update({ data: `0x${'ee'.repeat(4096)}` }).raw
      })
      await chain.build(raws)
    }
  }
  /** The parent hashes of the batches in each transaction, which name the blocks. */
  const posted = () =>
    [...l1.mined(), ...l1.pool()].map(({ data }) => {
      const decoded = decodeBatcherData(fromHex(data, 'bytes'))
      if (!decoded.ok) return expect.unreachable(decoded.reason)
      return decoded.batches.map((batch) => numberOf(batchFromBytes(batch).parentHash))
    })
  const numberOf = (parentHash: `0x${string}`) =>
    Number(chain.store.blockByHash(parentHash)?.header.number ?? -2n) + 1
  async function mine() {
    l1.mine()
    await txManager.poll()
    await new Promise(setImmediate)
  }

  it('posts every unsafe block once, in order', async () => {
    await build(3)
    await batcher.step()
    await build(2)
    await batcher.step()
    await batcher.step()
    expect(posted()).toEqual([
      [1, 2, 3],
      [4, 5],
    ])
  })

  it('waits for blocks to share a transaction, but no longer than asked', async () => {
    await open({ maxChannelDuration: 3n })
    await build(1)
    await batcher.step()
    derivedL1 = 112n
    await build(1)
    await batcher.step()
    expect(posted()).toEqual([])
    derivedL1 = 113n
    await batcher.step()
    expect(posted()).toEqual([[1, 2]])
  })

  it('does not wait when the sequencing window is about to close', async () => {
    await open({ maxChannelDuration: 1_000n, windowMargin: 5n })
    await build(1)
    derivedL1 = 100n + chain.rollup.seqWindowSize - 6n
    await batcher.step()
    expect(posted()).toEqual([])
    derivedL1 = 100n + chain.rollup.seqWindowSize - 5n
    await batcher.step()
    expect(posted()).toEqual([[1]])
  })

  it('cuts transactions to what L1 nodes take, and sends a block that is larger alone', async () => {
    await build(5, 45_000)
    await build(1, 28 * 4096)
    await build(1)
    await batcher.step()
    expect(posted()).toEqual([[1, 2], [3, 4], [5], [6], [7]])
    const sizes = l1.pool().map(({ data }) => (data.length - 2) / 2)
    expect(Math.max(...sizes)).toBeLessThan(131_072 - 500)
    expect(sizes.filter((_, i) => i !== 3).every((size) => size <= 120_000)).toBe(true)
  })

  it('limits how many transactions are under way', async () => {
    await open({ maxChannelDuration: 0n, maxPending: 2, maxDataBytes: 1 })
    derivedL1 = 0n
    await build(4)
    await batcher.step()
    await batcher.step()
    expect(posted()).toEqual([[1], [2]])
    await mine()
    await batcher.step()
    expect(posted()).toEqual([[1], [2], [3], [4]])
  })

  it('posts nothing before L1 has been read, and nothing that is safe already', async () => {
    derivedL1 = undefined
    await build(3)
    await batcher.step()
    expect(posted()).toEqual([])
    await chain.makeSafe(2n)
    derivedL1 = 110n
    await batcher.step()
    expect(posted()).toEqual([[3]])
  })

  it('knows after a restart what is under way', async () => {
    await build(2)
    await batcher.step()
    await open({ maxChannelDuration: 0n })
    await build(1)
    await batcher.step()
    expect(posted()).toEqual([[1, 2], [3]])
  })

  it('posts again what is in an L1 block and did not become safe', async () => {
    await build(2)
    await batcher.step()
    await mine()
    await build(1)
    derivedL1 = 0n
    await batcher.step()
    expect(posted()).toEqual([[1, 2], [3]])
    derivedL1 = 1n
    await batcher.step()
    expect(posted()).toEqual([[1, 2], [3], [1, 2, 3]])
  })

  it('posts again what reverted, with all that followed', async () => {
    await open({ maxChannelDuration: 0n, maxDataBytes: 1 })
    derivedL1 = 0n
    await build(3)
    await batcher.step()
    l1.reverts = ({ nonce }) => nonce === 1n
    await mine()
    await batcher.step()
    expect(posted()).toEqual([[1], [2], [3], [2], [3]])
  })

  it('posts the new blocks after a reorg of unsafe ones', async () => {
    await build(2)
    await batcher.step()
    await chain.engine.reset(0n)
    await chain.build([createTestKeystore(chain.rollup.l2ChainId, 'another chain').update().raw])
    await batcher.step()
    expect(posted()).toHaveLength(2)
    expect(posted()[1]).toEqual([1])
  })

  it('goes on when the inbox refuses, and says so', async () => {
    const estimateGas = l1.estimateGas
    l1.estimateGas = ({ to }) => Promise.reject(new TransactionRevertedError(to, 'NotBatcher'))
    await build(1)
    await batcher.step()
    expect(posted()).toEqual([])
    l1.estimateGas = estimateGas
    await batcher.step()
    expect(posted()).toEqual([[1]])
  })
})
