import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { CriticalFault, type L1Client, TemporaryFault } from '../node/index.ts'
import { type Block, encodeBatcherData, type RollupConfig, ZERO_HASH } from '../protocol/index.ts'
import { blockToBatch, createFakeL1Rollup, openTestNode, type TestNode } from '../test/derivationWorld.ts'
import { createFakeL1, type FakeL1, type FakeL1Action } from '../test/FakeL1.ts'
import { findStart } from './findStart.ts'

const SECONDS = 6n

type World = {
  l1: FakeL1
  rollup: RollupConfig
  node: TestNode
  find: (l1?: Partial<L1Client>) => ReturnType<typeof findStart>
}

async function setUp(): Promise<World> {
  const l1 = createFakeL1({ chainId: 31_337n, number: 100n, timestamp: 1_000_000n })
  const rollup = createFakeL1Rollup(l1)
  const node = await openTestNode(rollup, l1.client)
  return {
    l1,
    rollup,
    node,
    find: (other = {}) => findStart({ l1: { ...l1.client, ...other }, store: node.store, rollup }),
  }
}

const post = (blocks: readonly Block[]): FakeL1Action => ({
  kind: 'batch',
  data: encodeBatcherData(blocks.map(blockToBatch)),
})

async function build(node: TestNode, count: number): Promise<Block[]> {
  const built: Block[] = []
  while (built.length < count) built.push((await node.build()) ?? expect.unreachable('L1 is too far behind'))
  return built
}

describe('where derivation begins', () => {
  let world: World
  beforeEach(async () => {
    world = await setUp()
  })

  it('is after genesis on an empty database', async () => {
    const { find, l1, rollup, node } = world
    const genesis = l1.head()
    l1.mine()
    expect(await find()).toEqual({
      safe: node.store.heads().safe,
      unsafe: node.store.heads().safe,
      parent: node.store.heads().safe,
      origin: genesis,
      firstData: rollup.genesis.l1.number + 1n,
      landmark: rollup.genesis.l1,
    })
  })

  it('is the L1 block that made the safe head, whose batches are read once more on the head before it', async () => {
    const { find, l1, node } = world
    const blocks = await build(node, 6)
    l1.mine([post(blocks.slice(0, 2))], SECONDS)
    const carrier = l1.mine([post(blocks.slice(2, 5))], SECONDS)
    await node.catchUp()
    const start = await find()
    expect(start.firstData).toBe(carrier.number)
    expect([start.safe.hash, start.unsafe.hash]).toEqual([blocks[4]?.hash, blocks[5]?.hash])
    expect(start.parent.hash).toBe(blocks[1]?.hash)
    expect(start.origin.hash).toBe(start.parent.l1Origin.hash)
  })

  it('goes back over the batches that L1 took back, and no further', async () => {
    const { find, l1, node } = world
    const blocks = await build(node, 4)
    const kept = l1.mine([post(blocks.slice(0, 2))], SECONDS)
    l1.mine([post(blocks.slice(2))], SECONDS)
    await node.catchUp()
    l1.takeBack(1)
    l1.mine([], SECONDS)
    const start = await find()
    expect([start.safe.hash, start.unsafe.hash]).toEqual([blocks[1]?.hash, blocks[3]?.hash])
    expect([start.firstData, start.parent.number]).toEqual([kept.number, 0n])
  })

  it('gives up unsafe blocks only from the first whose origin L1 contradicts', async () => {
    const { find, l1, node } = world
    l1.mine([], SECONDS)
    l1.mine([], SECONDS)
    const blocks = await build(node, 9)
    const origins = blocks.map(({ header }) => header.mixHash)
    const last = l1.head()
    l1.takeBack(1)
    // As long as L1 has no other block in its place, the origin may still come back.
    expect((await find()).unsafe.hash).toBe(blocks[8]?.hash)
    l1.mine([], SECONDS + 1n)
    const standing = origins.indexOf(last.hash)
    expect(standing).toBeGreaterThan(0)
    expect((await find()).unsafe.hash).toBe(blocks[standing - 1]?.hash)
  })

  it('knows the unsafe head, whatever others do to it while L1 is asked', async () => {
    const changes: ((node: TestNode) => Promise<unknown>)[] = [
      (node) => node.engine.reset(3n),
      (node) => node.engine.reset(3n).then(() => build(node, 1)),
      (node) => build(node, 2),
    ]
    for (const change of changes) {
      let asked: number
      let at = 0
      do {
        const { find, l1, node } = await setUp()
        for (let i = 0; i < 4; i++) l1.mine([], SECONDS)
        await build(node, 9)
        asked = 0
        const changing = async <T>(answer: T) => {
          if (asked++ === at) await change(node)
          return answer
        }
        const start = await find({
          header: async (block) => changing(await l1.client.header(block)),
          headerByHash: async (hash) => changing(await l1.client.headerByHash(hash)),
        })
        expect(start.unsafe).toEqual(node.store.heads().unsafe)
        expect(start.safe.number).toBe(0n)
      } while (++at < asked)
      expect(at).toBeGreaterThan(2)
    }
  })

  it('is not above what others left of unsafe blocks that L1 contradicts', async () => {
    const { find, l1, node } = world
    l1.mine([], SECONDS)
    l1.mine([], SECONDS)
    await build(node, 9)
    l1.takeBack(1)
    l1.mine([], SECONDS + 1n)
    const headerByHash: L1Client['headerByHash'] = async (hash) => {
      await node.engine.reset(1n)
      return l1.client.headerByHash(hash)
    }
    expect((await find()).unsafe.number).toBeGreaterThan(1n)
    expect((await find({ headerByHash })).unsafe).toEqual(node.store.heads().unsafe)
  })

  it('waits for an L1 node that lags behind the data of safe blocks, or does not know an origin', async () => {
    const { find, l1, node } = world
    const blocks = await build(node, 2)
    l1.mine([post(blocks)], SECONDS)
    await node.catchUp()
    await expect(find({ headerByHash: async () => undefined })).rejects.toThrow(TemporaryFault)
    l1.takeBack(1)
    await expect(find()).rejects.toThrow(TemporaryFault)
  })

  it('is nowhere on an L1 that is not the rollup’s, or that took back what was final', async () => {
    const { l1, node, rollup, find } = world
    const other = { ...rollup.genesis, l1: { number: 100n, hash: ZERO_HASH } }
    await expect(findStart({ l1: l1.client, store: node.store, rollup: { genesis: other } })).rejects.toThrow(
      CriticalFault,
    )
    const blocks = await build(node, 2)
    l1.mine([post(blocks)], SECONDS)
    l1.finalize(l1.head().number)
    await node.catchUp()
    l1.takeBack(1)
    l1.mine([], SECONDS)
    await expect(find()).rejects.toThrow(CriticalFault)
  })

  it('is found by halving just as by looking at every block', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 8 }),
        fc.nat(8),
        async (posted, depth) => {
          const { l1, node, find } = await setUp()
          for (const count of posted) l1.mine([post(await build(node, count))], SECONDS)
          await node.catchUp()
          const taken = Math.min(depth, posted.length)
          l1.takeBack(taken)
          for (let i = 0; i < taken; i++) l1.mine([], SECONDS)
          const carried = posted.slice(0, posted.length - taken).reduce((sum, count) => sum + count, 0)
          expect((await find()).safe.number).toBe(BigInt(carried))
        },
      ),
      { numRuns: 40 },
    )
  })
})
