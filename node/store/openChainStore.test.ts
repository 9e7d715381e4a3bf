import { fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import type { Hex } from 'viem'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type BlockResult,
  type Config,
  configHash,
  fromHex,
  keccakHex,
  readKeystore,
  stateTransition,
  transactionHash,
  verifySignature,
} from '../../protocol/index.ts'
import {
  attributesOn,
  createTestDeposit,
  createTestKeystore,
  createTestRollup,
  fakeHash,
  nextOriginOn,
} from '../../test/chainFixtures.ts'
import { CriticalFault } from '../Fault.ts'
import { Bucket, bucketKey } from './Bucket.ts'
import type { ChainStore, Inclusion } from './ChainStore.ts'
import {
  createMemoryDatabase,
  type Database,
  DatabaseUnavailableError,
  openLevelDatabase,
} from './Database.ts'
import { metaKey } from './foundingWrites.ts'
import { openChainStore, openChainStoreIn } from './openChainStore.ts'
import { headsToBytes, positionToBytes } from './storeCodecs.ts'
import {
  DamagedDatabaseError,
  GenesisMismatchError,
  NotOnHeadError,
  OutputIndexError,
  SchemaVersionError,
  WrongRollupError,
} from './storeErrors.ts'

const rollup = createTestRollup()
const alice = createTestKeystore(rollup, 'alice', 6)
const raw = (i: number) => alice.raws[i] as Uint8Array

/** Executes transactions on the unsafe head, without storing the result. */
function execute(
  store: ChainStore,
  transactions: readonly Uint8Array[] = [],
  isNewOrigin = false,
): BlockResult {
  const head = store.heads().unsafe
  const parent = store.blockByHash(head.hash)?.header
  if (parent === undefined) throw new DamagedDatabaseError('the head')
  const attributes = (isNewOrigin ? nextOriginOn : attributesOn)(head, rollup, transactions)
  return stateTransition({ rollup, parent, attributes, reader: store, verify: verifySignature })
}

async function append(store: ChainStore, transactions: readonly Uint8Array[] = [], isNewOrigin = false) {
  const result = execute(store, transactions, isNewOrigin)
  await store.appendUnsafe(result)
  return result.block
}

const includedAt = (number: bigint): Inclusion => ({
  l1Block: { number, hash: fakeHash(`l1 ${number}`) },
  transactionHash: fakeHash(`batch ${number}`),
})

function headConfigHash(store: ChainStore, id: Hex): Hex {
  const head = store.blockByHash(store.heads().unsafe.hash)
  if (head === undefined) throw new DamagedDatabaseError('the head')
  return readKeystore(store, head.header.withdrawalsRoot, id).configHash
}

/** Counts what is read of longer records: of trie nodes, where blocks and configs are in memory. */
function countRecords(database: Database): Database & { read: number } {
  const counting = {
    ...database,
    read: 0,
    record(position: number) {
      const record = database.record(position)
      if (record !== undefined && record.length >= 100) counting.read++
      return record
    },
  }
  return counting
}

describe('openChainStore in memory', () => {
  let store: ChainStore
  beforeEach(async () => {
    store = await openChainStore(':memory:', rollup)
  })

  it('starts with genesis, which is safe and final', () => {
    const { unsafe, safe, finalized } = store.heads()
    expect(unsafe.hash).toBe(rollup.genesis.l2.hash)
    expect([safe, finalized]).toEqual([unsafe, unsafe])
    expect(unsafe.l1Origin).toEqual({ number: 100n, hash: rollup.genesis.l1.hash })
    expect(store.inclusionOf(0n)).toBeUndefined()
  })

  it('keeps blocks, receipts, verdicts, configs and trie nodes', async () => {
    const block = await append(store, [raw(0), raw(0)])
    expect(store.blockByNumber(1n)).toEqual(block)
    expect(store.blockByHash(block.hash)).toEqual(block)
    expect(store.receiptsOf(block.hash)?.map(({ status }) => status)).toEqual([1, 0])
    expect(store.verdictsOf(block.hash)).toEqual([undefined, 'NONCE_TOO_LOW'])
    const configHash = headConfigHash(store, alice.id)
    expect(store.config(configHash)).toEqual(alice.configs[1])
    expect(store.blockByNumber(2n)).toBeUndefined()
    expect(store.blockByNumber(-1n)).toBeUndefined()
    expect(store.blockByNumber(2n ** 64n)).toBeUndefined()
  })

  it('finds a transaction where it took effect, else where it was first tried', async () => {
    // Update 2 before update 1: invalid at first, valid in block 2, too late in block 3.
    await append(store, [raw(1), raw(0)])
    expect(store.transaction(transactionHash(raw(1)))).toMatchObject({ blockNumber: 1n, index: 0 })
    await append(store, [raw(1)])
    await append(store, [raw(1)])
    expect(store.transaction(transactionHash(raw(1)))).toMatchObject({ blockNumber: 2n, index: 0 })
    await store.rewind(1n)
    expect(store.transaction(transactionHash(raw(1)))).toMatchObject({ blockNumber: 1n, index: 0 })
    await store.rewind(0n)
    expect(store.transaction(transactionHash(raw(1)))).toBeUndefined()
  })

  it('shows the first place of several in a block where a transaction failed', async () => {
    await append(store, [raw(0), raw(3), raw(3)])
    expect(store.transaction(transactionHash(raw(3)))).toMatchObject({ blockNumber: 1n, index: 1 })
  })

  it('knows nothing of a replaced block by its hash', async () => {
    const old = await append(store, [raw(0)])
    await store.rewind(0n)
    expect(store.blockByHash(old.hash)).toBeUndefined()
    const other = await append(store)
    expect(store.blockByHash(old.hash)).toBeUndefined()
    expect(store.receiptsOf(old.hash)).toBeUndefined()
    expect(store.blockByHash(other.hash)).toEqual(other)
    expect(store.receiptsOf(other.hash)).toEqual([])
  })

  it('says that there is no block, and not that the database is damaged, when one is dropped between two reads', async () => {
    const disk = createMemoryDatabase()
    const first = await openChainStoreIn(disk, 'a test', rollup)
    const result = execute(first, [raw(0)])
    await first.appendSafe(result, includedAt(101n))
    const { hash } = result.block
    let drop: (() => void) | undefined
    const database: Database = {
      ...disk,
      get(key) {
        const value = disk.get(key)
        if (key[0] === Bucket.number) drop?.()
        return value
      },
      write: (writes) =>
        new Promise((resolve) => {
          drop = () => resolve(disk.write(writes))
        }),
    }
    const store = await openChainStoreIn(database, 'a test', rollup)
    const { unsafe, finalized } = store.heads()
    const rewound = store.rewind(0n)
    expect(store.receiptsOf(hash)).toBeUndefined()
    expect([store.heads().unsafe, store.safeHeadAtL1(101n)]).toEqual([unsafe, finalized])
    await rewound
    expect(store.blockByHash(hash)).toBeUndefined()
  })

  it('finds the deposit that forces a set-config by the set-config’s hash', async () => {
    const deposit = createTestDeposit(raw(0), 0)
    await append(store, [deposit], true)
    expect(store.forcedTransaction(keccakHex(raw(0)))).toMatchObject({
      blockNumber: 1n,
      index: 0,
      raw: deposit,
    })
    expect(store.transaction(keccakHex(raw(0)))).toBeUndefined()
    expect(store.transaction(keccakHex(deposit))).toMatchObject({ raw: deposit })
    await store.rewind(0n)
    expect(store.forcedTransaction(keccakHex(raw(0)))).toBeUndefined()
  })

  it('finds a set-config and the deposit that forces it, which failed in one block', async () => {
    const deposit = createTestDeposit(raw(3), 0)
    await append(store, [deposit, raw(3)], true)
    expect(store.forcedTransaction(keccakHex(raw(3)))).toMatchObject({ index: 0, raw: deposit })
    expect(store.transaction(keccakHex(raw(3)))).toMatchObject({ index: 1, raw: raw(3) })
  })

  it('refuses a block that is no child of the unsafe head', async () => {
    const first = execute(store)
    await store.appendUnsafe(first)
    await expect(store.appendUnsafe(first)).rejects.toBeInstanceOf(NotOnHeadError)
    await expect(store.appendSafe(execute(store), includedAt(101n))).rejects.toBeInstanceOf(NotOnHeadError)
    expect(store.heads().unsafe.number).toBe(1n)
  })

  it('moves the safe head child by child, and the finalized head behind it', async () => {
    const blocks = [await append(store), await append(store), await append(store)] as const
    const id = (i: 0 | 1 | 2) => ({ number: BigInt(i + 1), hash: blocks[i].hash })
    await expect(store.markSafe(id(1), includedAt(101n))).rejects.toBeInstanceOf(NotOnHeadError)
    await expect(store.markSafe({ ...id(0), hash: fakeHash('x') }, includedAt(101n))).rejects.toBeInstanceOf(
      NotOnHeadError,
    )
    await store.markSafe(id(0), includedAt(101n))
    await store.markSafe(id(1), includedAt(103n))
    await expect(store.markFinalized(id(2))).rejects.toBeInstanceOf(NotOnHeadError)
    await store.markFinalized(id(1))
    await store.markFinalized(id(0))
    const { unsafe, safe, finalized } = store.heads()
    expect([unsafe.number, safe.number, finalized.number]).toEqual([3n, 2n, 2n])
    expect(store.inclusionOf(2n)).toEqual(includedAt(103n))
    expect(store.inclusionOf(3n)).toBeUndefined()
  })

  it('tells what was safe once an L1 block had been read', async () => {
    for (const l1 of [101n, 101n, 104n, 110n]) await store.appendSafe(execute(store), includedAt(l1))
    const safeAt = (l1: bigint) => store.safeHeadAtL1(l1).number
    expect([99n, 101n, 103n, 104n, 109n, 110n, 10_000n].map(safeAt)).toEqual([0n, 2n, 2n, 3n, 3n, 4n, 4n])
  })

  it('keeps state readable at every kept block, also after a rewind', async () => {
    for (let i = 0; i < 4; i++) await append(store, [raw(i)])
    const before = store.blockByNumber(2n)
    await store.rewind(2n)
    expect(store.heads().unsafe.number).toBe(2n)
    expect(store.config(headConfigHash(store, alice.id))?.nonce).toBe(2n)
    expect(store.blockByNumber(2n)).toEqual(before)
    expect(store.blockByNumber(3n)).toBeUndefined()
    await append(store, [raw(2)])
    expect(store.config(headConfigHash(store, alice.id))?.nonce).toBe(3n)
  })

  it('takes the safe head back alone, or with the unsafe one', async () => {
    for (let i = 0; i < 4; i++) await store.appendSafe(execute(store), includedAt(BigInt(101 + i)))
    await store.rewind(4n, 2n)
    expect([store.heads().unsafe.number, store.heads().safe.number]).toEqual([4n, 2n])
    expect(store.inclusionOf(3n)).toBeUndefined()
    await store.rewind(1n)
    expect([store.heads().unsafe.number, store.heads().safe.number]).toEqual([1n, 1n])
    await store.markFinalized(store.heads().safe)
    for (const rewound of [store.rewind(0n), store.rewind(1n, 0n)]) {
      const fault: unknown = await rewound.catch((error: unknown) => error)
      expect(fault).toBeInstanceOf(CriticalFault)
      expect(fault).toMatchObject({ details: { reason: 'FINALIZED_L1_REVERTED' } })
    }
  })

  it('keeps outputs by index, finds the first at or above a block, and forgets deleted ones', async () => {
    const output = (index: bigint) => ({
      index,
      outputRoot: fakeHash(`output ${index}`),
      l1Timestamp: 1000n + index,
      l2BlockNumber: (index + 1n) * 10n,
      l1Block: { number: 200n + index, hash: fakeHash('l1') },
      transactionHash: fakeHash('tx'),
    })
    for (let i = 0n; i < 5n; i++) await store.putOutput(output(i))
    await expect(store.putOutput(output(7n))).rejects.toBeInstanceOf(OutputIndexError)
    expect(store.outputByIndex(3n)).toEqual(output(3n))
    expect(store.outputByIndex(-1n)).toBeUndefined()
    const indexFor = (block: bigint) => store.outputForBlock(block)?.index
    expect([0n, 10n, 11n, 50n, 51n].map(indexFor)).toEqual([0n, 0n, 1n, 4n, undefined])
    await store.truncateOutputs(2n)
    expect([store.outputCount(), store.outputByIndex(2n)]).toEqual([2n, undefined])
    await store.truncateOutputs(9n)
    expect(store.outputCount()).toBe(2n)
  })

  it('keeps other parts’ bytes apart, in the order of their keys', async () => {
    const [pool, promises] = [store.bucket('pool'), store.bucket('promises')]
    const keys = [[2], [1, 255], [1], [255]].map((bytes) => Uint8Array.from(bytes))
    await pool.write(keys.map((key) => ({ key, value: key })))
    await promises.write([{ key: Uint8Array.of(1), value: Uint8Array.of(9) }])
    const read = async (from?: Uint8Array, until?: Uint8Array) => {
      const found: number[][] = []
      for await (const [key] of pool.entries(from, until)) found.push([...key])
      return found
    }
    expect(await read()).toEqual([[1], [1, 255], [2], [255]])
    expect(await read(Uint8Array.of(2))).toEqual([[2], [255]])
    expect(await read(Uint8Array.of(1, 1), Uint8Array.of(255))).toEqual([[1, 255], [2]])
    await pool.write([{ key: Uint8Array.of(1), value: undefined }])
    expect(pool.get(Uint8Array.of(1))).toBeUndefined()
    expect(promises.get(Uint8Array.of(1))).toEqual(Uint8Array.of(9))
  })

  it('ends in the same state as a straight chain, whatever was appended and rewound before', async () => {
    const step = fc.oneof(
      fc.record({ type: fc.constant('append' as const), picks: fc.array(fc.nat(5), { maxLength: 3 }) }),
      fc.record({ type: fc.constant('rewind' as const), depth: fc.nat(4) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const wandering = await openChainStore(':memory:', rollup)
        let kept: (readonly Uint8Array[])[] = []
        for (const one of steps) {
          if (one.type === 'append') {
            const transactions = one.picks.map(raw)
            await append(wandering, transactions)
            kept.push(transactions)
          } else {
            kept = kept.slice(0, Math.max(0, kept.length - one.depth))
            await wandering.rewind(BigInt(kept.length))
          }
        }
        const straight = await openChainStore(':memory:', rollup)
        for (const transactions of kept) await append(straight, transactions)
        expect(wandering.heads()).toEqual(straight.heads())
        for (const bytes of alice.raws) {
          expect(wandering.transaction(transactionHash(bytes))).toEqual(
            straight.transaction(transactionHash(bytes)),
          )
        }
      }),
      { numRuns: 40 },
    )
  })
})

describe('openChainStore on disk', () => {
  let path: string
  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'keyroll-store-'))
  })
  afterEach(() => rm(path, { recursive: true, force: true }))

  it('comes back as it was', async () => {
    const store = await openChainStore(path, rollup)
    await store.appendSafe(execute(store, [raw(0)]), includedAt(101n))
    await append(store, [raw(1), raw(3)])
    await store.bucket('pool').write([{ key: Uint8Array.of(1), value: Uint8Array.of(2) }])
    const heads = store.heads()
    const receipts = store.receiptsOf(heads.unsafe.hash)
    await store.close()

    const again = await openChainStore(path, rollup)
    expect(again.heads()).toEqual(heads)
    expect(again.receiptsOf(heads.unsafe.hash)).toEqual(receipts)
    expect(again.verdictsOf(heads.unsafe.hash)).toEqual([undefined, 'NONCE_TOO_HIGH'])
    expect(again.inclusionOf(1n)).toEqual(includedAt(101n))
    expect(again.config(headConfigHash(again, alice.id))).toEqual(alice.configs[2])
    expect(again.bucket('pool').get(Uint8Array.of(1))).toEqual(Uint8Array.of(2))
    await again.close()
  })

  it('refuses the database of another rollup, another version, and one that is in use', async () => {
    const store = await openChainStore(path, rollup)
    await expect(openChainStore(path, rollup)).rejects.toBeInstanceOf(DatabaseUnavailableError)
    await store.close()
    await expect(openChainStore(path, createTestRollup(7n))).rejects.toBeInstanceOf(WrongRollupError)
    const database = await openLevelDatabase(path)
    await database.write([{ key: bucketKey(Bucket.meta, Buffer.from('version')), value: Buffer.from('0') }])
    await database.close()
    await expect(openChainStore(path, rollup)).rejects.toBeInstanceOf(SchemaVersionError)
  })

  it('refuses heads that are not the blocks it has', async () => {
    const database = createMemoryDatabase()
    const store = await openChainStoreIn(database, 'a test', rollup)
    await append(store, [raw(0)])
    const { safe, unsafe } = store.heads()
    for (const name of ['unsafe', 'safe', 'finalized']) {
      const heads = { unsafe, safe, finalized: safe }
      const other = { ...heads, [name]: { number: 1n, hash: fakeHash('other') } }
      await database.write([{ key: metaKey('heads'), value: headsToBytes(other) }])
      await expect(openChainStoreIn(database, 'a test', rollup)).rejects.toBeInstanceOf(DamagedDatabaseError)
    }
  })

  it('shows no transaction under the hash of another', async () => {
    const database = createMemoryDatabase()
    const store = await openChainStoreIn(database, 'a test', rollup)
    await append(store, [createTestDeposit(raw(3), 0), raw(0)], true)
    const places = [
      [Bucket.transaction, fakeHash('a'), 1],
      [Bucket.forced, fakeHash('b'), 0],
    ] as const
    for (const [bucket, hash, index] of places) {
      const value = positionToBytes({ blockNumber: 1n, index })
      await database.write([{ key: bucketKey(bucket, fromHex(hash)), value }])
    }
    expect(() => store.transaction(fakeHash('a'))).toThrow(DamagedDatabaseError)
    expect(() => store.forcedTransaction(fakeHash('b'))).toThrow(DamagedDatabaseError)
    const upper: Hex = `0x${transactionHash(raw(0)).slice(2).toUpperCase()}`
    expect(store.transaction(upper)).toMatchObject({ blockNumber: 1n, index: 1 })
  })

  it('refuses a rollup config whose genesis hash is wrong', async () => {
    const genesis = { ...rollup.genesis, l2: { number: 0n, hash: fakeHash('other') } }
    await expect(openChainStore(path, { ...rollup, genesis })).rejects.toBeInstanceOf(GenesisMismatchError)
  })

  it('has every block it told of, whole, after the process was killed', { timeout: 60_000 }, async () => {
    // The child appends blocks as fast as it can and tells each head that is on disk; it is killed in between.
    const child = fork(new URL('../../test/appendUntilKilled.ts', import.meta.url), [path], {
      execArgv: ['--import', 'tsx'],
      stdio: 'ignore',
    })
    let told = 0n
    await new Promise<void>((resolve, reject) => {
      child.on('message', (number: string) => {
        told = BigInt(number)
        if (told >= 40n) child.kill('SIGKILL')
      })
      child.on('exit', (_code, signal) =>
        signal === 'SIGKILL' ? resolve() : reject(new DamagedDatabaseError('the child')),
      )
    })
    const store = await openChainStore(path, rollup)
    const { unsafe, safe } = store.heads()
    expect(unsafe.number).toBeGreaterThanOrEqual(told)
    expect(safe.number).toBeGreaterThanOrEqual(unsafe.number - 1n)
    for (let number = 1n; number <= unsafe.number; number++) {
      const block = store.blockByNumber(number)
      expect(block?.header.parentHash).toBe(store.blockByNumber(number - 1n)?.hash)
      expect(store.receiptsOf(block?.hash ?? '0x')).toHaveLength(block?.transactions.length ?? -1)
    }
    await append(store)
    await store.close()
  })
})

it('reads no branch of the newest state from the database, and those that were replaced once', async () => {
  const database = countRecords(createMemoryDatabase())
  const store = await openChainStoreIn(database, 'memory', rollup)
  const keystores = Array.from({ length: 40 }, (_, i) => createTestKeystore(rollup, `keystore ${i}`, 2))
  const rawsAt = (nonce: number) => keystores.map(({ raws }) => raws[nonce] as Uint8Array)
  // Opening reads the head's block.
  database.read = 0
  const first = await append(store, rawsAt(0))
  const second = await append(store, rawsAt(1))
  const expectNonces = (root: Hex, nonce: number) => {
    for (const { id, configs } of keystores) {
      expect(readKeystore(store, root, id).configHash).toBe(configHash(configs[nonce] as Config))
    }
  }
  expectNonces(second.header.withdrawalsRoot, 2)
  expect(database.read).toBe(0)
  expectNonces(first.header.withdrawalsRoot, 1)
  const { read } = database
  expect(read).toBeGreaterThan(1)
  expectNonces(first.header.withdrawalsRoot, 1)
  expect(database.read).toBe(read)
  await store.close()
})
