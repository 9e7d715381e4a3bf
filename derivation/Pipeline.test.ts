import { describe, expect, it } from 'vitest'
import {
  type BlockRef,
  blockToRef,
  type L1Client,
  type L1Header,
  ResetFault,
  TemporaryFault,
} from '../node/index.ts'
import {
  type Block,
  type BlockAttributes,
  depositFromBytes,
  encodeBatcherData,
  type SingularBatch,
} from '../protocol/index.ts'
import { createTestKeystore } from '../test/chainFixtures.ts'
import { createFakeL1Rollup, openTestNode } from '../test/derivationWorld.ts'
import { createFakeL1, type FakeL1Action } from '../test/FakeL1.ts'
import type { DropReason } from './Dropped.ts'
import { createPipeline, type DerivedBlock } from './Pipeline.ts'

const SECONDS = 6n
const from = `0x${'0f'.repeat(20)}` as const

async function setUp(wrap: (l1: L1Client) => L1Client = (l1) => l1) {
  const l1 = createFakeL1({ chainId: 31_337n, number: 100n, timestamp: 1_000_000n })
  const rollup = createFakeL1Rollup(l1)
  // A node that only builds the blocks that the pipeline describes.
  const node = await openTestNode(rollup, l1.client)
  const genesis = node.store.heads().safe
  const origin = l1.head()
  const dropped: DropReason[] = []
  const pipeline = createPipeline({
    l1: wrap(l1.client),
    rollup,
    start: { origin, firstData: origin.number + 1n },
    onDrop: (reason) => dropped.push(reason),
  })
  /** Pulls until L1 has no more, building on what comes. */
  const pullAll = async (from_: BlockRef = genesis) => {
    let parent = from_
    const pulled: DerivedBlock[] = []
    for (;;) {
      const derived = await pipeline.next(parent)
      if (derived === undefined) {
        if (!(await pipeline.advance())) return { pulled, parent }
        continue
      }
      pulled.push(derived)
      parent = blockToRef(await node.engine.build(derived.attributes))
    }
  }
  const raws = createTestKeystore(rollup, 'alice', 6).raws
  return { l1, rollup, node, genesis, origin, pipeline, pullAll, dropped, raws }
}

const batchOn = (
  parent: Pick<BlockRef, 'hash' | 'timestamp'>,
  epoch: Pick<L1Header, 'number' | 'hash'>,
  transactions: readonly Uint8Array[] = [],
): SingularBatch => ({
  parentHash: parent.hash,
  epochNumber: epoch.number,
  epochHash: epoch.hash,
  timestamp: parent.timestamp + 2n,
  transactions,
})
const post = (...batches: readonly SingularBatch[]): FakeL1Action => ({
  kind: 'batch',
  data: encodeBatcherData(batches),
})
const dataOf = ({ transactions }: BlockAttributes | Block) => transactions.map((raw) => raw[0])

describe('the pipeline', () => {
  it('gives what a batch says, and where L1 says it', async () => {
    const { l1, genesis, origin, pipeline, raws } = await setUp()
    const carrier = l1.mine([post(batchOn(genesis, origin, raws.slice(0, 2)))], SECONDS)
    expect(await pipeline.next(genesis)).toBeUndefined()
    expect(await pipeline.advance()).toBe(true)
    expect(pipeline.origin()).toBe(carrier)
    const derived = await pipeline.next(genesis)
    const { number, hash, parentBeaconBlockRoot } = origin
    expect(derived?.attributes).toEqual({
      timestamp: genesis.timestamp + 2n,
      l1Origin: { number, hash, parentBeaconBlockRoot },
      sequenceNumber: 1n,
      transactions: raws.slice(0, 2),
    })
    expect(derived?.inclusion).toEqual({
      l1Block: { number: carrier.number, hash: carrier.hash },
      transactionHash: expect.stringMatching(/^0x[0-9a-f]{64}$/),
    })
    expect(await pipeline.advance()).toBe(false)
  })

  it('puts deposits into the first block of their epoch, before what the batch brings', async () => {
    const { l1, genesis, origin, pullAll, raws } = await setUp()
    const second = l1.mine(
      [1, 2].map((n) => ({ kind: 'deposit', from, data: Uint8Array.of(n) })),
      2n,
    )
    const first = batchOn(genesis, second, raws.slice(0, 1))
    l1.mine([post(first)], SECONDS)
    const { pulled, parent } = await pullAll()
    expect(pulled.map(({ attributes }) => dataOf(attributes))).toEqual([[0x7e, 0x7e, 0x4b]])
    expect(
      pulled[0]?.attributes.transactions.slice(0, 2).map((raw) => depositFromBytes(raw).data[0]),
    ).toEqual([1, 2])
    expect(origin.number).toBe(second.number - 1n)
    // The next block of the same epoch has none.
    l1.mine([post(batchOn(parent, second))], SECONDS)
    const more = await pullAll(parent)
    expect(more.pulled.map(({ attributes }) => [attributes.sequenceNumber, dataOf(attributes)])).toEqual([
      [1n, []],
    ])
  })

  it('keeps the batch while L1 fails to give its deposits', async () => {
    let failures = 3
    const { l1, genesis, pullAll } = await setUp((client) => ({
      ...client,
      receipts: async (header) => {
        if (header.number === 101n && failures-- > 0) throw new TemporaryFault('the L1 node is down')
        return client.receipts(header)
      },
    }))
    const second = l1.mine([{ kind: 'deposit', from, data: Uint8Array.of(1) }], 2n)
    l1.mine([post(batchOn(genesis, second))], SECONDS)
    const failing = async () => {
      for (let i = 0; i < 3; i++) await expect(pullAll()).rejects.toThrow(TemporaryFault)
    }
    await failing()
    const { pulled } = await pullAll()
    expect(pulled.map(({ attributes }) => dataOf(attributes))).toEqual([[0x7e]])
  })

  it('judges anew when the parent is another than the one that a batch was taken for', async () => {
    const { l1, genesis, origin, pipeline, raws, dropped } = await setUp()
    l1.mine([post(batchOn(genesis, origin, raws.slice(0, 1)))], SECONDS)
    await pipeline.advance()
    expect(await pipeline.next(genesis)).toBeDefined()
    expect(await pipeline.next(genesis)).toBeDefined()
    const other: BlockRef = { ...genesis, hash: `0x${'ab'.repeat(32)}` }
    expect(await pipeline.next(other)).toBeUndefined()
    expect(dropped).toEqual([])
  })

  it('makes empty blocks, with deposits, of what no batch came for in its window', async () => {
    const { l1, rollup, pullAll } = await setUp()
    l1.mine([{ kind: 'deposit', from, data: Uint8Array.of(1) }], SECONDS)
    for (let i = 0n; i < rollup.seqWindowSize; i++) l1.mine([], SECONDS)
    const { pulled } = await pullAll()
    // The window of L1 block 100 closes with 108, that of 101 with 109.
    expect(
      pulled.map(({ attributes, inclusion }) => [
        attributes.l1Origin.number,
        attributes.sequenceNumber,
        inclusion.l1Block.number,
        inclusion.transactionHash,
        dataOf(attributes),
      ]),
    ).toEqual([
      [100n, 1n, 108n, undefined, []],
      [100n, 2n, 108n, undefined, []],
      [101n, 0n, 109n, undefined, [0x7e]],
      [101n, 1n, 109n, undefined, []],
      [101n, 2n, 109n, undefined, []],
    ])
  })

  it('forgets everything when it is reset, and passes over what was read before', async () => {
    const { l1, genesis, origin, pipeline, pullAll, dropped, raws } = await setUp()
    const first = batchOn(genesis, origin, raws.slice(0, 1))
    const carrier = l1.mine([post(first, batchOn({ hash: genesis.hash, timestamp: 0n }, origin))], SECONDS)
    await pipeline.advance()
    expect(await pipeline.next(genesis)).toBeDefined()
    pipeline.reset({ origin, firstData: carrier.number + 1n })
    expect(pipeline.origin()).toBe(origin)
    expect((await pullAll()).pulled).toEqual([])
    expect(dropped).toEqual([])
    pipeline.reset({ origin, firstData: carrier.number })
    expect((await pullAll()).pulled).toHaveLength(1)
    expect(dropped).toEqual(['PAST'])
  })

  it('asks for a reset when L1 leaves the chain that it reads', async () => {
    const { l1, pipeline } = await setUp()
    l1.mine([], SECONDS)
    l1.mine([], SECONDS)
    await pipeline.advance()
    l1.takeBack(2)
    l1.mine([], SECONDS + 1n)
    l1.mine([], SECONDS)
    await expect(pipeline.advance()).rejects.toThrow(ResetFault)
  })
})
