import type { Hex } from 'viem'
import { expect, it } from 'vitest'
import {
  type BlockResult,
  keccakHex,
  keystoreProof,
  stateTransition,
  transactionHash,
  verifySignature,
} from '../../protocol/index.ts'
import {
  createTestDeposit,
  createTestKeystore,
  createTestRollup,
  fakeHash,
  nextOriginOn,
} from '../../test/chainFixtures.ts'
import type { ChainStore, Inclusion } from './ChainStore.ts'
import { createMemoryDatabase, type Database } from './Database.ts'
import { openChainStoreIn } from './openChainStore.ts'
import { createMemoryRecordLog } from './RecordLog.ts'
import { DamagedDatabaseError } from './storeErrors.ts'

const rollup = createTestRollup()
const { id, raws } = createTestKeystore(rollup, 'alice', 4)
const raw = (i: number) => raws[i] as Uint8Array
/** Of the derived blocks: set-configs that take effect, one that comes too early again and again, and such deposits. */
const BLOCKS = [
  [raw(0), raw(3)],
  [createTestDeposit(raw(2), 0), raw(3)],
  [createTestDeposit(raw(2), 1), raw(1)],
]
const HASHES = BLOCKS.flat().flatMap((each): Hex[] => [transactionHash(each), keccakHex(each)])

/**
 * A database in which a write waits until it and those before it are let, once that is asked for. On disk are then only the records
 * that were appended before the write was asked for.
 */
function createHeldDatabase() {
  const disk = createMemoryDatabase()
  const log = createMemoryRecordLog()
  const appended: Uint8Array[] = []
  const held: (() => void)[] = []
  let isHolding = false
  let onDisk = 0
  let written: Promise<void> = Promise.resolve()
  const database: Database = {
    ...disk,
    append(record) {
      appended.push(record)
      return log.append(record)
    },
    record: log.read,
    write(writes) {
      const count = appended.length
      const gate = isHolding ? new Promise<void>((resolve) => held.push(resolve)) : undefined
      written = written.then(async () => {
        await gate
        for (; onDisk < count; onDisk++) disk.append(appended[onDisk] as Uint8Array)
        await disk.write(writes)
      })
      return written
    },
    close: () => written,
  }
  return {
    database,
    disk,
    held,
    hold() {
      isHolding = true
    },
    letAll() {
      isHolding = false
      for (const resolve of held.splice(0)) resolve()
    },
  }
}

/** What a process finds on a disk when the one before it was killed. */
const viewOf = async (disk: Database) => view(await openChainStoreIn(disk, 'the disk of a dead one', rollup))

function derive(store: ChainStore, transactions: readonly Uint8Array[]): [BlockResult, Inclusion] {
  const head = store.heads().unsafe
  const parent = store.blockByHash(head.hash)?.header
  if (parent === undefined) throw new DamagedDatabaseError('the head')
  const attributes = nextOriginOn(head, rollup, transactions)
  const number = 101n + head.number
  const l1Block = { number, hash: fakeHash(`l1 ${number}`) }
  return [
    stateTransition({ rollup, parent, attributes, reader: store, verify: verifySignature }),
    { l1Block, transactionHash: fakeHash(`batch ${number}`) },
  ]
}

/** Everything that can be asked of a chain of a few blocks. */
function view(store: ChainStore) {
  const numbers = [-1n, 0n, 1n, 2n, 3n, 4n]
  return {
    heads: store.heads(),
    blocks: numbers.map((number) => {
      const block = store.blockByNumber(number)
      if (block === undefined) return undefined
      const { withdrawalsRoot } = block.header
      return {
        block,
        byHash: store.blockByHash(block.hash),
        receipts: store.receiptsOf(block.hash),
        verdicts: store.verdictsOf(block.hash),
        proof: keystoreProof(store.trie(withdrawalsRoot), id),
      }
    }),
    inclusions: numbers.map((number) => store.inclusionOf(number)),
    reached: [100n, 101n, 102n, 103n, 104n].map((number) => store.safeHeadAtL1(number)),
    transactions: HASHES.map((hash) => [store.transaction(hash), store.forcedTransaction(hash)]),
  }
}

async function contentsOf(database: Database): Promise<[Hex, Hex][]> {
  const found: [Hex, Hex][] = []
  const hex = (bytes: Uint8Array): Hex => `0x${Buffer.from(bytes).toString('hex')}`
  for await (const [key, value] of database.entries(new Uint8Array(), Uint8Array.of(255))) {
    found.push([hex(key), hex(value)])
  }
  return found
}

const settle = () => new Promise((resolve) => setImmediate(resolve))

it('shows and builds on derived blocks that are being written as on those that are on disk', async () => {
  const { database, disk, held, hold, letAll } = createHeldDatabase()
  const behind = await openChainStoreIn(database, 'a slow disk', rollup)
  const plainDisk = createMemoryDatabase()
  const plain = await openChainStoreIn(plainDisk, 'a fast disk', rollup)
  hold()
  const views = [view(plain)]
  for (const transactions of BLOCKS) {
    await behind.appendSafe(...derive(behind, transactions))
    await plain.appendSafe(...derive(plain, transactions))
    views.push(view(plain))
    expect(view(behind)).toEqual(view(plain))
  }
  expect(held).toHaveLength(BLOCKS.length)
  expect(await viewOf(disk)).toEqual(views[0])
  held.shift()?.()
  await settle()
  expect(await viewOf(disk)).toEqual(views[1])
  expect(view(behind)).toEqual(view(plain))
  const rewound = behind.rewind(1n)
  await settle()
  // Nothing is written before what it takes back.
  expect(await viewOf(disk)).toEqual(views[1])
  held.shift()?.()
  await settle()
  expect(await viewOf(disk)).toEqual(views[2])
  letAll()
  await rewound
  await plain.rewind(1n)
  expect(view(behind)).toEqual(view(plain))
  expect(await contentsOf(disk)).toEqual(await contentsOf(plainDisk))
  expect(await viewOf(disk)).toEqual(view(plain))
})

it('writes all else after the derived blocks under way, and has it on disk when it resolves', async () => {
  const output = {
    index: 0n,
    outputRoot: fakeHash('output'),
    l1Timestamp: 1n,
    l2BlockNumber: 1n,
    l1Block: { number: 102n, hash: fakeHash('l1 102') },
    transactionHash: fakeHash('proposal'),
  }
  const others: ((store: ChainStore) => Promise<unknown>)[] = [
    (store) => store.bucket('promises').write([{ key: Uint8Array.of(1), value: Uint8Array.of(2) }]),
    (store) => store.putOutput(output),
    (store) => store.markFinalized(store.heads().safe),
    (store) => store.appendUnsafe(derive(store, [])[0]),
    (store) => store.rewind(0n),
    (store) => store.close(),
  ]
  for (const other of others) {
    const { database, disk, held, hold, letAll } = createHeldDatabase()
    const store = await openChainStoreIn(database, 'a slow disk', rollup)
    hold()
    await store.appendSafe(...derive(store, [raw(0)]))
    const before = await contentsOf(disk)
    let isDone = false
    const done = other(store).then(() => {
      isDone = true
    })
    await settle()
    const [block, isLast] = [held.shift(), held.length === 0]
    expect(isDone).toBe(false)
    expect(await contentsOf(disk)).toEqual(before)
    block?.()
    await settle()
    expect(isDone).toBe(isLast)
    expect(await contentsOf(disk)).not.toEqual(before)
    letAll()
    await done
    expect(await viewOf(disk)).toEqual(view(store))
  }
})
