import { Registry } from 'prom-client'
import { fromHex, parseTransaction } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createLogger, TemporaryFault } from '../../node/index.ts'
import { batchFromBytes, decodeBatcherData, decodeBlob } from '../../protocol/index.ts'
import { fakeKzg } from '../../test/FakeKzg.ts'
import { createFakeL1Sender, type FakeL1Sender } from '../../test/FakeL1Sender.ts'
import type { PooledTransaction } from '../../test/l1Pool.ts'
import { openTestChain, type TestChain } from '../../test/TestChain.ts'
import { createTestKeystore } from '../../test/TestKeystore.ts'
import { TransactionRevertedError } from '../l1/L1Sender.ts'
import { DEFAULT_TX_MANAGER_OPTIONS, openTxManager, type TxManager } from '../l1/TxManager.ts'
import { createSequencerMetrics, type SequencerMetrics } from '../metrics.ts'
import { type Batcher, type BatcherOptions, createBatcher, DEFAULT_BATCHER_OPTIONS } from './Batcher.ts'

const logged: string[] = []
const logger = createLogger({ level: 'error', destination: { write: (line) => logged.push(line) } })
/** The hash of a transaction that carried batches. */
const CARRIER = `0x${'ca'.repeat(32)}` as const

describe('Batcher', () => {
  let l1: FakeL1Sender
  let chain: TestChain
  let txManager: TxManager
  let batcher: Batcher
  let mayPost: boolean
  let derivedL1: bigint | undefined
  let seenL1: bigint | undefined
  let clock = 0
  let metrics: SequencerMetrics

  beforeEach(async () => {
    l1 = createFakeL1Sender()
    l1.mine()
    chain = await openTestChain()
    mayPost = true
    derivedL1 = 110n
    seenL1 = undefined
    await open({ maxChannelDuration: 0n })
  })
  afterEach(() => chain.close())

  /** Opens the batcher on the test's chain and L1, as a restarted process does. */
  async function open(options: Partial<BatcherOptions> = {}) {
    metrics = createSequencerMetrics(new Registry())
    txManager = await openTxManager({
      sender: l1,
      kzg: fakeKzg,
      privateKey: `0x${'11'.repeat(32)}`,
      chainId: 900n,
      bucket: chain.store.bucket('batcher'),
      name: 'batcher',
      options: DEFAULT_TX_MANAGER_OPTIONS,
      logger,
      metrics,
      now: () => clock,
    })
    batcher = createBatcher({
      store: chain.store,
      rollup: chain.rollup,
      txManager,
      gasPrices: () => l1.gasPrices(),
      mayPost: () => mayPost,
      derivedL1: () => derivedL1,
      seenL1: () => seenL1,
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
  /** The numbers of the blocks in each datum of a transaction: the parent hashes of batches name them. */
  const dataOf = ({ data, blobs }: PooledTransaction) =>
    (blobs.length > 0 ? blobs.map(decodeBlob) : [fromHex(data, 'bytes')]).map((bytes) => {
      const decoded = decodeBatcherData(bytes)
      if (!decoded.ok) return expect.unreachable(decoded.reason)
      return decoded.batches.map((batch) => numberOf(batchFromBytes(batch).parentHash))
    })
  const posted = () => [...l1.mined(), ...l1.pool()].map((transaction) => dataOf(transaction).flat())
  const kinds = () =>
    [...l1.mined(), ...l1.pool()].map(({ blobs }) => (blobs.length > 0 ? 'blobs' : 'calldata'))
  /** How often the batcher said that blocks have to be posted again, by reason. */
  const losses = async () =>
    Object.fromEntries(
      (await metrics.repostedRanges.get()).values.map(({ labels, value }) => [labels.reason, value]),
    )
  const numberOf = (parentHash: `0x${string}`) =>
    Number(chain.store.blockByHash(parentHash)?.header.number ?? -2n) + 1

  /** Lists in which of so many L1 blocks after one the batcher posts, when `derive` is all that derivation does in each. */
  async function repostsOver(
    blocks: number,
    after: bigint,
    derive: (l1Block: bigint) => Promise<void> = async () => undefined,
  ): Promise<number[]> {
    const reposts: number[] = []
    for (let block = 1; block <= blocks; block++) {
      const before = posted().length
      const l1Block = after + BigInt(block)
      derivedL1 = l1Block
      await derive(l1Block)
      await mine()
      await batcher.step()
      if (posted().length > before) reposts.push(block)
    }
    return reposts
  }

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

  it('takes nothing for urgent in the first half of a window, whatever the margin', async () => {
    await open({ maxChannelDuration: 1_000n, windowMargin: 1_000n })
    await build(1)
    derivedL1 = 100n + chain.rollup.seqWindowSize / 2n - 1n
    await batcher.step()
    expect(posted()).toEqual([])
    derivedL1 = 100n + chain.rollup.seqWindowSize / 2n
    await batcher.step()
    expect(posted()).toEqual([[1]])
  })

  describe('while derivation stands still', () => {
    const windowEnd = () => 100n + chain.rollup.seqWindowSize

    it('posts what has waited long enough, and what is urgent, by the L1 that is seen, and once', async () => {
      await open({ maxChannelDuration: 10n, windowMargin: 5n })
      derivedL1 = 0n
      await build(2)
      const posts: Record<string, number[]> = {}
      for (seenL1 = 110n; seenL1 < windowEnd() + 10n; seenL1++) {
        const before = posted().length
        await batcher.step()
        await mine()
        if (posted().length > before) posts[`${seenL1}`] = posted().slice(before).flat()
        if (seenL1 === 125n) await open({ maxChannelDuration: 1_000n, windowMargin: 5n })
        if (seenL1 === 130n) await build(1)
      }
      expect(posts).toEqual({ 120: [1, 2], 145: [3] })
      expect(await losses()).toEqual({})
    })

    it('does not judge by the L1 that is seen what became of what it posted', async () => {
      derivedL1 = 0n
      await build(2)
      await batcher.step()
      await mine()
      seenL1 = 40n
      await batcher.step()
      expect(await losses()).toEqual({})
      derivedL1 = 1n
      await batcher.step()
      expect(await losses()).toEqual({ DROPPED: 1 })
    })

    it('posts only what is urgent where it has begun again, since L1 may hold the rest', async () => {
      derivedL1 = undefined
      await build(1)
      for (const seen of [undefined, 110n, windowEnd() - 6n]) {
        seenL1 = seen
        await batcher.step()
      }
      expect(posted()).toEqual([])
      seenL1 = windowEnd() - 5n
      await batcher.step()
      await mine()
      await batcher.step()
      expect(posted()).toEqual([[1]])
      expect(await losses()).toEqual({})
    })

    it('ends its pauses by the L1 that is seen', async () => {
      await build(1)
      l1.reverts = () => true
      const posts: bigint[] = []
      for (seenL1 = 110n; seenL1 <= 130n; seenL1++) {
        const before = posted().length
        await batcher.step()
        if (posted().length > before) posts.push(seenL1 - 109n)
        await mine()
      }
      expect(posts).toEqual([1n, 2n, 3n, 6n, 11n, 19n])
    })

    it.each([0n, 109n])(
      'goes by derivation where L1 is said to be no further than block %s',
      async (seen) => {
        await open({ maxChannelDuration: 3n })
        seenL1 = seen
        await build(1)
        await batcher.step()
        derivedL1 = 113n
        await batcher.step()
        expect(posted()).toEqual([[1]])
      },
    )

    it('posts early where L1 is said to be further than it is, and later no later than otherwise', async () => {
      await open({ maxChannelDuration: 10n })
      await build(1)
      seenL1 = 1n << 63n
      await batcher.step()
      expect(posted()).toEqual([[1]])
      await open({ maxChannelDuration: 10n, windowMargin: 0n })
      await build(1)
      // Not so far that it were urgent.
      seenL1 = windowEnd() - 1n
      await batcher.step()
      for (seenL1 = 110n; seenL1 <= 120n; seenL1++) await batcher.step()
      expect(posted()).toEqual([[1], [2]])
    })
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

  it('keeps to the size it was told, however many blocks share a transaction', async () => {
    await open({ maxChannelDuration: 0n, maxDataBytes: 4_000 })
    await build(100)
    await batcher.step()
    const sizes = l1.pool().map(({ data }) => (data.length - 2) / 2)
    expect(posted().flat()).toHaveLength(100)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(4_000)
  })

  it('limits how many transactions are under way, also after a restart', async () => {
    const options = { maxChannelDuration: 0n, maxPending: 2, maxDataBytes: 1 }
    await open(options)
    derivedL1 = 0n
    await build(4)
    await batcher.step()
    await batcher.step()
    expect(posted()).toEqual([[1], [2]])
    await open(options)
    await batcher.step()
    expect(posted()).toEqual([[1], [2]])
    await mine()
    await batcher.step()
    expect(posted()).toEqual([[1], [2], [3], [4]])
  })

  it('posts nothing before L1 has been read, and nothing that is safe already', async () => {
    mayPost = false
    await build(3)
    await batcher.step()
    expect(posted()).toEqual([])
    await chain.makeSafe(2n)
    mayPost = true
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

  it('pauses longer while derivation keeps dropping the same block, not past the end of its window, and goes on at once when it no longer does', async () => {
    const pause = async () => (await metrics.batcherPause.get()).values[0]?.value
    await build(1)
    await batcher.step()
    const reposts = await repostsOver(40, 110n)
    // Pauses of 2, 4 and 7 L1 blocks, and ever shorter ones from then on: the window closes with L1 block 150.
    expect(chain.rollup.seqWindowSize).toBe(50n)
    expect(reposts).toEqual([1, 2, 5, 10, 18, 24, 28, 31, 34, 36, 38, 40])
    expect(await losses()).toEqual({ DROPPED: 12 })
    expect(await pause()).toBe(1)
    await chain.makeSafe(1n, CARRIER)
    await build(1)
    await batcher.step()
    expect(posted().at(-1)).toEqual([2])
    expect(await pause()).toBe(0)
  })

  it('pauses on when derivation has made the block itself because its window closed', async () => {
    await build(31)
    await batcher.step()
    const reposts = await repostsOver(40, 139n, async (l1Block) => {
      if (l1Block >= 150n) await chain.makeSafe(l1Block - 149n)
    })
    // The window closes with L1 block 150, the eleventh; pauses are a quarter of a whole one from then on.
    expect(reposts).toEqual([1, 2, 5, 7, 9, 11, 24, 37])
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

  it('pauses likewise when what it posts reverts again and again', async () => {
    await open({ maxChannelDuration: 0n })
    await build(1)
    l1.reverts = () => true
    const posts: number[] = []
    for (let block = 1; block <= 40; block++) {
      const before = posted().length
      derivedL1 = 110n + BigInt(block)
      await batcher.step()
      if (posted().length > before) posts.push(block)
      await mine()
    }
    expect(posts).toEqual([1, 2, 3, 6, 11, 19, 25, 29, 32, 34, 36, 38, 40])
    expect((await losses()).REVERTED).toBe(12)
  })

  it('posts the new blocks after a reorg of unsafe ones, at once however often there is one', async () => {
    await build(2)
    await batcher.step()
    for (let reorg = 1; reorg <= 5; reorg++) {
      await chain.engine.reset(0n)
      await chain.build([createTestKeystore(chain.rollup.l2ChainId, `chain ${reorg}`).update().raw])
      await batcher.step()
      expect(posted()).toHaveLength(1 + reorg)
      expect(posted().at(-1)).toEqual([1])
    }
  })

  it.each(['calldata', 'blobs'] as const)(
    'gives %s gas that suffices, even if L1 asks for none',
    async (kind) => {
      l1.estimateGas = async () => 0n
      l1.blobBaseFee = 1n
      await open({ dataAvailability: kind, maxChannelDuration: 0n })
      await build(1)
      await batcher.step()
      const [sent] = l1.pool()
      expect(parseTransaction(sent?.raw ?? '0x').gas).toBeGreaterThan(100_000n)
    },
  )

  it('goes on when the inbox refuses, and says so once each time', async () => {
    const estimateGas = l1.estimateGas
    l1.estimateGas = ({ to }) => Promise.reject(new TransactionRevertedError(to, 'NotBatcher'))
    await build(1)
    logged.length = 0
    await batcher.step()
    await batcher.step()
    expect(posted()).toEqual([])
    expect(logged).toEqual([expect.stringContaining('the batch inbox refuses')])
    const refusing = l1.estimateGas
    l1.estimateGas = estimateGas
    await batcher.step()
    expect(posted()).toEqual([[1]])
    l1.estimateGas = refusing
    await build(1)
    await batcher.step()
    expect(logged).toHaveLength(2)
  })

  it('takes the silence of L1 for no refusal', async () => {
    l1.estimateGas = () => Promise.reject(new TemporaryFault('silent'))
    await build(1)
    await expect(batcher.step()).rejects.toThrow(TemporaryFault)
  })

  it('counts submissions that made their blocks safe, and asks L1 again before it says that one did not', async () => {
    await build(2)
    await batcher.step()
    await mine()
    await chain.makeSafe(2n)
    await batcher.step()
    expect((await metrics.safeSubmissions.get()).values[0]?.value).toBe(1)
    await build(1)
    await batcher.step()
    await mine()
    // The reorg moves it from L1 block 2 to 3, and derivation has read only up to 2.
    l1.reorg(1)
    l1.mine()
    await txManager.poll()
    clock += DEFAULT_TX_MANAGER_OPTIONS.resubmitAfterMs
    await txManager.poll()
    derivedL1 = 2n
    await batcher.step()
    await mine()
    await batcher.step()
    expect(posted()).toEqual([[1, 2], [3]])
    expect(await losses()).toEqual({})
    derivedL1 = 3n
    await batcher.step()
    expect(posted()).toEqual([[1, 2], [3], [3]])
    expect(await losses()).toEqual({ DROPPED: 1 })
  })

  it('does not post what was safe and a reorg took back, for it is sent again', async () => {
    await build(2)
    await batcher.step()
    await mine()
    await chain.makeSafe(2n)
    await build(1)
    await batcher.step()
    await mine()
    await chain.makeSafe(3n)
    await batcher.step()
    await batcher.step()
    l1.reorg(2)
    await chain.engine.reset(3n, 0n)
    await batcher.step()
    await txManager.poll()
    await batcher.step()
    await mine()
    await chain.makeSafe(3n)
    await batcher.step()
    expect(posted()).toEqual([[1, 2], [3]])
    expect(await losses()).toEqual({})
    // Each twice, and not once more for every look.
    expect((await metrics.safeSubmissions.get()).values[0]?.value).toBe(4)
    await build(1)
    await batcher.step()
    expect(posted()).toEqual([[1, 2], [3], [4]])
  })

  it('posts once again, and with what came to nothing behind it, what lost its nonce to a foreign transaction', async () => {
    const foreign = privateKeyToAccount(`0x${'11'.repeat(32)}`)
    const fees = { gas: 21_000n, maxFeePerGas: 10n ** 11n, maxPriorityFeePerGas: 10n ** 10n }
    await build(1)
    await batcher.step()
    const to = chain.rollup.batchInboxAddress
    await l1.send(
      await foreign.signTransaction({ type: 'eip1559', chainId: 900, nonce: 0, to, data: '0x01', ...fees }),
    )
    await build(1)
    await batcher.step()
    for (let block = 0; block < 5; block++) {
      await mine()
      await batcher.step()
    }
    expect(l1.pool()).toEqual([])
    clock += DEFAULT_TX_MANAGER_OPTIONS.resubmitAfterMs
    await mine()
    await batcher.step()
    expect(l1.pool().map((transaction) => dataOf(transaction).flat())).toEqual([[1, 2]])
    expect(await losses()).toEqual({ LOST: 1 })
  })

  it('posts again what was safe, and lost its nonce in a reorg that nobody saw, while L1 finalizes nothing', async () => {
    const foreign = privateKeyToAccount(`0x${'11'.repeat(32)}`)
    const fees = { gas: 21_000n, maxFeePerGas: 10n ** 11n, maxPriorityFeePerGas: 10n ** 10n }
    const to = chain.rollup.batchInboxAddress
    await build(2)
    await batcher.step()
    await mine()
    await chain.makeSafe(2n)
    await batcher.step()
    l1.reorg(1)
    await l1.send(
      await foreign.signTransaction({ type: 'eip1559', chainId: 900, nonce: 0, to, data: '0x01', ...fees }),
    )
    l1.mine()
    await chain.engine.reset(2n, 0n)
    for (let looks = 0; looks < 3; looks++) {
      await txManager.poll()
      await batcher.step()
      clock += DEFAULT_TX_MANAGER_OPTIONS.resubmitAfterMs
    }
    expect(l1.pool().map((transaction) => dataOf(transaction).flat())).toEqual([[1, 2]])
    expect(await losses()).toEqual({ LOST: 1 })
  })

  it('does not post again after a restart what it has posted again already', async () => {
    await build(2)
    await batcher.step()
    await mine()
    derivedL1 = 1n
    await batcher.step()
    expect(posted()).toEqual([
      [1, 2],
      [1, 2],
    ])
    await open({ maxChannelDuration: 0n })
    await mine()
    await batcher.step()
    expect(posted()).toHaveLength(2)
  })

  describe('with blobs', () => {
    const blobs = { dataAvailability: 'blobs', maxChannelDuration: 0n } as const
    const gwei = 1_000_000_000n
    beforeEach(() => {
      l1.blobBaseFee = 1n
    })
    const usePrices = (baseFee: bigint, blobBaseFee: bigint) => {
      l1.baseFee = baseFee
      l1.blobBaseFee = blobBaseFee
    }

    it('puts whole channels into blobs, several into one transaction', async () => {
      await open({ ...blobs, maxBlobs: 2 })
      await build(5, 13 * 4096)
      await batcher.step()
      expect([...l1.pool()].map(dataOf)).toEqual([
        [
          [1, 2],
          [3, 4],
        ],
        [[5]],
      ])
      await build(1, 28 * 4096)
      await batcher.step()
      expect(posted().at(-1)).toEqual([6])
    })

    it('waits until a transaction is full of blobs, or long enough', async () => {
      await open({ ...blobs, maxBlobs: 2, maxChannelDuration: 3n })
      await build(4, 13 * 4096)
      await batcher.step()
      expect(posted()).toEqual([])
      await build(1, 13 * 4096)
      await batcher.step()
      expect(posted()).toEqual([[1, 2, 3, 4]])
      derivedL1 = 113n
      await batcher.step()
      expect(posted()).toEqual([[1, 2, 3, 4], [5]])
    })

    it('posts again from the first block that did not become safe, also inside a transaction', async () => {
      await open({ ...blobs, maxBlobs: 2 })
      await build(3, 13 * 4096)
      derivedL1 = 0n
      await batcher.step()
      await mine()
      await chain.makeSafe(2n)
      derivedL1 = 1n
      await batcher.step()
      expect(posted()).toEqual([[1, 2, 3], [3]])
      expect(await losses()).toEqual({ DROPPED: 1 })
    })

    it('chooses what is cheaper for the bytes it has', async () => {
      usePrices(20n * gwei, 30n * gwei)
      await open({ maxChannelDuration: 0n })
      await build(1, 4096)
      await batcher.step()
      expect(kinds()).toEqual(['calldata'])
      l1.mine()
      await txManager.poll()
      // The same prices, and a hundred kilobytes.
      chain = await openTestChain()
      await open({ maxChannelDuration: 0n })
      await build(1, 100_000)
      await batcher.step()
      expect(kinds()).toEqual(['calldata', 'blobs'])
    })

    it('changes over only when it has been cheaper for a while, and only when nothing of the other kind waits', async () => {
      usePrices(gwei, 100n * gwei)
      derivedL1 = 100n
      await open({ maxChannelDuration: 0n, switchPatience: 5n })
      await build(1, 8192)
      await batcher.step()
      usePrices(gwei, 1n)
      for (const derived of [101n, 105n, 106n, 107n]) {
        derivedL1 = derived
        await build(1, 8192)
        await batcher.step()
      }
      expect(posted()).toEqual([[1], [2], [3]])
      expect(kinds()).toEqual(['calldata', 'calldata', 'calldata'])
      await mine()
      await chain.makeSafe(3n)
      await batcher.step()
      expect(posted()).toEqual([[1], [2], [3], [4, 5]])
      expect(kinds().at(-1)).toBe('blobs')
    })

    it('stays with the kind that waits when the sequencing window is about to close', async () => {
      await open({ dataAvailability: 'calldata', maxChannelDuration: 0n })
      await build(1)
      await batcher.step()
      await open({ ...blobs, windowMargin: 5n })
      await build(3, 13 * 4096)
      await batcher.step()
      expect(kinds()).toEqual(['calldata'])
      derivedL1 = 100n + chain.rollup.seqWindowSize - 5n
      await batcher.step()
      expect(kinds()).toEqual(['calldata', 'calldata', 'calldata'])
      expect(posted()).toEqual([[1], [2, 3], [4]])
    })

    it('compares what the same blocks cost, where more wait than fit into the blobs of a transaction', async () => {
      // Two blocks are in a blob, of which calldata would cost less, and five would cost more.
      usePrices(gwei, 100n * gwei)
      await open({ maxChannelDuration: 0n, maxBlobs: 1, maxDataBytes: 1_000_000, maxPending: 1 })
      await build(5, 13 * 4096)
      await batcher.step()
      expect(kinds()).toEqual(['calldata'])
    })

    it('waits until a transaction is full in the form that it has chosen', async () => {
      const options = { maxBlobs: 2, maxChannelDuration: 3n }
      usePrices(gwei, 1n)
      await open({ maxChannelDuration: 0n })
      await build(1)
      await batcher.step()
      await open(options)
      await build(3, 13 * 4096)
      await batcher.step()
      expect(posted()).toEqual([[1]])
      await build(2, 13 * 4096)
      await batcher.step()
      expect(posted()).toEqual([[1], [2, 3, 4, 5]])
      expect(kinds()).toEqual(['blobs', 'blobs'])
    })

    it('goes on with the kind of what is under way after a restart', async () => {
      usePrices(gwei, 1n)
      await open({ maxChannelDuration: 0n })
      await build(1)
      await batcher.step()
      usePrices(gwei, 1_000n * gwei)
      await open({ maxChannelDuration: 0n })
      await build(1)
      await batcher.step()
      expect(kinds()).toEqual(['blobs', 'blobs'])
    })

    it('sends no more than a pool takes from one account', async () => {
      await open({ ...blobs, maxBlobs: 1, maxPending: 100 })
      await build(20, 28 * 4096)
      await batcher.step()
      expect(l1.pool()).toHaveLength(16)
      expect((await metrics.l1Refused.get()).values).toEqual([])
      // What was posted of blocks that are no more still stands in the pool.
      await chain.engine.reset(0n)
      await chain.build([createTestKeystore(chain.rollup.l2ChainId, 'another chain').update().raw])
      await batcher.step()
      expect(l1.pool()).toHaveLength(16)
      expect((await metrics.l1Refused.get()).values).toEqual([])
      await mine()
      await batcher.step()
      expect(posted().at(-1)).toEqual([1])
    })

    it('sends nothing behind a transaction that a foreign one of the other kind blocks, and posts again what that one displaced', async () => {
      const foreign = await openTxManager({
        sender: l1,
        kzg: fakeKzg,
        privateKey: `0x${'11'.repeat(32)}`,
        chainId: 900n,
        bucket: chain.store.bucket('proposer'),
        name: 'foreign',
        options: DEFAULT_TX_MANAGER_OPTIONS,
        logger,
        metrics,
        now: () => clock,
      })
      await foreign.send({ to: chain.rollup.batchInboxAddress, data: Uint8Array.of(0), reference: 'foreign' })
      await open(blobs)
      await build(1)
      await batcher.step()
      await build(1)
      await batcher.step()
      expect(kinds()).toEqual(['calldata'])
      expect(txManager.sent()).toHaveLength(1)
      l1.baseFee = 100n * gwei
      for (let round = 0; round < 20 && l1.mined().length === 0; round++) {
        clock += DEFAULT_TX_MANAGER_OPTIONS.resubmitAfterMs / 2
        await mine()
      }
      expect(l1.mined()).toMatchObject([{ data: '0x', blobs: [] }])
      await mine()
      await batcher.step()
      expect(await losses()).toEqual({ LOST: 1 })
      expect(l1.pool().map(dataOf)).toEqual([[[1, 2]]])
    })

    it('posts blocks again whose nonce was cancelled, because a reorg brought back the other kind behind it', async () => {
      derivedL1 = 0n
      await open(blobs)
      await build(1)
      await batcher.step()
      await mine()
      await open({ dataAvailability: 'calldata', maxChannelDuration: 0n })
      await txManager.poll()
      await build(1)
      await batcher.step()
      await mine()
      expect(kinds()).toEqual(['blobs', 'calldata'])
      const [, behind] = l1.mined()
      l1.reorg(2)
      // Nodes take the later one back first: it may wait for its turn, and nothing of the other kind gets past it.
      expect(await l1.send(behind?.raw ?? '0x')).toMatchObject({ outcome: 'accepted' })
      for (let round = 0; round < 20 && l1.mined().length < 2; round++) {
        await mine()
        await batcher.step()
        clock += DEFAULT_TX_MANAGER_OPTIONS.resubmitAfterMs / 2
      }
      expect(l1.mined()[0]).toMatchObject({ nonce: 0n, data: '0x', blobs: [] })
      expect(l1.mined()[1]?.hash).toBe(behind?.hash)
      derivedL1 = 1n
      await mine()
      await batcher.step()
      expect(await losses()).toEqual({ LOST: 1 })
      expect(l1.pool().map(dataOf)).toEqual([[[1, 2]]])
    })
  })
})
