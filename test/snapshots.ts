import type { Hex } from 'viem'
import {
  type ChainStore,
  createMemoryDatabase,
  loadSnapshot,
  openChainStoreIn,
  openSnapshot,
  type StoredOutput,
} from '../node/index.ts'
import {
  SNAPSHOT_MAGIC,
  SnapshotRecordKind,
  snapshotEndToBytes,
  snapshotRecordToBytes,
} from '../node/snapshot/Snapshot.ts'
import { createSnapshotRecords, type SnapshotRecord } from '../node/snapshot/snapshotRecords.ts'
import {
  type Block,
  concat,
  encodeBatcherData,
  type RollupConfig,
  sha256,
  ZERO_HASH,
} from '../protocol/index.ts'
import {
  blockToBatch,
  createFakeL1Rollup,
  openTestNode,
  outputRootOf,
  type TestNode,
} from './derivationWorld.ts'
import { createFakeL1, type FakeL1, type FakeL1Action } from './FakeL1.ts'
import { createTestKeystore, type TestKeystore } from './TestKeystore.ts'

/** Collects the whole snapshot that an output of a store vouches for. */
export async function snapshotBytes(store: ChainStore, output: StoredOutput): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of store.snapshot(output)) chunks.push(chunk)
  return new Uint8Array(Buffer.concat(chunks))
}

/** Opens a store in memory that begins with a snapshot. */
export async function storeFromSnapshot(bytes: Uint8Array, rollup: RollupConfig): Promise<ChainStore> {
  const database = createMemoryDatabase()
  await loadSnapshot(await openSnapshot(inChunks(bytes), rollup), database, rollup)
  return openChainStoreIn(database, ':memory:', rollup)
}

/** Gives bytes in chunks, as a file does. */
export async function* inChunks(bytes: Uint8Array, size = 65_536): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/** A chain with everything in it that a snapshot must carry, and the snapshot of its newest output. */
export type SnapshotWorld = {
  l1: FakeL1
  rollup: RollupConfig
  node: TestNode
  output: StoredOutput
  bytes: Uint8Array
  /** Never updated, with a pending recovery; updated, with an overtaken one; updated again and again. */
  keystores: readonly [TestKeystore, TestKeystore, TestKeystore]
}

const L1_SECONDS = 6n
const FORCER: Hex = `0x${'0f'.repeat(20)}`

/**
 * Makes such a chain. Its base has deposits, one of them garbage; two L1 blocks later the output's block stands in the middle of an
 * L1 block with several batches, and another output lies between.
 */
export async function createSnapshotWorld(): Promise<SnapshotWorld> {
  const l1 = createFakeL1({ chainId: 31_337n, number: 100n, timestamp: 1_000_000n })
  const rollup = createFakeL1Rollup(l1)
  const node = await openTestNode(rollup, l1.client)
  const [idle, overtaken, busy] = ['idle', 'overtaken', 'busy'].map((name) =>
    createTestKeystore(rollup.l2ChainId, name, { recoveryDelay: rollup.minRecoveryDelay }),
  ) as [TestKeystore, TestKeystore, TestKeystore]

  async function build(count: number, transactions: readonly Uint8Array[] = []): Promise<Block[]> {
    const blocks: Block[] = []
    for (let i = 0; i < count; i++) {
      const block = await node.build(i === 0 ? transactions : [])
      if (block !== undefined) blocks.push(block)
    }
    return blocks
  }
  const batch = (blocks: readonly Block[]): FakeL1Action => ({
    kind: 'batch',
    data: encodeBatcherData(blocks.map(blockToBatch)),
  })
  const output = (number: bigint): FakeL1Action => {
    const block = node.store.blockByNumber(number)
    return {
      kind: 'output',
      outputRoot: block === undefined ? ZERO_HASH : outputRootOf(block),
      l2BlockNumber: number,
    }
  }

  const started = [idle.startRecovery({ data: '0x01' }).raw, overtaken.startRecovery({ data: '0x02' }).raw]
  const updates = [busy.update({ data: '0x03' }).raw, overtaken.update({ data: '0x04' }).raw]
  l1.mine([batch(await build(2, [...started, ...updates]))], L1_SECONDS)
  await node.catchUp()
  l1.mine([{ kind: 'deposit', from: FORCER, data: Uint8Array.of(1, 2) }], L1_SECONDS)
  const { raw } = busy.update({ data: '0x05' })
  l1.mine([{ kind: 'deposit', from: FORCER, data: raw }], L1_SECONDS)
  const early = await build(4)
  l1.mine([batch(early)], L1_SECONDS)
  await node.catchUp()
  const late = await build(9, [busy.update({ data: '0x06' }).raw])
  l1.mine([batch(late.slice(0, 3)), batch(late.slice(3)), batch(early)], L1_SECONDS)
  await node.catchUp()
  l1.mine([output(3n), output(6n), output(9n)], L1_SECONDS)
  l1.mine([output(12n)], L1_SECONDS)
  for (let i = 0; i < 4; i++) l1.mine([], L1_SECONDS)
  l1.finalize(l1.head().number)
  await node.catchUp()
  const newest = node.store.outputByIndex(3n)
  if (newest === undefined) throw new RangeError('the output was not read')
  const bytes = await snapshotBytes(node.store, newest)
  return { l1, rollup, node, output: newest, bytes, keystores: [idle, overtaken, busy] }
}

/** Takes a snapshot apart into its records. */
export async function toRecords(bytes: Uint8Array): Promise<SnapshotRecord[]> {
  const records = await createSnapshotRecords(inChunks(bytes))
  const all: SnapshotRecord[] = []
  for (let next = await records.peek(); next !== undefined; next = await records.peek()) {
    all.push(next)
    records.take()
  }
  return all
}

/** Puts records together again, with the end that fits them. */
export function fromRecords(records: readonly SnapshotRecord[]): Uint8Array {
  const { end, node, config, initial } = SnapshotRecordKind
  const kept = records.filter(({ kind }) => kind !== end)
  const count = (wanted: number) => BigInt(kept.filter(({ kind }) => kind === wanted).length)
  const body = concat(
    SNAPSHOT_MAGIC,
    ...kept.map(({ kind, payload }) => snapshotRecordToBytes(kind, payload)),
  )
  const counts = { nodes: count(node), configs: count(config), initials: count(initial) }
  return concat(body, snapshotRecordToBytes(end, snapshotEndToBytes(counts, sha256(body))))
}
