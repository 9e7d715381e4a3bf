import { Registry } from 'prom-client'
import { parseTransaction } from 'viem'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  CriticalFault,
  createLogger,
  createMemoryDatabase,
  createOpaqueBucket,
  TemporaryFault,
} from '../../node/index.ts'
import { BLOB_BYTES } from '../../protocol/index.ts'
import { fakeKzg } from '../../test/FakeKzg.ts'
import { createFakeL1Sender, type FakeL1Sender } from '../../test/FakeL1Sender.ts'
import { decodeSent } from '../../test/l1Pool.ts'
import { createSequencerMetrics } from '../metrics.ts'
import {
  CancelledError,
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
    kzg: typeof fakeKzg | null = fakeKzg,
    mayOffer?: () => boolean,
  ) {
    return openTxManager({
      sender: l1,
      kzg: kzg ?? undefined,
      privateKey: key,
      chainId: 900n,
      bucket: createOpaqueBucket(database, name),
      name,
      options: { ...DEFAULT_TX_MANAGER_OPTIONS, ...options },
      logger: createLogger({ level: 'silent' }),
      metrics: createSequencerMetrics(new Registry()),
      now: () => clock,
      ...(mayOffer && { mayOffer }),
    })
  }

  const send = (manager: TxManager, reference: string) =>
    manager.send({ to: inbox, data: new TextEncoder().encode(reference), reference })
  const sendBlobs = (manager: TxManager, reference: string, count = 1) =>
    manager.send({
      to: inbox,
      data: new Uint8Array(),
      blobs: Array.from({ length: count }, (_, i) => new Uint8Array(BLOB_BYTES).fill(i + reference.length)),
      reference,
    })
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

  it('raises by no more than nodes ask for where the base fee has not risen', async () => {
    const manager = await open()
    await send(manager, 'a')
    clock += DEFAULT_TX_MANAGER_OPTIONS.resubmitAfterMs
    await manager.poll()
    expect(l1.pool()).toMatchObject([
      { maxFeePerGas: (33n * gwei) / 10n + 1n, maxPriorityFeePerGas: (11n * gwei) / 10n + 1n },
    ])
  })

  it('never pays more than the ceiling, and goes on once the base fee has fallen', async () => {
    const ceiling = 50n * gwei
    const manager = await open({
      feeLimits: {
        minPriorityFeePerGas: 1n,
        maxPriorityFeePerGas: ceiling,
        maxFeePerGas: ceiling,
        maxFeePerBlobGas: ceiling,
      },
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

  it('follows the base fee after it had to outbid somebody', async () => {
    const manager = await open()
    const poolOf = l1.send
    l1.send = (raw) =>
      (parseTransaction(raw).maxFeePerGas ?? 0n) <= 150n * gwei
        ? Promise.resolve({ outcome: 'underpriced', message: 'replacement transaction underpriced' })
        : poolOf(raw)
    await send(manager, 'a')
    while (l1.pool().length === 0) {
      clock += DEFAULT_TX_MANAGER_OPTIONS.pollIntervalMs
      await manager.poll()
    }
    l1.baseFee = 300n * gwei
    for (let i = 0; i < 40; i++) {
      clock += 12_000
      await manager.poll()
      l1.mine()
    }
    expect(l1.mined()).toHaveLength(1)
  })

  it('bids against nobody where only the base fee is above its ceiling', async () => {
    const maxFeePerGas = 30n * gwei
    const manager = await open({ feeLimits: { ...DEFAULT_TX_MANAGER_OPTIONS.feeLimits, maxFeePerGas } })
    const poolOf = l1.send
    l1.send = (raw) =>
      l1.baseFee > maxFeePerGas
        ? Promise.resolve({ outcome: 'underpriced', message: 'max fee per gas less than block base fee' })
        : poolOf(raw)
    l1.baseFee = maxFeePerGas + 1n
    await send(manager, 'a')
    for (let i = 0; i < 12; i++) {
      clock += DEFAULT_TX_MANAGER_OPTIONS.pollIntervalMs
      await manager.poll()
    }
    l1.baseFee = gwei
    clock += DEFAULT_TX_MANAGER_OPTIONS.resubmitAfterMs
    await manager.poll()
    // Once at most, for what was refused last.
    expect(l1.pool()[0]?.maxPriorityFeePerGas).toBeLessThanOrEqual(2n * l1.priorityFee)
  })

  it('offers no more often at a ceiling what nodes refuse as too cheap', async () => {
    const maxFeePerGas = 30n * gwei
    const manager = await open({ feeLimits: { ...DEFAULT_TX_MANAGER_OPTIONS.feeLimits, maxFeePerGas } })
    l1.baseFee = 100n * gwei
    l1.send = vi.fn<FakeL1Sender['send']>(async () => ({
      outcome: 'underpriced',
      message: 'max fee per gas less than block base fee',
    }))
    await send(manager, 'a')
    const { resubmitAfterMs, pollIntervalMs } = DEFAULT_TX_MANAGER_OPTIONS
    for (let passed = 0; passed < 10 * resubmitAfterMs; passed += pollIntervalMs) {
      clock += pollIntervalMs
      await manager.poll()
    }
    expect(l1.send).toHaveBeenCalled()
    expect(vi.mocked(l1.send).mock.calls.length).toBeLessThanOrEqual(41)
  })

  it('offers again, and for more, while the clock is behind where it was', async () => {
    const manager = await open()
    clock = 3_600_000
    await send(manager, 'a')
    l1.forgetPool()
    clock = 0
    await manager.poll()
    expect(l1.pool()).toHaveLength(1)
    const [before] = l1.pool()
    clock += DEFAULT_TX_MANAGER_OPTIONS.resubmitAfterMs
    await manager.poll()
    expect(l1.pool()[0]?.maxFeePerGas).toBeGreaterThan(before?.maxFeePerGas ?? 0n)
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
    // Twice as much is enough, and nobody else is there to be outbid.
    expect(l1.pool().map(({ maxPriorityFeePerGas }) => maxPriorityFeePerGas)).toEqual([4n * gwei])
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

  it('reports a nonce that another transaction took, though the clock was set back meanwhile', async () => {
    const stranger = await open({}, privateKey, 'proposer')
    const manager = await open()
    clock = 3_600_000
    const sent = await send(manager, 'mine')
    l1.forgetPool()
    await send(stranger, 'stranger')
    l1.mine()
    await manager.poll()
    clock = 0
    await manager.poll()
    clock += DEFAULT_TX_MANAGER_OPTIONS.resubmitAfterMs
    await manager.poll()
    expect(await stateOf(sent.confirmed)).toBe('rejected')
  })

  it('is patient anew with a late receipt where the nonce was once said to be used, long ago', async () => {
    const manager = await open()
    const sent = await send(manager, 'a')
    const { nextNonce, receipt } = l1
    l1.nextNonce = async () => 1n
    await manager.poll()
    l1.nextNonce = nextNonce
    clock += DEFAULT_TX_MANAGER_OPTIONS.resubmitAfterMs
    await manager.poll()
    l1.mine()
    l1.receipt = async () => undefined
    await manager.poll()
    l1.receipt = receipt
    await manager.poll()
    await expect(sent.confirmed).resolves.toMatchObject({ status: 'success' })
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

  it('reads from disk what a transaction in a block carried, once a reorg has taken it back', async () => {
    const get = vi.spyOn(database, 'get')
    const manager = await open()
    await sendBlobs(manager, 'a', 2)
    expect(get).not.toHaveBeenCalled()
    const [before] = l1.pool()
    l1.mine()
    await manager.poll()
    await manager.poll()
    expect(get).not.toHaveBeenCalled()
    l1.reorg(1)
    await manager.poll()
    expect(get).toHaveBeenCalledTimes(1)
    expect(l1.pool().map(({ hash, blobs }) => [hash, blobs.length])).toEqual([[before?.hash, 2]])
  })

  it('offers nothing while the contracts would take nothing of it, and still asks for receipts', async () => {
    let mayOffer = true
    const manager = await open({}, privateKey, 'batcher', fakeKzg, () => mayOffer)
    const sent = [await send(manager, 'a'), await send(manager, 'b')]
    const [first] = l1.pool()
    mayOffer = false
    l1.forgetPool()
    for (let round = 0; round < 4; round++) {
      clock += DEFAULT_TX_MANAGER_OPTIONS.resubmitAfterMs
      await manager.poll()
    }
    expect(l1.pool()).toEqual([])
    // Some node has kept it.
    await l1.send(first?.raw ?? '0x')
    l1.mine()
    await manager.poll()
    expect(await sent[0]?.confirmed).toMatchObject({ status: 'success' })
    mayOffer = true
    await manager.poll()
    expect(l1.pool().map(({ data }) => data)).toEqual(['0x62'])
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
    l1.send = () => Promise.reject(new TemporaryFault('killed here'))
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

  it('offers ever less often what L1 does not answer to, and at the usual pace again once it has', async () => {
    const manager = await open({ resubmitAfterMs: 48_000, pollIntervalMs: 2_000 })
    const realSend = l1.send
    const offers: number[] = []
    const pollUntil = async (end: number) => {
      for (; clock < end; clock += 2_000) await manager.poll()
    }
    l1.send = () => {
      offers.push(clock)
      return Promise.reject(new TemporaryFault('413 Payload Too Large'))
    }
    await send(manager, 'a')
    clock += 2_000
    await pollUntil(60_000)
    expect(offers).toEqual([0, 2_000, 4_000, 10_000, 22_000, 34_000, 46_000, 58_000])
    l1.send = (raw) => {
      offers.push(clock)
      return realSend(raw)
    }
    offers.length = 0
    await pollUntil(95_000)
    expect(offers).toEqual([70_000, 82_000, 94_000])
    l1.send = () => Promise.reject(new TemporaryFault('gone'))
    l1.forgetPool()
    await pollUntil(110_000)
    l1.send = realSend
    await pollUntil(112_000)
    expect(l1.pool()).toHaveLength(1)
  })

  it('offers no more often what L1 does not answer to when what is behind it meets the gap, and both once L1 answers', async () => {
    l1.blobBaseFee = gwei
    const manager = await open({ resubmitAfterMs: 48_000, pollIntervalMs: 2_000 })
    const realSend = l1.send
    const offers: string[] = []
    let isTooLarge = true
    l1.send = (raw) => {
      const { nonce } = decodeSent(raw)
      offers.push(`${nonce} at ${clock}`)
      if (nonce === 0n && isTooLarge) return Promise.reject(new TemporaryFault('413 Payload Too Large'))
      return realSend(raw)
    }
    await sendBlobs(manager, 'a', 6)
    await sendBlobs(manager, 'b')
    for (clock = 2_000; clock < 34_000; clock += 2_000) await manager.poll()
    expect(offers).toEqual([
      '0 at 0',
      '1 at 0',
      '0 at 2000',
      '0 at 4000',
      '0 at 10000',
      '1 at 12000',
      '0 at 22000',
      '1 at 24000',
    ])
    isTooLarge = false
    await manager.poll()
    expect(l1.pool().map(({ nonce }) => nonce)).toEqual([0n, 1n])
  })

  it('fills a gap at the next poll whatever L1 did not answer to before that', async () => {
    l1.blobBaseFee = gwei
    const manager = await open()
    const realSend = l1.send
    l1.send = async (raw) => {
      await realSend(raw)
      throw new TemporaryFault('the answer is lost')
    }
    await sendBlobs(manager, 'a')
    l1.send = realSend
    l1.mine()
    await sendBlobs(manager, 'b')
    await manager.poll()
    l1.forgetPool()
    await sendBlobs(manager, 'c')
    expect(l1.pool()).toHaveLength(0)
    await manager.poll()
    expect(l1.pool().map(({ nonce }) => nonce)).toEqual([1n, 2n])
  })

  it('soon offers what a reorg takes back, however long L1 did not answer to it before', async () => {
    const manager = await open({ resubmitAfterMs: 48_000, pollIntervalMs: 2_000 })
    const realSend = l1.send
    await send(manager, 'a')
    const [waiting] = l1.pool()
    l1.forgetPool()
    l1.send = () => Promise.reject(new TemporaryFault('gone'))
    for (clock = 12_000; clock < 40_000; clock += 2_000) await manager.poll()
    // It got there all the same.
    await realSend(waiting?.raw ?? '0x')
    l1.mine()
    await manager.poll()
    expect(manager.waitingCount()).toBe(0)
    l1.reorg(1)
    l1.forgetPool()
    await manager.poll()
    expect(manager.waitingCount()).toBe(1)
    l1.send = realSend
    clock += 2_000
    await manager.poll()
    expect(l1.pool()).toHaveLength(1)
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

  it('raises no fee that the account cannot pay, and asks for no more than L1 does when it is paid again', async () => {
    const manager = await open()
    l1.baseFee = 30n * gwei
    l1.broke.add(manager.address.toLowerCase() as `0x${string}`)
    const { confirmed } = await send(manager, 'a')
    for (let round = 0; round < 100; round++) {
      clock += DEFAULT_TX_MANAGER_OPTIONS.resubmitAfterMs / 4
      await manager.poll()
    }
    l1.baseFee = 10n * gwei
    clock += DEFAULT_TX_MANAGER_OPTIONS.resubmitAfterMs / 4
    await manager.poll()
    l1.broke.clear()
    clock += DEFAULT_TX_MANAGER_OPTIONS.resubmitAfterMs / 4
    await manager.poll()
    expect(l1.pool().map(({ maxFeePerGas }) => maxFeePerGas)).toEqual([(123n * gwei) / 10n])
    l1.mine()
    await manager.poll()
    expect(await confirmed).toMatchObject({ status: 'success' })
  })

  it('gets below the most that a node lets a transaction cost', async () => {
    const cap = 200n * gwei
    l1.refuses = ({ maxFeePerGas }) => maxFeePerGas > cap
    const manager = await open()
    l1.baseFee = 150n * gwei
    const { confirmed } = await send(manager, 'a')
    expect(l1.pool()).toEqual([])
    clock += DEFAULT_TX_MANAGER_OPTIONS.resubmitAfterMs / 4
    await manager.poll()
    l1.mine()
    await manager.poll()
    expect(await confirmed).toMatchObject({ status: 'success' })
  })

  it('leaves in the pool what a node takes no more for, and follows prices from there', async () => {
    const tried = new Set<bigint>()
    l1.refuses = ({ maxFeePerGas }) => {
      tried.add(maxFeePerGas)
      return maxFeePerGas > 200n * gwei
    }
    const manager = await open()
    l1.baseFee = 90n * gwei
    const { confirmed } = await send(manager, 'a')
    l1.baseFee = 190n * gwei
    for (let round = 0; round < 40; round++) {
      clock += DEFAULT_TX_MANAGER_OPTIONS.resubmitAfterMs / 4
      l1.mine()
      await manager.poll()
    }
    expect(l1.pool()).toHaveLength(1)
    // Each is kept on disk.
    expect(tried.size).toBeLessThan(4)
    l1.baseFee = 170n * gwei
    l1.mine()
    await manager.poll()
    expect(await confirmed).toMatchObject({ status: 'success' })
  })

  it('does not outbid its own attempt, beside which nodes refuse what they let it cost', async () => {
    const tried = new Set<bigint>()
    l1.refuses = ({ maxFeePerGas }) => {
      tried.add(maxFeePerGas)
      return maxFeePerGas > 200n * gwei
    }
    const manager = await open()
    l1.baseFee = 95n * gwei
    const { confirmed } = await send(manager, 'a')
    l1.baseFee = 170n * gwei
    for (let round = 0; round < 40; round++) {
      clock += DEFAULT_TX_MANAGER_OPTIONS.resubmitAfterMs / 4
      await manager.poll()
    }
    expect(l1.pool().map(({ maxFeePerGas }) => maxFeePerGas)).toEqual([191n * gwei])
    // What it was, what was refused, and what L1 asks for now.
    expect(tried.size).toBe(3)
    l1.mine()
    await manager.poll()
    expect(await confirmed).toMatchObject({ status: 'success' })
  })

  it('sends nothing with more gas than any block takes, whatever L1 estimates', async () => {
    const manager = await open()
    const { estimateGas } = l1
    l1.estimateGas = async () => 15_000_000n
    await expect(send(manager, 'a')).rejects.toThrow(TemporaryFault)
    expect(manager.sent()).toEqual([])
    l1.estimateGas = estimateGas
    expect((await send(manager, 'a')).nonce).toBe(0n)
  })

  it('gives a transaction the gas that its sender knows to suffice, when L1 estimates less', async () => {
    const manager = await open()
    const request = { to: inbox, data: new Uint8Array(), reference: 'a' }
    await manager.send({ ...request, minGas: 90_000n })
    l1.estimateGas = async () => 30_000n
    await manager.send({ ...request, minGas: 90_000n })
    await manager.send(request)
    const gasLimits = l1.pool().map(({ raw }) => parseTransaction(raw).gas)
    expect(gasLimits).toEqual([120_000n, 108_000n, 36_000n])
  })

  it('keeps two accounts apart', async () => {
    const [batcher, proposer] = [await open(), await open({}, otherKey, 'proposer')]
    await Promise.all([send(batcher, 'a'), send(proposer, 'b')])
    l1.mine()
    expect(l1.mined()).toHaveLength(2)
    expect((await open()).sent().map(({ reference }) => reference)).toEqual(['a'])
  })

  describe('with blobs', () => {
    const { resubmitAfterMs } = DEFAULT_TX_MANAGER_OPTIONS
    beforeEach(() => {
      l1.blobBaseFee = gwei
    })
    /** Polls and mines until everything is in a block. */
    async function settle(manager: TxManager) {
      for (let round = 0; round < 20 && manager.waitingKind() !== undefined; round++) {
        clock += resubmitAfterMs / 4
        await manager.poll()
        l1.mine()
        await manager.poll()
      }
      expect(l1.pool()).toEqual([])
    }

    it('sends them with the proofs that L1 wants, in order', async () => {
      const manager = await open()
      const sent = [await sendBlobs(manager, 'a', 2), await sendBlobs(manager, 'bb')]
      expect(l1.pool()).toMatchObject([
        { nonce: 0n, data: '0x', to: inbox, proofs: 'cells', maxFeePerBlobGas: 2n * gwei },
        { nonce: 1n, proofs: 'cells' },
      ])
      expect(l1.pool().map(({ blobs }) => blobs.length)).toEqual([2, 1])
      expect(manager.waitingKind()).toBe('blobs')
      l1.mine()
      await manager.poll()
      expect(manager.waitingKind()).toBeUndefined()
      expect(await sent[1]?.confirmed).toMatchObject({ status: 'success' })
    })

    it('takes the other proofs when L1 refuses, under the same hash, and stays with them', async () => {
      l1.blobProofs = 'blob'
      const manager = await open()
      const { confirmed } = await sendBlobs(manager, 'a')
      expect(l1.pool()).toMatchObject([{ proofs: 'blob' }])
      l1.mine()
      await manager.poll()
      expect(await confirmed).toMatchObject({ transactionHash: l1.mined()[0]?.hash })
      await sendBlobs(manager, 'b')
      // The fork comes.
      l1.blobProofs = 'cells'
      await sendBlobs(manager, 'c')
      expect(l1.pool().map(({ proofs }) => proofs)).toEqual(['blob', 'cells'])
    })

    it('uses the proofs it was told to use, whatever L1 says of itself', async () => {
      l1.blobProofs = 'blob'
      const manager = await open({ blobProofs: 'blob' })
      await sendBlobs(manager, 'a')
      expect(l1.pool()).toMatchObject([{ proofs: 'blob' }])
    })

    it('doubles all three fees when one is stuck, until it is taken', async () => {
      const manager = await open()
      const { confirmed } = await sendBlobs(manager, 'a')
      const [first] = l1.pool()
      l1.blobBaseFee = 100n * gwei
      l1.mine()
      clock += resubmitAfterMs
      await manager.poll()
      const [second] = l1.pool()
      if (first === undefined || second === undefined) expect.unreachable()
      expect(second.maxFeePerBlobGas).toBe(200n * gwei)
      expect(second.maxFeePerGas >= 2n * first.maxFeePerGas).toBe(true)
      expect(second.maxPriorityFeePerGas >= 2n * first.maxPriorityFeePerGas).toBe(true)
      l1.mine()
      await manager.poll()
      expect(await confirmed).toMatchObject({ status: 'success', transactionHash: second.hash })
    })

    it('gets into a block while both base fees are below their ceilings, whatever they were before', async () => {
      const { feeLimits } = DEFAULT_TX_MANAGER_OPTIONS
      const days = [
        // Twice what it was first is above the ceiling.
        { ceiling: 60n * gwei, baseFees: [18n * gwei, 45n * gwei], blobBaseFee: 1n },
        // Its gas cap is at the ceiling before blobs are dear.
        { ceiling: 500n * gwei, baseFees: [60n * gwei, 600n * gwei, 20n * gwei], blobBaseFee: 50n * gwei },
      ]
      for (const { ceiling, baseFees, blobBaseFee } of days) {
        l1 = createFakeL1Sender()
        l1.blobBaseFee = 1n
        database = createMemoryDatabase()
        const manager = await open({ feeLimits: { ...feeLimits, maxFeePerGas: ceiling } })
        l1.baseFee = baseFees[0] ?? 0n
        await sendBlobs(manager, 'a')
        for (const baseFee of baseFees.slice(1)) {
          l1.baseFee = baseFee
          if (baseFee === baseFees.at(-1)) l1.blobBaseFee = blobBaseFee
          for (let i = 0; i < 20; i++) {
            clock += 12_000
            await manager.poll()
            l1.mine()
          }
        }
        expect(l1.mined()).toHaveLength(1)
      }
    })

    it('waits at the ceiling for blobs, and goes on once they are cheaper', async () => {
      const ceiling = 10n * gwei
      const feeLimits = { ...DEFAULT_TX_MANAGER_OPTIONS.feeLimits, maxFeePerBlobGas: ceiling }
      const manager = await open({ feeLimits })
      const { confirmed } = await sendBlobs(manager, 'a')
      l1.blobBaseFee = 50n * gwei
      for (let round = 0; round < 5; round++) {
        clock += resubmitAfterMs
        l1.mine()
        await manager.poll()
      }
      expect(l1.pool().map(({ maxFeePerBlobGas }) => maxFeePerBlobGas)).toEqual([ceiling])
      l1.blobBaseFee = 9n * gwei
      l1.mine()
      await manager.poll()
      expect(await confirmed).toMatchObject({ status: 'success' })
    })

    it('never hands L1 one kind while the other waits, and takes it once the other is in a block', async () => {
      const manager = await open()
      await send(manager, 'a')
      await expect(sendBlobs(manager, 'b')).rejects.toBeInstanceOf(TemporaryFault)
      expect(l1.pool()).toHaveLength(1)
      expect(manager.sent()).toHaveLength(1)
      l1.mine()
      const blobs = await sendBlobs(manager, 'b')
      await expect(send(manager, 'c')).rejects.toBeInstanceOf(TemporaryFault)
      await settle(manager)
      expect(await blobs.confirmed).toMatchObject({ status: 'success' })
    })

    it('takes up blobs after a crash, signed as before, and offers them when it has to', async () => {
      const manager = await open()
      await sendBlobs(manager, 'a', 2)
      await sendBlobs(manager, 'b')
      const before = l1.pool()
      l1.forgetPool()
      const reopened = await open()
      expect(reopened.sent().map(({ kind, reference }) => [kind, reference])).toEqual([
        ['blobs', 'a'],
        ['blobs', 'b'],
      ])
      await reopened.poll()
      expect(l1.pool()).toEqual(before)
      await settle(reopened)
    })

    it('fails, and takes it not for the silence of L1, when it has no KZG for blobs that wait', async () => {
      await sendBlobs(await open(), 'a')
      l1.forgetPool()
      const reopened = await open({}, privateKey, 'batcher', null)
      await expect(reopened.poll()).rejects.toThrow(CriticalFault)
    })

    it('sends again in order, at the next look, what a node forgot and what it did not take behind that', async () => {
      const manager = await open()
      await sendBlobs(manager, 'a')
      l1.forgetPool()
      const second = await sendBlobs(manager, 'b')
      expect(l1.pool()).toEqual([])
      await manager.poll()
      expect(l1.pool().map(({ nonce }) => nonce)).toEqual([0n, 1n])
      l1.mine()
      await manager.poll()
      expect(await second.confirmed).toMatchObject({ status: 'success' })
    })

    it('holds back what a reorg took back behind one of the other kind', async () => {
      const manager = await open()
      const sent = [await send(manager, 'a')]
      l1.mine()
      await manager.poll()
      sent.push(await sendBlobs(manager, 'b'))
      l1.mine()
      await manager.poll()
      l1.reorg(2)
      expect(l1.mined()).toEqual([])
      const outcomes: string[] = []
      const realSend = l1.send
      l1.send = async (raw) => {
        const answer = await realSend(raw)
        outcomes.push(answer.outcome)
        return answer
      }
      await manager.poll()
      expect(outcomes).toEqual(['accepted'])
      expect(l1.pool().map(({ blobs }) => blobs.length)).toEqual([0])
      await settle(manager)
      expect(l1.mined().map(({ blobs }) => blobs.length)).toEqual([0, 1])
      const receipts = await Promise.all(sent.map((each) => each.findReceipt()))
      expect(receipts.map((receipt) => receipt?.status)).toEqual(['success', 'success'])
    })

    it.each(['calldata', 'blobs'] as const)(
      'frees the account from a foreign transaction that stands in the way of %s',
      async (kind) => {
        const own = kind === 'blobs' ? sendBlobs : send
        const foreign = kind === 'blobs' ? send : sendBlobs
        l1.priorityFee = 5n * gwei
        await foreign(await open({}, privateKey, 'proposer'), 'foreign')
        l1.priorityFee = gwei
        // Too cheap to be included, it would stay for ever.
        l1.baseFee = 50n * gwei
        let manager = await open()
        const { confirmed } = await own(manager, 'mine')
        expect(manager.isBlocked()).toBe(true)
        expect(l1.pool()).toMatchObject([{ maxFeePerGas: 7n * gwei }])
        clock += resubmitAfterMs
        // A crash in the middle changes nothing.
        await manager.poll()
        manager = await open()
        expect(manager.isBlocked()).toBe(true)
        for (let round = 0; round < 10 && l1.mined().length === 0; round++) {
          await manager.poll()
          l1.mine()
          clock += resubmitAfterMs / 4
        }
        expect(l1.mined()).toMatchObject([{ to: manager.address.toLowerCase(), data: '0x', nonce: 0n }])
        const after = manager.sent()[0]
        await manager.poll()
        await expect(after?.confirmed).rejects.toBeInstanceOf(CancelledError)
        expect(await stateOf(confirmed)).toBe('pending')
        expect(manager.isBlocked()).toBe(false)
        const again = await own(manager, 'mine')
        expect(again.nonce).toBe(1n)
        await settle(manager)
        expect(await again.confirmed).toMatchObject({ status: 'success' })
      },
    )

    it('goes on by itself, and cancels nothing, when nodes forget what stood in the way', async () => {
      await send(await open({}, privateKey, 'proposer'), 'foreign')
      const manager = await open()
      const { confirmed } = await sendBlobs(manager, 'mine')
      await manager.poll()
      expect(manager.isBlocked()).toBe(true)
      l1.forgetPool()
      await manager.poll()
      expect(manager.isBlocked()).toBe(false)
      clock += resubmitAfterMs
      await manager.poll()
      l1.mine()
      await manager.poll()
      expect(await confirmed).toMatchObject({ status: 'success' })
    })

    it('offers the transaction itself again when its cancellation is what the pool does not take', async () => {
      const offered: `0x${string}`[] = []
      const { send: take } = l1
      l1.send = (raw) => {
        offered.push(raw)
        return take(raw)
      }
      l1.priorityFee = 5n * gwei
      await send(await open({}, privateKey, 'proposer'), 'foreign')
      l1.priorityFee = gwei
      const manager = await open()
      const { confirmed } = await sendBlobs(manager, 'mine')
      clock += resubmitAfterMs
      await manager.poll()
      l1.forgetPool()
      // Some node had taken it.
      await take(offered[1] ?? '0x')
      for (let round = 0; round < 4; round++) {
        clock += resubmitAfterMs / 4
        await manager.poll()
      }
      expect(manager.isBlocked()).toBe(false)
      l1.mine()
      await manager.poll()
      expect(await confirmed).toMatchObject({ status: 'success' })
    })

    it('goes on by itself when what stood in the way is included', async () => {
      await send(await open({}, privateKey, 'proposer'), 'foreign')
      const manager = await open()
      const { confirmed } = await sendBlobs(manager, 'mine')
      expect(manager.isBlocked()).toBe(true)
      l1.mine()
      clock += resubmitAfterMs
      await manager.poll()
      clock += resubmitAfterMs
      await manager.poll()
      // Its nonce was the foreign one's.
      await expect(confirmed).rejects.toBeInstanceOf(NonceTakenError)
      const again = await sendBlobs(manager, 'mine')
      await settle(manager)
      expect(await again.confirmed).toMatchObject({ status: 'success' })
    })
  })

  it('keeps until it is final where it is now what a reorg moved between two looks', async () => {
    const manager = await open()
    await send(manager, 'a')
    l1.mine()
    await manager.poll()
    const [moved] = l1.mined()
    l1.reorg(1)
    l1.mine()
    await l1.send(moved?.raw ?? '0x')
    l1.mine()
    l1.finalized = 1n
    await manager.poll()
    expect(manager.sent()).toHaveLength(1)
    l1.finalized = 2n
    await manager.poll()
    expect(manager.sent()).toHaveLength(0)
  })

  it('finds a transaction that a reorg moved, and keeps it until it is final where it is now', async () => {
    const manager = await open()
    const sent = await send(manager, 'a')
    l1.mine()
    await manager.poll()
    l1.reorg(1)
    expect(await sent.findReceipt()).toBeUndefined()
    l1.mine()
    await manager.poll()
    l1.mine()
    expect(await sent.findReceipt()).toMatchObject({ blockNumber: 2n })
    l1.finalized = 1n
    await manager.poll()
    expect(manager.sent()).toHaveLength(1)
    l1.finalized = 2n
    await manager.poll()
    expect(manager.sent()).toHaveLength(0)
  })
})
