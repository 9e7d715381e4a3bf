import { Registry } from 'prom-client'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createLogger, createMemoryDatabase, createOpaqueBucket } from '../node/index.ts'
import { createFakeL1Sender, type FakeL1Sender } from '../test/FakeL1Sender.ts'
import { createSequencerMetrics } from './metrics.ts'
import {
  DEFAULT_TX_MANAGER_OPTIONS,
  NonceGapError,
  NonceTakenError,
  openTxManager,
  type TxManager,
  type TxManagerOptions,
} from './TxManager.ts'

const privateKey = `0x${'11'.repeat(32)}` as const
const otherKey = `0x${'22'.repeat(32)}` as const
const inbox = `0x${'ab'.repeat(20)}` as const
const gwei = 1_000_000_000n

describe('TxManager', () => {
  let l1: FakeL1Sender
  let database: ReturnType<typeof createMemoryDatabase>
  let clock = 0

  beforeEach(() => {
    l1 = createFakeL1Sender()
    l1.mine()
    database = createMemoryDatabase()
    clock = 0
  })
  afterEach(() => database.close())

  /** Opens a manager on the test's database, as a restarted process does. */
  function open(
    options: Partial<TxManagerOptions> = {},
    key = privateKey,
    name: 'batcher' | 'proposer' = 'batcher',
  ) {
    return openTxManager({
      sender: l1,
      privateKey: key,
      chainId: 900n,
      bucket: createOpaqueBucket(database, name),
      name,
      options: { ...DEFAULT_TX_MANAGER_OPTIONS, ...options },
      logger: createLogger({ level: 'silent' }),
      metrics: createSequencerMetrics(new Registry()),
      now: () => clock,
    })
  }

  const send = (manager: TxManager, reference: string) =>
    manager.send({ to: inbox, data: new TextEncoder().encode(reference), reference })
  const stateOf = (promise: Promise<unknown>) =>
    Promise.race([
      promise.then(
        () => 'resolved',
        () => 'rejected',
      ),
      new Promise((resolve) => setImmediate(() => resolve('pending'))),
    ])

  it('sends in the order of the calls, with consecutive nonces', async () => {
    const manager = await open()
    const sent = await Promise.all([send(manager, 'a'), send(manager, 'b'), send(manager, 'c')])
    expect(sent.map(({ nonce }) => nonce)).toEqual([0n, 1n, 2n])
    l1.mine()
    await manager.poll()
    const receipts = await Promise.all(sent.map(({ confirmed }) => confirmed))
    expect(receipts.map(({ status }) => status)).toEqual(['success', 'success', 'success'])
    expect(l1.mined().map(({ data }) => data)).toEqual(['0x61', '0x62', '0x63'])
  })

  it('tells the sender that a transaction reverted', async () => {
    const manager = await open()
    const sent = await send(manager, 'a')
    l1.reverts = () => true
    l1.mine()
    await manager.poll()
    expect(await sent.confirmed).toMatchObject({ status: 'reverted' })
  })

  it('waits for the asked number of confirmations', async () => {
    const manager = await open({ confirmations: 3n })
    const { confirmed } = await send(manager, 'a')
    for (const expected of ['pending', 'pending', 'resolved']) {
      l1.mine()
      await manager.poll()
      expect(await stateOf(confirmed)).toBe(expected)
    }
  })

  it('raises the fees by at least 10 % when a transaction is stuck, until it is taken', async () => {
    const manager = await open()
    const { confirmed } = await send(manager, 'a')
    l1.baseFee = 100n * gwei
    l1.mine()
    await manager.poll()
    expect(l1.pool()[0]?.maxFeePerGas).toBe(3n * gwei)
    clock += DEFAULT_TX_MANAGER_OPTIONS.resubmitAfterMs
    await manager.poll()
    expect(l1.pool()[0]?.maxFeePerGas).toBe(201n * gwei)
    l1.mine()
    await manager.poll()
    expect(await confirmed).toMatchObject({ status: 'success' })
  })

  it('never pays more than the ceiling, and goes on once the base fee has fallen', async () => {
    const ceiling = 50n * gwei
    const manager = await open({
      feeLimits: { minPriorityFeePerGas: 1n, maxFeePerGas: ceiling, maxFeePerBlobGas: ceiling },
    })
    l1.baseFee = 400n * gwei
    const { confirmed } = await send(manager, 'a')
    for (let round = 0; round < 5; round++) {
      clock += DEFAULT_TX_MANAGER_OPTIONS.resubmitAfterMs
      l1.mine()
      await manager.poll()
    }
    expect(l1.pool().map(({ maxFeePerGas }) => maxFeePerGas)).toEqual([ceiling])
    l1.baseFee = 40n * gwei
    l1.mine()
    await manager.poll()
    expect(await confirmed).toMatchObject({ status: 'success' })
  })

  it('offers a transaction again, for the same fees, to nodes that forgot it', async () => {
    const manager = await open()
    const { confirmed } = await send(manager, 'a')
    const before = l1.pool()
    l1.forgetPool()
    l1.mine()
    clock += DEFAULT_TX_MANAGER_OPTIONS.resubmitAfterMs / 4
    await manager.poll()
    expect(l1.pool()).toEqual(before)
    l1.mine()
    await manager.poll()
    expect(await confirmed).toMatchObject({ status: 'success' })
  })

  it('finds the receipt of an earlier attempt when that one made it into a block', async () => {
    const manager = await open()
    const { confirmed } = await send(manager, 'a')
    const first = l1.pool()[0]?.hash
    clock += DEFAULT_TX_MANAGER_OPTIONS.resubmitAfterMs
    l1.mine()
    // The transaction is in a block by now, so the raise comes to nothing.
    await manager.poll()
    expect(await confirmed).toMatchObject({ transactionHash: first })
  })

  it('outbids a transaction that another process left in the pool under its nonce', async () => {
    const stranger = await open({}, privateKey, 'proposer')
    l1.priorityFee = 2n * gwei
    await send(stranger, 'stranger')
    l1.priorityFee = gwei
    const manager = await open()
    const { confirmed } = await send(manager, 'mine')
    for (let round = 0; round < 10; round++) await manager.poll()
    l1.mine()
    await manager.poll()
    expect(await stateOf(confirmed)).toBe('resolved')
    expect(l1.mined()).toHaveLength(1)
  })

  it('reports a nonce that another transaction took, and goes on with the next', async () => {
    const stranger = await open({}, privateKey, 'proposer')
    const manager = await open()
    const sent = await send(manager, 'mine')
    l1.forgetPool()
    await send(stranger, 'stranger')
    l1.mine()
    await manager.poll()
    clock += DEFAULT_TX_MANAGER_OPTIONS.resubmitAfterMs
    await manager.poll()
    await expect(sent.confirmed).rejects.toBeInstanceOf(NonceTakenError)
    expect((await send(manager, 'again')).nonce).toBe(1n)
  })

  it('sends again what a reorg took back, in the same order', async () => {
    const manager = await open()
    const sent = [await send(manager, 'a'), await send(manager, 'b')]
    l1.mine()
    await manager.poll()
    await Promise.all(sent.map(({ confirmed }) => confirmed))
    l1.reorg(1)
    l1.mine()
    expect(l1.mined()).toHaveLength(0)
    await manager.poll()
    l1.mine()
    expect(l1.mined().map(({ data }) => data)).toEqual(['0x61', '0x62'])
  })

  it('forgets a transaction only when L1 has finalized it', async () => {
    const manager = await open()
    await send(manager, 'a')
    l1.mine()
    await manager.poll()
    expect(manager.sent()).toHaveLength(1)
    l1.finalized = 1n
    await manager.poll()
    expect(manager.sent()).toHaveLength(0)
    expect((await open()).sent()).toHaveLength(0)
  })

  it('takes up after a crash what was on disk and never reached L1', async () => {
    const manager = await open()
    const realSend = l1.send
    l1.send = () => Promise.reject(new Error('killed here'))
    await send(manager, 'a')
    await send(manager, 'b')
    l1.send = realSend
    expect(l1.pool()).toHaveLength(0)
    const reopened = await open()
    expect(reopened.sent().map(({ reference, nonce }) => ({ reference, nonce }))).toEqual([
      { reference: 'a', nonce: 0n },
      { reference: 'b', nonce: 1n },
    ])
    await reopened.poll()
    l1.mine()
    await reopened.poll()
    const receipts = await Promise.all(reopened.sent().map(({ confirmed }) => confirmed))
    expect(receipts).toHaveLength(2)
    expect((await send(reopened, 'c')).nonce).toBe(2n)
  })

  it('finds after a crash that its transactions are in blocks', async () => {
    const manager = await open()
    await send(manager, 'a')
    l1.mine()
    const reopened = await open()
    await reopened.poll()
    expect(await reopened.sent()[0]?.confirmed).toMatchObject({ status: 'success' })
    expect(l1.mined()).toHaveLength(1)
  })

  it('gives up what waits behind a nonce that nobody will use', async () => {
    const manager = await open()
    await send(manager, 'a')
    const second = await send(manager, 'b')
    l1.mine()
    await manager.poll()
    l1.finalized = 1n
    await manager.poll()
    const third = await send(manager, 'c')
    // Deeper than finality: what was forgotten is gone from L1.
    l1.reorg(1)
    l1.forgetPool()
    await manager.poll()
    await expect(third.confirmed).rejects.toBeInstanceOf(NonceGapError)
    expect(await second.confirmed).toBeDefined()
    expect((await send(manager, 'd')).nonce).toBe(0n)
  })

  it('keeps offering a transaction that the account cannot pay yet', async () => {
    const manager = await open()
    l1.broke.add(manager.address.toLowerCase() as `0x${string}`)
    const { confirmed } = await send(manager, 'a')
    l1.broke.clear()
    clock += DEFAULT_TX_MANAGER_OPTIONS.resubmitAfterMs
    await manager.poll()
    l1.mine()
    await manager.poll()
    expect(await confirmed).toMatchObject({ status: 'success' })
  })

  it('keeps two accounts apart', async () => {
    const [batcher, proposer] = [await open(), await open({}, otherKey, 'proposer')]
    await Promise.all([send(batcher, 'a'), send(proposer, 'b')])
    l1.mine()
    expect(l1.mined()).toHaveLength(2)
    expect((await open()).sent().map(({ reference }) => reference)).toEqual(['a'])
  })
})
