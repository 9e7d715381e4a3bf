import fc from 'fast-check'
import type { Hex } from 'viem'
import { describe, expect, it } from 'vitest'
import {
  CriticalFault,
  createMemoryDatabase,
  type Database,
  type L1Client,
  type L1Header,
  openChainStoreIn,
  TemporaryFault,
} from '../node/index.ts'
import {
  type Block,
  encodeBatcherData,
  encodeBlob,
  type SingularBatch,
  ZERO_HASH,
} from '../protocol/index.ts'
import { createTestKeystore } from '../test/chainFixtures.ts'
import {
  blockToBatch,
  createFakeL1Rollup,
  openTestNode,
  outputRootOf,
  safeChain,
  type TestNode,
} from '../test/derivationWorld.ts'
import { createFakeL1, type FakeL1, type FakeL1Action } from '../test/FakeL1.ts'

const L1_SECONDS = 6n
const createL1 = () => createFakeL1({ chainId: 31_337n, number: 100n, timestamp: 1_000_000n })
const aRollup = createFakeL1Rollup(createL1())
const keystores = ['alice', 'bob', 'carol'].map((name) => createTestKeystore(aRollup, name, 6))
const raws = keystores.flatMap((keystore) => keystore.raws)
const from: Hex = `0x${'0f'.repeat(20)}`

const batchOf = (...blocks: readonly (Block | SingularBatch)[]): FakeL1Action => ({
  kind: 'batch',
  data: encodeBatcherData(blocks.map((block) => ('header' in block ? blockToBatch(block) : block))),
})

async function setUp() {
  const l1 = createL1()
  const rollup = createFakeL1Rollup(l1)
  const sequencer = await openTestNode(rollup, l1.client)
  const verifier = await openTestNode(rollup, l1.client)
  const buildMany = async (count: number, transactions: readonly (readonly Uint8Array[])[] = []) => {
    const blocks: Block[] = []
    for (let i = 0; i < count; i++) {
      const block = await sequencer.build(transactions[i])
      if (block !== undefined) blocks.push(block)
    }
    return blocks
  }
  return { l1, rollup, sequencer, verifier, buildMany }
}

const hashesOf = (node: TestNode) => safeChain(node.store).blocks.map(({ hash }) => hash)

describe('derivation', () => {
  it('rebuilds exactly the chain that the sequencer built', async () => {
    const { l1, sequencer, verifier, buildMany } = await setUp()
    l1.mine([{ kind: 'deposit', from, data: keystores[2]?.raws[0] as Uint8Array }], L1_SECONDS)
    const blocks = await buildMany(6, [
      [raws[0] as Uint8Array],
      [],
      [raws[1] as Uint8Array, raws[6] as Uint8Array],
    ])
    l1.mine([batchOf(...blocks.slice(0, 4))], L1_SECONDS)
    l1.mine([batchOf(...blocks.slice(4))], L1_SECONDS)
    await verifier.catchUp()
    expect(hashesOf(verifier).slice(1)).toEqual(blocks.map(({ hash }) => hash))
    for (const { hash } of blocks) {
      expect(verifier.store.blockByHash(hash)).toEqual(sequencer.store.blockByHash(hash))
      expect(verifier.store.receiptsOf(hash)).toEqual(sequencer.store.receiptsOf(hash))
    }
    expect(blocks.some(({ transactions }) => transactions[0]?.[0] === 0x7e)).toBe(true)
    await sequencer.catchUp()
    expect(safeChain(sequencer.store)).toEqual(safeChain(verifier.store))
  })

  it('hears at the head of L1 that its last block did not come to disk', async () => {
    const { l1, rollup, buildMany } = await setUp()
    l1.mine([batchOf(...(await buildMany(1)))], L1_SECONDS)
    const disk = createMemoryDatabase()
    let isFull = false
    const full = new RangeError('the disk is full')
    const database: Database = {
      ...disk,
      async write(writes) {
        if (isFull) throw full
        await disk.write(writes)
      },
    }
    const node = await openTestNode(rollup, l1.client, await openChainStoreIn(database, 'a test', rollup))
    isFull = true
    await expect(node.catchUp()).rejects.toBe(full)
    expect(node.store.heads().safe.number).toBe(1n)
    isFull = false
    const after = await openTestNode(rollup, l1.client, await openChainStoreIn(disk, 'a test', rollup))
    expect(after.store.heads().safe.number).toBe(0n)
    await after.catchUp()
    expect(after.store.heads()).toEqual(node.store.heads())
  })

  it('reads blobs as it reads calldata', async () => {
    const { l1, verifier, buildMany } = await setUp()
    const blocks = await buildMany(4)
    const blobs = [blocks.slice(0, 2), blocks.slice(2)].map((part) =>
      encodeBlob(encodeBatcherData(part.map(blockToBatch))),
    )
    l1.mine([{ kind: 'blobs', blobs }], L1_SECONDS)
    await verifier.catchUp()
    expect(verifier.store.heads().safe.hash).toBe(blocks[3]?.hash)
  })

  it('drops and counts garbage, and derives on', async () => {
    const { l1, verifier, buildMany } = await setUp()
    const blocks = await buildMany(3)
    const [first] = blocks as [Block]
    l1.mine(
      [
        { kind: 'batch', data: Uint8Array.of(0, 1, 2) },
        batchOf({ ...blockToBatch(first), transactions: [Uint8Array.of(1)] }),
        batchOf(...blocks),
        batchOf(first),
      ],
      L1_SECONDS,
    )
    await verifier.catchUp()
    expect(verifier.store.heads().safe.hash).toBe(blocks[2]?.hash)
    const { values } = await verifier.metrics.dropped.get()
    expect(Object.fromEntries(values.map(({ labels, value }) => [labels.reason, value]))).toEqual({
      MALFORMED_FRAME: 1,
      UNDECODABLE_TRANSACTION: 1,
      PAST: 1,
    })
  })

  it('makes empty blocks with the deposits once a sequencing window has closed, and drops what comes too late', async () => {
    const { l1, rollup, sequencer, verifier, buildMany } = await setUp()
    const raw = keystores[0]?.raws[0] as Uint8Array
    l1.mine([{ kind: 'deposit', from, data: raw }], L1_SECONDS)
    const unposted = await buildMany(4, [[keystores[1]?.raws[0] as Uint8Array]])
    for (let i = 0n; i < rollup.seqWindowSize + 2n; i++) l1.mine([], L1_SECONDS)
    l1.mine([batchOf(...unposted)], L1_SECONDS)
    await verifier.catchUp()
    const { safe } = verifier.store.heads()
    expect(safe.number).toBeGreaterThan(3n)
    const forced = safeChain(verifier.store).blocks.slice(1)
    expect(forced.every(({ inclusion }) => inclusion?.transactionHash === undefined)).toBe(true)
    const transactions = forced.flatMap(
      ({ hash }) => verifier.store.blockByHash(hash as Hex)?.transactions ?? [],
    )
    expect(transactions.map((bytes) => bytes[0])).toEqual([0x7e])
    expect(safe.l1Origin.number).toBe(l1.head().number - rollup.seqWindowSize)
    // A sequencer that was cut off gives its unposted blocks up.
    await sequencer.catchUp()
    expect(safeChain(sequencer.store)).toEqual(safeChain(verifier.store))
    expect(sequencer.store.heads().unsafe.hash).toBe(safe.hash)
  })

  it('finalizes what comes from finalized L1 blocks, and nothing before it is derived', async () => {
    const { l1, verifier, buildMany } = await setUp()
    const blocks = await buildMany(3)
    const carrier = l1.mine([batchOf(...blocks.slice(0, 2))], L1_SECONDS)
    l1.mine([batchOf(...blocks.slice(2))], L1_SECONDS)
    l1.finalize(carrier.number)
    await verifier.catchUp()
    expect(verifier.store.heads().finalized.hash).toBe(blocks[1]?.hash)
    expect(verifier.driver().status()).toMatchObject({
      isSynced: true,
      l1: { head: { number: l1.head().number }, finalized: { hash: carrier.hash } },
    })
  })

  it.each([
    ['above the head', { latest: 'before' }],
    ['above what is safe', { safe: 'before' }],
  ] as const)('finalizes nothing while what L1 calls finalized is %s', async (_, mistaken) => {
    const { l1, rollup, buildMany } = await setUp()
    const carrier = l1.mine([batchOf(...(await buildMany(1)))], L1_SECONDS)
    l1.mine([], L1_SECONDS)
    l1.finalize(carrier.number)
    let lies: Partial<Record<string, string>> = mistaken
    const node = await openTestNode(rollup, {
      ...l1.client,
      header: (at) => l1.client.header(lies[String(at)] === undefined ? at : carrier.number - 1n),
    })
    await node.catchUp()
    expect(node.store.heads()).toMatchObject({ finalized: { number: 0n } })
    lies = {}
    l1.mine([], L1_SECONDS)
    await node.catchUp()
    expect(node.store.heads()).toMatchObject({ safe: { number: 1n }, finalized: { number: 1n } })
  })

  it('takes back what L1 takes back', async () => {
    const { l1, verifier, sequencer, buildMany } = await setUp()
    const blocks = await buildMany(4)
    l1.mine([batchOf(...blocks.slice(0, 2))], L1_SECONDS)
    l1.mine([batchOf(...blocks.slice(2))], L1_SECONDS)
    await verifier.catchUp()
    await sequencer.catchUp()
    l1.takeBack(1)
    l1.mine([], L1_SECONDS)
    await verifier.catchUp()
    await sequencer.catchUp()
    expect(verifier.store.heads().safe.hash).toBe(blocks[1]?.hash)
    expect(sequencer.store.heads().safe.hash).toBe(blocks[1]?.hash)
    expect(sequencer.store.heads().unsafe.hash).toBe(blocks[3]?.hash)
    l1.mine([batchOf(...blocks.slice(2))], L1_SECONDS)
    await verifier.catchUp()
    expect(verifier.store.heads().safe.hash).toBe(blocks[3]?.hash)
  })

  it('keeps its safe head while it derives known blocks once more', async () => {
    const { l1, verifier, buildMany } = await setUp()
    const blocks = await buildMany(3)
    l1.mine([batchOf(...blocks)], L1_SECONDS)
    await verifier.catchUp()
    verifier.restart()
    do expect(verifier.store.heads().safe.hash).toBe(blocks[2]?.hash)
    while (await verifier.step())
  })

  it('takes back what an L1 node made up, once it is told the truth', async () => {
    const { l1, rollup, buildMany } = await setUp()
    const blocks = await buildMany(2, [raws.slice(0, 1), raws.slice(1, 2)])
    const made = { ...blockToBatch(blocks[0] as Block), transactions: [] }
    let input: Uint8Array | undefined = encodeBatcherData([made])
    const transactions: L1Client['transactions'] = async (header) =>
      (await l1.client.transactions(header)).map((each) => ({ ...each, input: input ?? each.input }))
    const verifier = await openTestNode(rollup, { ...l1.client, transactions })
    l1.mine([batchOf(...blocks)], L1_SECONDS)
    await verifier.catchUp()
    expect(verifier.store.heads().safe.number).toBe(1n)
    expect(verifier.store.heads().safe.hash).not.toBe(blocks[0]?.hash)
    input = undefined
    verifier.restart()
    await verifier.catchUp()
    expect(verifier.store.heads().safe.hash).toBe(blocks[1]?.hash)
  })

  it('gives up safe blocks that L1 took back before it reads on', async () => {
    const { l1, verifier, sequencer, buildMany } = await setUp()
    const blocks = await buildMany(2)
    l1.mine([batchOf(...blocks.slice(0, 1))], L1_SECONDS)
    l1.mine([batchOf(...blocks.slice(1))], L1_SECONDS)
    await verifier.catchUp()
    await sequencer.catchUp()
    l1.takeBack(1)
    l1.mine([], L1_SECONDS)
    for (const node of [verifier, sequencer]) {
      node.restart()
      await node.driver().step()
      expect(node.store.heads().safe.hash).toBe(blocks[0]?.hash)
      expect(node.store.heads().unsafe.hash).toBe(blocks[1]?.hash)
    }
  })

  it('leaves out nothing when L1 reorganises between finding where to begin and reading on', async () => {
    // The batches stood in block 102 and stand in block 101 after the reorganisation; the node hears of 102 as it was.
    const { l1, rollup, buildMany } = await setUp()
    const blocks = await buildMany(3)
    let stale: L1Header | undefined
    const header: L1Client['header'] = async (at) =>
      at === stale?.number ? stale : await l1.client.header(at)
    const verifier = await openTestNode(rollup, { ...l1.client, header })
    l1.mine([], L1_SECONDS)
    const carrier = l1.mine([batchOf(...blocks)], L1_SECONDS)
    await verifier.catchUp()
    l1.takeBack(2)
    l1.mine([batchOf(...blocks)], L1_SECONDS)
    l1.mine([], L1_SECONDS)
    l1.mine([], L1_SECONDS)
    stale = carrier
    verifier.restart()
    await verifier.step()
    stale = undefined
    await verifier.catchUp()
    const fresh = await openTestNode(rollup, l1.client)
    await fresh.catchUp()
    expect(safeChain(verifier.store)).toEqual(safeChain(fresh.store))
    expect(verifier.store.heads().safe.hash).toBe(blocks[2]?.hash)
  })

  it('leaves out nothing at whatever question of the search for where to begin L1 reorganises again', async () => {
    let questions = 0
    for (let isAsked = true; isAsked; ) {
      const { l1, rollup, buildMany } = await setUp()
      const blocks = await buildMany(3)
      let left = Number.POSITIVE_INFINITY
      const header: L1Client['header'] = async (at) => {
        if (left-- === 0) {
          l1.takeBack(5)
          l1.mine([batchOf(...blocks)], L1_SECONDS)
          for (let i = 0; i < 5; i++) l1.mine([], L1_SECONDS)
        }
        return await l1.client.header(at)
      }
      const verifier = await openTestNode(rollup, { ...l1.client, header })
      l1.mine([], L1_SECONDS)
      for (const block of blocks) l1.mine([batchOf(block)], L1_SECONDS)
      await verifier.catchUp()
      l1.takeBack(1)
      for (let i = 0; i < 2; i++) l1.mine([], L1_SECONDS)
      verifier.restart()
      left = questions
      await verifier.step()
      isAsked = left < 0
      left = Number.POSITIVE_INFINITY
      await verifier.catchUp()
      const fresh = await openTestNode(rollup, l1.client)
      await fresh.catchUp()
      expect(safeChain(verifier.store), `question ${questions}`).toEqual(safeChain(fresh.store))
      expect(verifier.store.heads().safe.number).toBe(isAsked ? 3n : 2n)
      if (isAsked) questions++
    }
    expect(questions).toBeGreaterThan(4)
  })

  it('makes no empty blocks of another fork on the way to where it reads on', async () => {
    // L1 is taken back by more than a sequencing window; the node hears of block 109, which carried its last block, as it was.
    const { l1, rollup, buildMany } = await setUp()
    let stale: L1Header | undefined
    const header: L1Client['header'] = async (at) =>
      at === stale?.number ? stale : await l1.client.header(at)
    const verifier = await openTestNode(rollup, { ...l1.client, header })
    // The second block has the origin 101, which the other fork has too late for it.
    l1.mine([], 4n)
    const [first, second] = (await buildMany(2, [raws.slice(0, 1)])) as [Block, Block]
    for (let i = 0; i < 5; i++) l1.mine([], L1_SECONDS)
    l1.mine([batchOf(first)], L1_SECONDS)
    l1.mine([], L1_SECONDS)
    const carrier = l1.mine([batchOf(second)], L1_SECONDS)
    await verifier.catchUp()
    expect(verifier.store.blockByNumber(2n)?.hash).toBe(second.hash)
    l1.takeBack(9)
    for (let i = 0; i < 10; i++) l1.mine([], L1_SECONDS)
    stale = carrier
    verifier.restart()
    await verifier.step()
    stale = undefined
    await verifier.catchUp()
    const fresh = await openTestNode(rollup, l1.client)
    await fresh.catchUp()
    expect(safeChain(verifier.store)).toEqual(safeChain(fresh.store))
  })

  it('drops unsafe blocks that were built on an origin which L1 had already left', async () => {
    const { l1, sequencer, buildMany } = await setUp()
    const settled = await buildMany(2)
    const gone = l1.mine([], L1_SECONDS)
    l1.takeBack(1)
    const instead = l1.mine([], L1_SECONDS)
    await sequencer.catchUp()
    // An L1 node that lags told the builder of the fork.
    const head = sequencer.store.heads().unsafe
    const { number, hash, parentBeaconBlockRoot } = gone
    const timestamp = head.timestamp + 2n
    const l1Origin = { number, hash, parentBeaconBlockRoot }
    await sequencer.engine.build({ timestamp, l1Origin, sequenceNumber: 0n, transactions: [] })
    await sequencer.catchUp()
    expect(sequencer.store.heads().unsafe.hash).toBe(settled[1]?.hash)
    const [next] = await buildMany(1)
    expect(next?.header.mixHash).toBe(instead.hash)
  })

  it('drops unsafe blocks whose origin L1 has taken back', async () => {
    const { l1, sequencer, buildMany } = await setUp()
    const settled = await buildMany(2)
    l1.mine([], L1_SECONDS)
    await sequencer.catchUp()
    await buildMany(3)
    const origin = sequencer.store.heads().unsafe.l1Origin
    expect(origin.number).toBe(101n)
    l1.takeBack(1)
    l1.mine([], L1_SECONDS)
    sequencer.restart()
    await sequencer.driver().step()
    expect(sequencer.store.heads().unsafe.hash).toBe(settled[1]?.hash)
    await sequencer.catchUp()
    expect(sequencer.store.heads().unsafe.hash).toBe(settled[1]?.hash)
  })

  it('halts rather than take back what was final', async () => {
    const { l1, verifier, buildMany } = await setUp()
    const blocks = await buildMany(2)
    const carrier = l1.mine([batchOf(...blocks)], L1_SECONDS)
    l1.finalize(carrier.number)
    await verifier.catchUp()
    l1.finalize(100n)
    l1.takeBack(1)
    l1.mine([], L1_SECONDS)
    await expect(verifier.catchUp()).rejects.toThrow(CriticalFault)
  })

  it('halts on an L1 that is not the rollup’s', async () => {
    const { l1, rollup } = await setUp()
    const other = { ...rollup.genesis, l1: { number: 100n, hash: ZERO_HASH } }
    const store = (await openTestNode(rollup, l1.client)).store
    const node = await openTestNode({ ...rollup, genesis: other }, l1.client, store)
    await expect(node.step()).rejects.toThrow(CriticalFault)
    const assertChainId = async () => {
      throw new CriticalFault('another chain')
    }
    const astray = await openTestNode(rollup, { ...l1.client, assertChainId })
    await expect(astray.step()).rejects.toThrow('another chain')
  })

  it('waits for an L1 node that lags behind what was derived', async () => {
    const { l1, verifier, buildMany } = await setUp()
    const blocks = await buildMany(2)
    l1.mine([batchOf(...blocks)], L1_SECONDS)
    await verifier.catchUp()
    l1.takeBack(1)
    verifier.restart()
    await expect(verifier.driver().step()).rejects.toThrow(TemporaryFault)
    expect(verifier.store.heads().safe.hash).toBe(blocks[1]?.hash)
  })

  it('after a restart judges batches as it would have without', async () => {
    // The first channel comes too early and is dropped, the second makes its parent: a node that stopped between the
    // second's two blocks must not take the first one up when it reads the L1 block again.
    const { l1, rollup, verifier, buildMany } = await setUp()
    const blocks = await buildMany(2)
    const [first, second] = blocks as [Block, Block]
    const early = { ...blockToBatch(second), transactions: [raws[0] as Uint8Array] }
    l1.mine([batchOf(early), batchOf(first), batchOf(second)], L1_SECONDS)
    while (verifier.store.heads().safe.number < 1n) await verifier.step()
    verifier.restart()
    await verifier.catchUp()
    expect(verifier.store.heads().safe.hash).toBe(second.hash)
    const fresh = await openTestNode(rollup, l1.client)
    await fresh.catchUp()
    expect(safeChain(verifier.store)).toEqual(safeChain(fresh.store))
  })
})

describe('when L1 reorganises while a restarted node reads again what it had derived', () => {
  async function restarted() {
    const world = await setUp()
    const blocks = await world.buildMany(3)
    world.l1.mine([], L1_SECONDS)
    world.l1.mine([batchOf(...blocks)], L1_SECONDS)
    await world.verifier.catchUp()
    world.verifier.restart()
    await world.verifier.step()
    expect(world.verifier.driver().status().l1.current?.number).toBe(101n)
    world.l1.takeBack(1)
    return { ...world, blocks }
  }

  it('records where the batches stand now', async () => {
    const { l1, rollup, verifier, blocks } = await restarted()
    l1.mine([batchOf(...blocks)], L1_SECONDS)
    await verifier.catchUp()
    const fresh = await openTestNode(rollup, l1.client)
    await fresh.catchUp()
    expect(safeChain(verifier.store)).toEqual(safeChain(fresh.store))
    expect(verifier.store.heads().safe.number).toBe(3n)
  })

  it('takes back what no batch carries any more', async () => {
    const { l1, verifier } = await restarted()
    l1.mine([], L1_SECONDS)
    await verifier.catchUp()
    expect(verifier.store.heads().safe.number).toBe(0n)
  })
})

describe('output checking', () => {
  async function withOutputs() {
    const world = await setUp()
    const blocks = await world.buildMany(6)
    const third = blocks[2] as Block
    const sixth = blocks[5] as Block
    return { ...world, blocks, third, sixth }
  }
  const output = (block: Block, root = outputRootOf(block)): FakeL1Action => ({
    kind: 'output',
    outputRoot: root,
    l2BlockNumber: block.header.number,
  })
  const wrongRoot: Hex = `0x${'66'.repeat(32)}`

  it('keeps right outputs and raises no alarm', async () => {
    const { l1, verifier, blocks, third, sixth } = await withOutputs()
    l1.mine([batchOf(...blocks)], L1_SECONDS)
    const carrier = l1.mine([output(third), output(sixth)], L1_SECONDS)
    await verifier.catchUp()
    expect(verifier.wrong).toEqual([])
    expect(verifier.store.outputByIndex(1n)).toMatchObject({
      outputRoot: outputRootOf(sixth),
      l2BlockNumber: 6n,
      l1Timestamp: carrier.timestamp,
      l1Block: { number: carrier.number, hash: carrier.hash },
    })
  })

  it('raises a loud alarm for a wrong one, as soon as its block is derived', async () => {
    const { l1, verifier, blocks, third, sixth } = await withOutputs()
    l1.mine([output(third, wrongRoot)], L1_SECONDS)
    await verifier.catchUp()
    expect(verifier.wrong).toEqual([])
    l1.mine([batchOf(...blocks), output(sixth)], L1_SECONDS)
    await verifier.catchUp()
    expect(verifier.wrong).toMatchObject([{ output: { index: 0n }, expected: outputRootOf(third) }])
    expect(verifier.checker().wrongOutputs()).toHaveLength(1)
    expect((await verifier.metrics.wrongOutputs.get()).values[0]?.value).toBe(1)
    verifier.restart()
    await verifier.catchUp()
    expect(verifier.checker().wrongOutputs()).toHaveLength(1)
  })

  it('stops the alarm when the output is deleted, and checks what takes its place', async () => {
    const { l1, verifier, blocks, third } = await withOutputs()
    l1.mine([batchOf(...blocks), output(third, wrongRoot)], L1_SECONDS)
    await verifier.catchUp()
    l1.mine([{ kind: 'deleteOutputs', newLength: 0n }], L1_SECONDS)
    await verifier.catchUp()
    expect(verifier.checker().wrongOutputs()).toEqual([])
    expect(verifier.store.outputCount()).toBe(0n)
    l1.mine([output(third)], L1_SECONDS)
    await verifier.catchUp()
    expect(verifier.checker().wrongOutputs()).toEqual([])
    expect(verifier.store.outputByIndex(0n)?.outputRoot).toBe(outputRootOf(third))
  })

  it('finds outputs again whose deletion L1 has taken back', async () => {
    const { l1, verifier, blocks, third, sixth } = await withOutputs()
    l1.mine([batchOf(...blocks), output(third)], L1_SECONDS)
    l1.mine([output(sixth)], L1_SECONDS)
    l1.mine([{ kind: 'deleteOutputs', newLength: 0n }], L1_SECONDS)
    await verifier.catchUp()
    expect(verifier.store.outputCount()).toBe(0n)
    l1.takeBack(1)
    l1.mine([], L1_SECONDS)
    await verifier.catchUp()
    expect(verifier.store.outputCount()).toBe(2n)
  })
})

type Op =
  | { op: 'build'; count: number; picks: readonly number[] }
  | {
      op: 'mine'
      post: 'nothing' | 'right' | 'gap' | 'twice' | 'reversed' | 'blob'
      extra: readonly number[]
      flip: number
    }
  | { op: 'reorg'; depth: number; regrow: number }
  | { op: 'finalize' }
  | { op: 'sequencer'; steps: number }
  | { op: 'verifier'; steps: number; restart: boolean }

const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant('build' as const),
      count: fc.integer({ min: 1, max: 4 }),
      picks: fc.array(fc.nat(30), { maxLength: 4 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant('mine' as const),
      post: fc.constantFrom(
        'nothing' as const,
        'right' as const,
        'right' as const,
        'gap' as const,
        'twice' as const,
        'reversed' as const,
        'blob' as const,
      ),
      extra: fc.array(fc.nat(6), { maxLength: 2 }),
      flip: fc.nat(400),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('reorg' as const),
      depth: fc.integer({ min: 1, max: 6 }),
      regrow: fc.integer({ min: 0, max: 7 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('finalize' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({ op: fc.constant('sequencer' as const), steps: fc.integer({ min: 1, max: 12 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant('verifier' as const),
      steps: fc.integer({ min: 1, max: 12 }),
      restart: fc.boolean(),
    }),
  },
)

/** An L1 client that fails and lags at every third call or so. */
function unreliable(l1: FakeL1, random: () => number): L1Client {
  const tried = async <T>(answer: () => Promise<T>): Promise<T> => {
    if (random() < 0.15) throw new TemporaryFault('the L1 node is down')
    return answer()
  }
  return {
    ...l1.client,
    header: (numberOrTag) =>
      tried(async () => {
        const lags = typeof numberOrTag === 'bigint' && numberOrTag >= l1.head().number && random() < 0.3
        return lags ? undefined : l1.client.header(numberOrTag)
      }),
    headerByHash: (hash) => tried(() => l1.client.headerByHash(hash)),
    receipts: (header) => tried(() => l1.client.receipts(header)),
    transactions: (header) => tried(() => l1.client.transactions(header)),
    blobs: (header, hashes) => tried(() => l1.client.blobs(header, hashes)),
  }
}

/** A small generator of our own, so that a failing run shrinks to the same faults. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

async function play(ops: readonly Op[], seed: number) {
  const l1 = createL1()
  const rollup = createFakeL1Rollup(l1)
  const random = createRandom(seed)
  const sequencer = await openTestNode(rollup, l1.client)
  const verifier = await openTestNode(rollup, unreliable(l1, random))
  let finalized = 100n
  let nextOutput = 0

  /** Posts what is unsafe at the sequencer. */
  const unsafeBlocks = (): Block[] => {
    const { safe, unsafe } = sequencer.store.heads()
    const numbers = Array.from(
      { length: Number(unsafe.number - safe.number) },
      (_, i) => safe.number + 1n + BigInt(i),
    )
    return numbers.flatMap((number) => sequencer.store.blockByNumber(number) ?? [])
  }

  function actionsOf({ post, extra, flip }: Extract<Op, { op: 'mine' }>): FakeL1Action[] {
    const blocks = unsafeBlocks()
    const garbage = encodeBatcherData(blocks.map(blockToBatch))
    const data = {
      nothing: [],
      right: [batchOf(...blocks)],
      gap: [batchOf(...blocks.filter((_, i) => i !== 1)), batchOf(...blocks.slice(0, 2))],
      twice: [batchOf(...blocks), batchOf(...blocks)],
      reversed: [...blocks].reverse().map((block) => batchOf(block)),
      blob: [{ kind: 'blobs' as const, blobs: [encodeBlob(garbage)] }],
    }[post]
    const extras = extra.map((choice): FakeL1Action => {
      if (choice <= 1)
        return { kind: 'deposit', from, data: raws[(flip + choice) % raws.length] as Uint8Array }
      if (choice === 2) return { kind: 'deposit', from, data: Uint8Array.of(1, 2, 3) }
      if (choice === 3) return { kind: 'batch', data: garbage.with(flip % garbage.length, flip & 0xff) }
      const block = sequencer.store.blockByNumber(sequencer.store.heads().safe.number) as Block
      if (choice === 4)
        return { kind: 'output', outputRoot: outputRootOf(block), l2BlockNumber: block.header.number }
      if (choice === 5)
        return { kind: 'output', outputRoot: ZERO_HASH, l2BlockNumber: block.header.number + 2n }
      return { kind: 'deleteOutputs', newLength: BigInt(nextOutput++ % 2) }
    })
    return [...extras.slice(0, 1), ...data, ...extras.slice(1)]
  }

  for (const each of ops) {
    if (each.op === 'build') {
      for (let i = 0; i < each.count; i++) {
        await sequencer.build(i === 0 ? each.picks.map((pick) => raws[pick % raws.length] as Uint8Array) : [])
      }
    } else if (each.op === 'mine') {
      l1.mine(actionsOf(each), L1_SECONDS)
    } else if (each.op === 'reorg') {
      const depth = Math.min(each.depth, Number(l1.head().number - finalized))
      l1.takeBack(depth)
      for (let i = 0; i < each.regrow; i++) l1.mine([], L1_SECONDS)
    } else if (each.op === 'finalize') {
      const target = l1.head().number - 6n
      if (target > finalized) finalized = target
      l1.finalize(finalized)
    } else if (each.op === 'sequencer') {
      for (let i = 0; i < each.steps; i++) await sequencer.step()
    } else {
      if (each.restart) verifier.restart()
      for (let i = 0; i < each.steps; i++) await verifier.step()
    }
  }
  // However far L1 was taken back, it grows beyond what anybody has seen.
  for (let i = 0; i < 8; i++) l1.mine([], L1_SECONDS)
  return { l1, rollup, sequencer, verifier }
}

describe('whatever the sequencer, L1 and its nodes do', () => {
  it('a node that followed, failed and restarted has the chain of one that derives it afresh', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(op, { minLength: 5, maxLength: 40 }), fc.nat(), async (ops, seed) => {
        const { l1, rollup, sequencer, verifier } = await play(ops, seed)
        // A lagging answer looks like the head: ask often enough to get past them.
        for (let i = 0; i < 400; i++) await verifier.step()
        await sequencer.catchUp()
        const fresh = await openTestNode(rollup, l1.client)
        await fresh.catchUp()
        expect(safeChain(verifier.store)).toEqual(safeChain(fresh.store))
        expect(safeChain(sequencer.store)).toEqual(safeChain(fresh.store))
        expect(sequencer.checker().wrongOutputs()).toEqual(fresh.checker().wrongOutputs())
      }),
      { numRuns: 60 },
    )
  })
})
