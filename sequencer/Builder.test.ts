import { Registry } from 'prom-client'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkSingularBatch } from '../derivation/checkSingularBatch.ts'
import { createAttributesBuilder } from '../derivation/index.ts'
import { blockToRef, createLogger, createNativeVerifier, ResetFault, TemporaryFault } from '../node/index.ts'
import { DEPOSIT_TX_TYPE, type SingularBatch } from '../protocol/index.ts'
import { createFakeL1Chain, type FakeL1Chain } from '../test/FakeL1Chain.ts'
import { openTestChain, TEST_ROLLUP, type TestChain } from '../test/TestChain.ts'
import { createTestKeystore } from '../test/TestKeystore.ts'
import { type Builder, createBuilder, SequencerStateError } from './Builder.ts'
import { createSequencerMetrics } from './metrics.ts'
import { createOriginSelector } from './OriginSelector.ts'
import { DEFAULT_POOL_OPTIONS, openPool, type Pool } from './pool/Pool.ts'
import { openPromiseLog } from './pool/PromiseLog.ts'
import { createPromiseSigner } from './pool/PromiseSigner.ts'

const rollup = TEST_ROLLUP
const logger = createLogger({ level: 'silent' })
const verify = createNativeVerifier()
const seconds = (time: bigint) => Number(time) * 1000

describe('Builder', () => {
  let l1: FakeL1Chain
  let chain: TestChain
  let pool: Pool
  let builder: Builder
  let clock: number

  beforeEach(async () => {
    l1 = createFakeL1Chain(rollup)
    chain = await openTestChain()
    clock = seconds(rollup.genesis.l2Time)
    const metrics = createSequencerMetrics(new Registry())
    const signer = createPromiseSigner(`0x${'51'.repeat(32)}`, rollup.l2ChainId)
    const opened = await openPool({
      store: chain.store,
      rollup,
      verify,
      log: openPromiseLog({ bucket: chain.store.bucket('pool'), metrics }),
      signer,
      whyNot: () => undefined,
      options: DEFAULT_POOL_OPTIONS,
      logger,
      metrics,
    })
    pool = opened
    chain.engine.subscribe((event) => opened.handle(event))
    builder = createBuilder({
      store: chain.store,
      engine: chain.engine,
      rollup,
      verify,
      selector: createOriginSelector({ l1, rollup, confirmations: 0n }),
      attributes: createAttributesBuilder({ l1, rollup }),
      pool,
      isReady: () => true,
      isActive: true,
      logger,
      metrics,
      now: () => clock,
    })
  })
  afterEach(() => chain.close())

  async function runUntil(condition: () => boolean): Promise<void> {
    const controller = new AbortController()
    const running = builder.run(controller.signal)
    const deadline = Date.now() + 10_000
    while (!condition() && Date.now() < deadline) await new Promise(setImmediate)
    controller.abort()
    await running
    expect(condition()).toBe(true)
  }

  it('puts promised transactions into blocks that derivation accepts', async () => {
    const keystore = createTestKeystore(rollup.l2ChainId, 'builder 1')
    for (let i = 0; i < 12; i++) {
      await pool.submit(keystore.update({ data: `0x0${(i % 10).toString()}` }).raw)
      if (i % 2 === 0) l1.mine()
      const parent = chain.head()
      const { header, hash, transactions } = await builder.build()
      const { l1Origin } = blockToRef({ header, hash, transactions })
      const batch: SingularBatch = {
        parentHash: parent.hash,
        epochNumber: l1Origin.number,
        epochHash: l1Origin.hash,
        timestamp: header.timestamp,
        transactions: transactions.filter((raw) => raw[0] !== DEPOSIT_TX_TYPE),
      }
      const epochs = await Promise.all([
        l1.header(parent.l1Origin.number),
        l1.header(parent.l1Origin.number + 1n),
      ])
      const l1Blocks = epochs.filter((epoch) => epoch !== undefined)
      expect(
        checkSingularBatch({ rules: rollup, l1Blocks, parent, batch, inclusion: l1.head().number }),
      ).toEqual({
        validity: 'accept',
      })
      expect(transactions).toHaveLength(1)
    }
  })

  it('puts the deposits of a new origin first, and leaves out what they made impossible', async () => {
    const keystore = createTestKeystore(rollup.l2ChainId, 'builder 2')
    const bystander = createTestKeystore(rollup.l2ChainId, 'builder 3')
    const overtaken = keystore.update({ data: '0x01' })
    const other = bystander.update()
    await pool.submit(overtaken.raw)
    await pool.submit(other.raw)
    const forced = keystore.update({ previous: keystore.initial, data: '0x02' })
    l1.mine({ seconds: 2n, deposits: [forced.raw] })
    const block = await builder.build()
    expect(block.transactions.map((raw) => raw[0])).toEqual([DEPOSIT_TX_TYPE, 0x4b])
    expect(block.transactions[1]).toEqual(other.raw)
    expect(chain.store.verdictsOf(block.hash)).toEqual([undefined, undefined])
    expect(pool.status(overtaken.hash)?.stage.name).toBe('displaced')
  })

  it('lets a promised update follow a deposit of the same block', async () => {
    const keystore = createTestKeystore(rollup.l2ChainId, 'builder 4')
    const forced = keystore.update({ data: '0x01' })
    const mine = keystore.update({ data: '0x02' })
    l1.mine({ seconds: 2n, deposits: [forced.raw] })
    await pool.submit(keystore.update({ previous: keystore.initial, data: '0x01' }).raw)
    await pool.submit(mine.raw)
    const block = await builder.build()
    expect(chain.store.verdictsOf(block.hash)).toEqual([undefined, undefined])
    expect(block.transactions).toHaveLength(2)
  })

  it('builds nothing before its time, and catches up with the times that were missed', async () => {
    await runUntil(() => true)
    expect(chain.head().number).toBe(0n)
    clock += seconds(5n * rollup.blockTime)
    for (let i = 0; i < 3; i++) l1.mine()
    await runUntil(() => chain.head().number === 5n)
    expect(seconds(chain.head().timestamp)).toBe(clock)
    expect(chain.head().l1Origin.number).toBeGreaterThan(rollup.genesis.l1.number)
  })

  it('makes empty blocks when L1 missed its slots, and keeps the promised ones for later', async () => {
    const tx = createTestKeystore(rollup.l2ChainId, 'builder 5').update()
    const drifted = rollup.maxSequencerDrift / rollup.blockTime
    l1.mine({ seconds: rollup.maxSequencerDrift + 20n })
    for (let i = 0n; i < drifted; i++) await builder.build()
    await pool.submit(tx.raw)
    const empty = await builder.build()
    expect(empty.transactions).toHaveLength(0)
    let last = empty
    while (last.header.mixHash !== l1.head().hash) last = await builder.build()
    expect(last.transactions).toEqual([tx.raw])
  })

  it('goes on when L1 has been away', async () => {
    l1.isDown = true
    await expect(builder.build()).rejects.toBeInstanceOf(TemporaryFault)
    l1.isDown = false
    await expect(builder.build()).resolves.toBeDefined()
  })

  it('builds nothing on an origin that L1 has left', async () => {
    l1.mine({ seconds: 2n })
    await builder.build()
    l1.reorg(1)
    l1.mine({ seconds: 2n })
    await expect(builder.build()).rejects.toBeInstanceOf(ResetFault)
    expect(chain.head().number).toBe(1n)
  })

  it('stops with the head on which nothing follows, and starts only on that head', async () => {
    await builder.build()
    const building = builder.build()
    const hash = await builder.stop()
    await expect(building).rejects.toMatchObject({ name: 'BuildCancelledError' })
    expect(chain.head().hash).toBe(hash)
    expect(builder.isActive()).toBe(false)
    await expect(builder.stop()).rejects.toBeInstanceOf(SequencerStateError)
    expect(() => builder.start(`0x${'00'.repeat(32)}`)).toThrow(SequencerStateError)
    builder.start(hash)
    expect(() => builder.start(hash)).toThrow(SequencerStateError)
    expect((await builder.build()).header.number).toBe(2n)
  })
})
