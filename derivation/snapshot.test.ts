import fc from 'fast-check'
import type { Hex } from 'viem'
import { describe, expect, it } from 'vitest'
import {
  type ChainStore,
  CriticalFault,
  type L1Header,
  NoSnapshotError,
  openSnapshot,
  type StoredOutput,
  TemporaryFault,
} from '../node/index.ts'
import { SnapshotRecordKind, snapshotHeadToBytes } from '../node/snapshot/Snapshot.ts'
import { type Block, type Config, encodeBatcherData, encodeBlob, ZERO_HASH } from '../protocol/index.ts'
import {
  blockToBatch,
  createFakeL1Rollup,
  openTestNode,
  outputRootOf,
  type TestNode,
} from '../test/derivationWorld.ts'
import { createFakeL1, type FakeL1Action } from '../test/FakeL1.ts'
import {
  createSnapshotWorld,
  fromRecords,
  inChunks,
  snapshotBytes,
  storeFromSnapshot,
  toRecords,
} from '../test/snapshots.ts'
import { createTestKeystore, type TestKeystore } from '../test/TestKeystore.ts'

const L1_SECONDS = 6n
const from: Hex = `0x${'0f'.repeat(20)}`

const batchOf = (...blocks: readonly Block[]): FakeL1Action => ({
  kind: 'batch',
  data: encodeBatcherData(blocks.map(blockToBatch)),
})

/** A sequencer on a fake L1 whose proposer posts an output of every third block, right ones only. */
async function setUp() {
  const l1 = createFakeL1({ chainId: 31_337n, number: 100n, timestamp: 1_000_000n })
  const rollup = createFakeL1Rollup(l1)
  const sequencer = await openTestNode(rollup, l1.client)
  const keystores = ['alice', 'bob', 'carol'].map((name) =>
    createTestKeystore(rollup.l2ChainId, name, { recoveryDelay: rollup.minRecoveryDelay }),
  )
  let proposed = 0n

  function unsafeBlocks(): Block[] {
    const { safe, unsafe } = sequencer.store.heads()
    const count = Number(unsafe.number - safe.number)
    return Array.from({ length: count }, (_, i) => safe.number + 1n + BigInt(i)).flatMap(
      (number) => sequencer.store.blockByNumber(number) ?? [],
    )
  }

  /** The outputs of what is safe at the sequencer. */
  function dueOutputs(): FakeL1Action[] {
    const actions: FakeL1Action[] = []
    while (proposed + rollup.submissionInterval <= sequencer.store.heads().safe.number) {
      proposed += rollup.submissionInterval
      const block = sequencer.store.blockByNumber(proposed) as Block
      actions.push({ kind: 'output', outputRoot: outputRootOf(block), l2BlockNumber: proposed })
    }
    return actions
  }

  return {
    l1,
    rollup,
    sequencer,
    keystores,
    unsafeBlocks,
    dueOutputs,
    /** Deletes the last output, which is then proposed again. */
    deleteLastOutput(): FakeL1Action[] {
      if (proposed === 0n) return []
      const newLength = proposed / rollup.submissionInterval - 1n
      proposed -= rollup.submissionInterval
      return [{ kind: 'deleteOutputs', newLength }]
    },
    async freshNode(existing?: ChainStore) {
      const node = await openTestNode(rollup, l1.client, existing)
      await node.catchUp()
      return node
    },
  }
}

/** Everything that the chain above a block is. */
function chainAbove({ store }: TestNode, base: bigint, firstOutput: bigint) {
  const { safe, finalized } = store.heads()
  const blocks = []
  for (let number = base + 1n; number <= safe.number; number++) {
    const block = store.blockByNumber(number) as Block
    const { hash } = block
    blocks.push({
      block,
      receipts: store.receiptsOf(hash),
      verdicts: store.verdictsOf(hash),
      inclusion: store.inclusionOf(number),
    })
  }
  const outputs = []
  for (let index = firstOutput; index < store.outputCount(); index++) outputs.push(store.outputByIndex(index))
  return { safe, finalized: finalized.number > base ? finalized : undefined, blocks, outputs }
}

function outputsOf(store: ChainStore): StoredOutput[] {
  return Array.from({ length: Number(store.outputCount()) }, (_, i) => store.outputByIndex(BigInt(i))).filter(
    (output) => output !== undefined,
  )
}

/** The snapshot of each output that can give one. */
async function allSnapshots(store: ChainStore): Promise<{ output: StoredOutput; bytes: Uint8Array }[]> {
  const snapshots = []
  for (const output of outputsOf(store)) {
    try {
      snapshots.push({ output, bytes: await snapshotBytes(store, output) })
    } catch (error) {
      if (!(error instanceof NoSnapshotError)) throw error
    }
  }
  return snapshots
}

const op = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant('build' as const),
      count: fc.integer({ min: 1, max: 6 }),
      change: fc.constantFrom('update', 'recovery', 'completion', 'twice', 'nothing'),
      who: fc.nat(2),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant('mine' as const),
      post: fc.constantFrom('all', 'half', 'two', 'gap', 'twice', 'reversed', 'blob', 'none'),
      before: fc.constantFrom('deposit', 'garbage', 'delete', 'none'),
      proposes: fc.boolean(),
      who: fc.nat(2),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant('silence' as const), count: fc.integer({ min: 1, max: 12 }) }),
  },
)
type Op = typeof op extends fc.Arbitrary<infer T> ? T : never

/** Plays a random history and finalizes all of it but the newest L1 blocks. */
async function play(ops: readonly Op[]) {
  const world = await setUp()
  const { l1, sequencer, keystores, unsafeBlocks, dueOutputs, deleteLastOutput } = world
  const started = new Map<TestKeystore, Config>()
  let count = 0

  function setConfigs(keystore: TestKeystore, change: string): Uint8Array[] {
    const data: Hex = `0x${(count++).toString(16).padStart(64, '0')}`
    if (change === 'nothing') return []
    if (change === 'recovery') {
      const { raw, config } = keystore.startRecovery({ data })
      started.set(keystore, config)
      return [raw]
    }
    const pending = started.get(keystore)
    if (change === 'completion' && pending !== undefined && pending.nonce === keystore.current().nonce + 1n) {
      return [keystore.completeRecovery(pending).raw]
    }
    const { raw } = keystore.update({ data })
    return change === 'twice' ? [raw, raw] : [raw]
  }

  function batches(post: string): FakeL1Action[] {
    const blocks = unsafeBlocks()
    const middle = Math.ceil(blocks.length / 2)
    if (blocks.length === 0) return []
    switch (post) {
      case 'all':
        return [batchOf(...blocks)]
      case 'half':
        return [batchOf(...blocks.slice(0, middle))]
      case 'two':
        return [batchOf(...blocks.slice(0, middle)), batchOf(...blocks.slice(middle))]
      case 'gap':
        return [batchOf(...blocks.filter((_, i) => i !== 1)), batchOf(...blocks.slice(0, 2))]
      case 'twice':
        return [batchOf(...blocks), batchOf(...blocks)]
      case 'reversed':
        return [...blocks].reverse().map((block) => batchOf(block))
      case 'blob':
        return [{ kind: 'blobs', blobs: [encodeBlob(encodeBatcherData(blocks.map(blockToBatch)))] }]
      default:
        return []
    }
  }

  function extras(before: string, keystore: TestKeystore): FakeL1Action[] {
    if (before === 'delete') return deleteLastOutput()
    if (before === 'garbage') return [{ kind: 'batch', data: Uint8Array.of(0, count, 2) }]
    if (before === 'none') return []
    return setConfigs(keystore, 'update').map((data) => ({ kind: 'deposit', from, data }))
  }

  for (const each of ops) {
    if (each.op === 'silence') for (let i = 0; i < each.count; i++) l1.mine([], L1_SECONDS)
    else if (each.op === 'mine') {
      const before = extras(each.before, keystores[each.who] as TestKeystore)
      l1.mine([...before, ...batches(each.post), ...(each.proposes ? dueOutputs() : [])], L1_SECONDS)
      await sequencer.catchUp()
    } else {
      for (let i = 0; i < each.count; i++) {
        await sequencer.build(i === 0 ? setConfigs(keystores[each.who] as TestKeystore, each.change) : [])
      }
    }
  }
  l1.mine(batches('all'), L1_SECONDS)
  await sequencer.catchUp()
  l1.mine(dueOutputs(), L1_SECONDS)
  l1.finalize(l1.head().number)
  l1.mine([], L1_SECONDS)
  return world
}

describe('a node that begins with a snapshot', () => {
  it('derives what a node that began with genesis derives, from every output', async () => {
    let snapshots = 0
    let whole = 0
    await fc.assert(
      fc.asyncProperty(fc.array(op, { minLength: 6, maxLength: 24 }), async (ops) => {
        const { l1, rollup, sequencer, freshNode, unsafeBlocks } = await play(ops)
        const full = await freshNode()
        const same = await freshNode()
        for (const { output, bytes } of await allSnapshots(full.store)) {
          snapshots++
          if (snapshots % 4 === 0) expect(await snapshotBytes(same.store, output)).toEqual(bytes)
          const node = await freshNode(await storeFromSnapshot(bytes, rollup))
          const { block, firstOutput } = node.store.base()
          expect(chainAbove(node, block.number, firstOutput.index)).toEqual(
            chainAbove(full, block.number, firstOutput.index),
          )
          expect(node.wrong).toEqual([])
          expect(node.checker().wrongOutputs()).toEqual([])
          // What it gives on is what a full node gives, too.
          const later = (await allSnapshots(node.store)).at(-1)
          if (later === undefined) continue
          whole++
          expect(later.bytes).toEqual(await snapshotBytes(full.store, later.output))
        }
        // It goes on as others do, through a reorganisation and a restart as well.
        const [first] = await allSnapshots(full.store)
        if (first === undefined) return
        const node = await freshNode(await storeFromSnapshot(first.bytes, rollup))
        for (let i = 0; i < 4; i++) await sequencer.build()
        l1.mine([batchOf(...unsafeBlocks())], L1_SECONDS)
        await node.catchUp()
        l1.takeBack(1)
        l1.mine([batchOf(...unsafeBlocks().slice(0, 2))], L1_SECONDS)
        node.restart()
        await node.catchUp()
        await full.catchUp()
        const { block, firstOutput } = node.store.base()
        expect(chainAbove(node, block.number, firstOutput.index)).toEqual(
          chainAbove(full, block.number, firstOutput.index),
        )
      }),
      { numRuns: 15 },
    )
    expect(Math.min(snapshots, whole)).toBeGreaterThan(10)
  })

  it('halts when it does not come to the block that L1 vouches for', async () => {
    const { l1, rollup, bytes } = await createSnapshotWorld()
    const records = await toRecords(bytes)
    const { head } = await openSnapshot(inChunks(bytes))
    // As if the L1 block that carried the blocks up to the output's had been read already.
    const { number, hash } = (await l1.client.header(105n)) as L1Header
    const inclusion = { ...head.base.inclusion, l1Block: { number, hash } }
    const payload = snapshotHeadToBytes({ ...head, base: { ...head.base, inclusion } })
    const lying = fromRecords([{ kind: SnapshotRecordKind.head, payload }, ...records.slice(1)])
    const node = await openTestNode(rollup, l1.client, await storeFromSnapshot(lying, rollup))
    for (let i = 0; i < 20; i++) l1.mine([], L1_SECONDS)
    await expect(node.catchUp()).rejects.toThrow(CriticalFault)
    expect(node.store.heads().safe.number).toBe(12n)
    // The wrong block is on disk by now: a process that is started again must not go on from it.
    node.restart()
    await expect(node.catchUp()).rejects.toThrow('for which an output on L1 stands')
    expect(node.store.heads().safe.number).toBe(12n)
  })

  it('halts when L1 takes back what the snapshot stands on, and waits for an L1 that lags behind it', async () => {
    const { l1, rollup, bytes, node: full } = await createSnapshotWorld()
    const store = await storeFromSnapshot(bytes, rollup)
    const node = await openTestNode(rollup, l1.client, store)
    const length = Number(l1.head().number) - 103
    l1.takeBack(length)
    await expect(node.driver().step()).rejects.toThrow(TemporaryFault)
    expect(store.heads().safe.hash).toBe(store.base().block.hash)
    for (let i = 0; i < 9; i++) l1.mine([], L1_SECONDS)
    await expect(node.catchUp()).rejects.toThrow('L1 took back block 104')
    expect(store.heads().safe.hash).toBe(full.store.blockByNumber(6n)?.hash)
    await expect(node.engine.reset(5n)).rejects.toThrow(CriticalFault)
  })

  it('alarms of a wrong output above it, and ignores what becomes of those below', async () => {
    const { l1, rollup, bytes, node: full } = await createSnapshotWorld()
    const node = await openTestNode(rollup, l1.client, await storeFromSnapshot(bytes, rollup))
    const fourth = full.store.blockByNumber(15n) as Block
    l1.mine([{ kind: 'output', outputRoot: ZERO_HASH, l2BlockNumber: fourth.header.number }], L1_SECONDS)
    await node.catchUp()
    expect(node.wrong.map(({ output }) => output.index)).toEqual([4n])
    // Outputs 1 to 4 go; 1 is of a block below the base.
    const again = [6n, 9n, 12n, 15n].map((number): FakeL1Action => {
      const block = full.store.blockByNumber(number) as Block
      return { kind: 'output', outputRoot: outputRootOf(block), l2BlockNumber: number }
    })
    l1.mine([{ kind: 'deleteOutputs', newLength: 1n }], L1_SECONDS)
    await node.catchUp()
    expect([node.store.outputCount(), node.checker().wrongOutputs()]).toEqual([2n, []])
    l1.mine(again, L1_SECONDS)
    await node.catchUp()
    expect([node.store.outputCount(), node.checker().wrongOutputs()]).toEqual([5n, []])
    expect(node.store.outputForBlock(7n)?.index).toBe(2n)
  })
})
