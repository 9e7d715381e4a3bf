import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import {
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { Level } from 'level'
import type { Hex } from 'viem'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type Config,
  configHash,
  keystoreProof,
  MissingNodeError,
  readKeystore,
  stateTransition,
  verifySignature,
} from '../../protocol/index.ts'
import {
  attributesOn,
  createTestKeystore,
  createTestRollup,
  fakeHash,
  type TestKeystore,
} from '../../test/chainFixtures.ts'
import { numberedRecord, recordOf } from '../../test/recordOf.ts'
import { Bucket, bucketKey, uint64Key } from './Bucket.ts'
import type { ChainStore } from './ChainStore.ts'
import {
  createMemoryDatabase,
  type Database,
  DatabaseUnavailableError,
  openLevelDatabase,
} from './Database.ts'
import { openChainStore } from './openChainStore.ts'
import { positionUnder, recordUnder, recordWrite } from './records.ts'
import { configKey } from './StateReader.ts'
import { rootPosition } from './storedTrie.ts'
import { DamagedDatabaseError } from './storeErrors.ts'

let path: string
let records: string
beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'keyroll-database-'))
  records = join(path, 'records')
})
afterEach(() => rm(path, { recursive: true }))

const keyOf = (number: number) => uint64Key(BigInt(number))

describe('a record', () => {
  const openers: [string, () => Promise<Database>][] = [
    ['on disk', () => openLevelDatabase(path)],
    ['in memory', async () => createMemoryDatabase()],
  ]
  it.each(openers)('is found by its position and its key: %s', async (_, open) => {
    const database = await open()
    const first = database.append(recordOf(1, 2_000))
    expect(database.record(first)).toEqual(recordOf(1, 2_000))
    await database.write([recordWrite(database, keyOf(1), recordOf(2, 10))])
    expect(database.record(first)).toEqual(recordOf(1, 2_000))
    expect(recordUnder(database, keyOf(1))).toEqual(recordOf(2, 10))
    expect(positionUnder(database, keyOf(1))).toBeGreaterThan(first)
    expect([positionUnder(database, keyOf(2)), recordUnder(database, keyOf(2))]).toEqual([
      undefined,
      undefined,
    ])
    await database.close()
  })

  it('is there when the database is opened again, and those that come later stand behind it', async () => {
    for (let number = 0; number < 5; number++) {
      const database = await openLevelDatabase(path)
      // On disk with the next write, whatever that is.
      const position = database.append(numberedRecord(number))
      if (number > 0) expect(position).toBeGreaterThan(positionUnder(database, keyOf(number - 1)) ?? Infinity)
      await database.write([])
      await database.write([recordWrite(database, keyOf(number), recordOf(number, 700))])
      for (let i = 0; i <= number; i++) expect(recordUnder(database, keyOf(i))).toEqual(recordOf(i, 700))
      await database.close()
      const again = await openLevelDatabase(path)
      expect(again.record(position)).toEqual(numberedRecord(number))
      await again.close()
    }
  })

  it('is found whole by every key on disk, whenever the process was killed', {
    timeout: 120_000,
  }, async () => {
    let next = 0
    for (const rounds of [1, 4, 9, 15]) {
      const told = await writeAndKill(next, rounds)
      const database = await openLevelDatabase(path)
      const before = next
      for await (const [key, value] of database.entries(keyOf(0), keyOf(2 ** 40))) {
        const number = Number(Buffer.from(key).readBigUInt64BE())
        const position = Buffer.from(value).readUIntBE(0, 6)
        const record = database.record(position)
        if (record === undefined || Buffer.compare(record, numberedRecord(number)) !== 0) {
          expect.unreachable(`the record ${number}`)
        }
        next = Math.max(next, number + 1)
      }
      expect(told).toBeGreaterThan(before)
      expect(next).toBeGreaterThanOrEqual(told)
      // Whatever is there, so is all that was asked for before.
      for (let number = 0; number < next; number++) expect(database.get(keyOf(number))).toBeDefined()
      await database.close()
    }
  })
})

/** Starts a process that writes from this number on, and kills it in a write, after so many; tells below which number all are on disk. */
async function writeAndKill(from: number, rounds: number): Promise<number> {
  const child = fork(new URL('../../test/writeUntilKilled.ts', import.meta.url), [path, String(from)], {
    execArgv: ['--import', 'tsx'],
    stdio: 'ignore',
  })
  let told = from
  let heard = 0
  const signal = await new Promise<NodeJS.Signals | null>((resolve) => {
    child.on('message', async (number: number) => {
      told = number
      if (++heard !== rounds) return
      // Somewhere in what comes next.
      for (let turn = 0; turn < 37 * rounds; turn++) await new Promise(setImmediate)
      child.kill('SIGKILL')
    })
    child.on('exit', (_code, by) => resolve(by))
  })
  expect(signal).toBe('SIGKILL')
  return told
}

describe('a write', () => {
  it.skipIf(!existsSync('/dev/full'))(
    'leaves no trace when the records before it cannot be written',
    async () => {
      await symlink('/dev/full', records)
      const database = await openLevelDatabase(path)
      await database.write([{ key: keyOf(1), value: Uint8Array.of(1) }])
      const write = recordWrite(database, keyOf(2), recordOf(1, 100))
      await expect(database.write([write, { key: keyOf(1), value: undefined }])).rejects.toThrow('ENOSPC')
      // Nor do those that come later, for they may refer to what is not there.
      await expect(database.write([{ key: keyOf(3), value: Uint8Array.of(3) }])).rejects.toThrow('ENOSPC')
      const expectUntouched = ({ get }: Database) =>
        expect([1, 2, 3].map((number) => get(keyOf(number)))).toEqual([
          Uint8Array.of(1),
          undefined,
          undefined,
        ])
      expectUntouched(database)
      await database.close()
      await rm(records)
      const again = await openLevelDatabase(path)
      expectUntouched(again)
      await again.close()
    },
  )

  it('is made after those that were asked for before, with records or without', async () => {
    const database = await openLevelDatabase(path)
    const key = keyOf(1)
    const toWrites = (i: number) => [
      { key, value: Uint8Array.of(i) },
      ...(i % 3 === 0 ? [recordWrite(database, keyOf(1_000 + i), recordOf(i, 4_000))] : []),
    ]
    for (let round = 0; round < 600; round++) {
      // In one group, and in the two that follow.
      const first = database.write(toWrites(0))
      await null
      await null
      const others = [1, 2, 3, 4].map((i) => database.write(toWrites(i)))
      await Promise.race([first, ...others])
      await Promise.all([...others, database.write(toWrites(5))])
      expect(database.get(key)).toEqual(Uint8Array.of(5))
    }
    await database.close()
  })

  it.skipIf(!existsSync('/usr/bin/prlimit'))(
    'that resolved is there when the database is opened again, though one before it failed',
    async () => {
      const child = fork(new URL('../../test/writePastFailure.ts', import.meta.url), [path], {
        execArgv: ['--import', 'tsx'],
      })
      const [{ resolved, failed }] = (await once(child, 'message')) as [Record<string, number[]>]
      expect(resolved?.slice(0, 10)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
      expect(failed).toContain(10)
      const database = await openLevelDatabase(path)
      const missing = resolved?.filter((number) => database.get(keyOf(number)) === undefined)
      await database.close()
      expect(missing).toEqual([])
    },
  )

  it('that was asked for is on disk when the database is closed', async () => {
    const database = await openLevelDatabase(path)
    const written = [1, 2, 3].map((number) =>
      database.write([recordWrite(database, keyOf(number), recordOf(number, 1_000))]),
    )
    await database.close()
    await Promise.all(written)
    const again = await openLevelDatabase(path)
    for (const number of [1, 2, 3]) expect(recordUnder(again, keyOf(number))).toEqual(recordOf(number, 1_000))
    await again.close()
  })
})

describe('a database that cannot be opened', () => {
  const refusal = () => openLevelDatabase(path).catch((error: unknown) => error)

  it('says why, and holds no lock, where its records cannot be', async () => {
    await mkdir(records)
    const error = await refusal()
    expect(error).toBeInstanceOf(DatabaseUnavailableError)
    expect(error).toMatchObject({ message: expect.stringMatching(/: EISDIR: /), isLocked: false })
    await rm(records, { recursive: true })
    await (await openLevelDatabase(path)).close()
  })

  it('says what the system said of LevelDB’s files', async () => {
    await writeFile(join(path, 'CURRENT'), 'MANIFEST-000009\n')
    const message = expect.stringMatching(/MANIFEST-000009: No such file or directory$/)
    expect(await refusal()).toMatchObject({ message, isLocked: false })
  })

  it('names another process only where there is one', async () => {
    const database = await openLevelDatabase(path)
    const message = `cannot open the database at ${path}: another process is using it`
    expect(await refusal()).toMatchObject({ message, isLocked: true })
    await database.close()
  })
})

it('has the names of all LevelDB’s logs on disk with every write', async () => {
  let synced: string[] = []
  const database = await openLevelDatabase(path, async (directory) => {
    synced = await readdir(directory)
  })
  const logs = new Set<string>()
  // More than half of what LevelDB puts into one log.
  for (let number = 0; number < 6; number++) {
    await database.write([{ key: keyOf(number), value: new Uint8Array(17 * 2 ** 20) }])
    const there = (await readdir(path)).filter((name) => name.endsWith('.log'))
    expect(synced).toEqual(expect.arrayContaining(there))
    for (const name of there) logs.add(name)
  }
  expect(logs.size).toBeGreaterThan(1)
  await database.close()
})

describe('a database of which files are lost or garbled', () => {
  const KEYS = 40
  let whole: string
  let damaged: string
  beforeEach(async () => {
    whole = join(path, 'whole')
    damaged = join(path, 'damaged')
    // The first half is in a table, the second in the log.
    for (const half of [0, KEYS / 2]) {
      const database = await openLevelDatabase(whole)
      for (let number = half; number < half + KEYS / 2; number++) {
        await database.write([recordWrite(database, keyOf(number), recordOf(number, 50))])
      }
      await database.close()
    }
    await cp(whole, damaged, { recursive: true })
  })

  async function filesLike(pattern: RegExp): Promise<string[]> {
    return (await readdir(damaged)).filter((name) => pattern.test(name)).map((name) => join(damaged, name))
  }

  it.each([[/^CURRENT$/], [/\.log$/], [/^(CURRENT|.*\.log|.*\.ldb)$/]])(
    'is not opened without %s, and nothing else of it is lost',
    async (pattern) => {
      for (const file of await filesLike(pattern)) await rm(file)
      const left = await readdir(damaged)
      await expect(openLevelDatabase(damaged)).rejects.toBeInstanceOf(DamagedDatabaseError)
      expect(await readdir(damaged)).toEqual(left)
    },
  )

  it('is opened where a first start was killed before there was anything to lose', async () => {
    for (const name of await readdir(damaged)) {
      if (!/^(LOCK|LOG|MANIFEST-\d+)$/.test(name)) await rm(join(damaged, name))
    }
    await writeFile(join(damaged, '000003.log'), '')
    const database = await openLevelDatabase(damaged)
    await database.write([{ key: keyOf(1), value: Uint8Array.of(1) }])
    expect(database.get(keyOf(1))).toEqual(Uint8Array.of(1))
    await database.close()
  })

  it.each([5, 1])(
    'is not opened with a log that lost one of %s writes before it was closed',
    async (count) => {
      const [log = ''] = await filesLike(/\.log$/)
      const bytes = await readFile(log)
      const at = bytes.indexOf(keyOf(KEYS - count))
      await writeFile(log, bytes.with(at, (bytes[at] as number) ^ 1))
      await expect(openLevelDatabase(damaged)).rejects.toThrow(
        /lacks writes that stood in \d+\.log at byte \d+/,
      )
      expect(await readFile(log)).toEqual(Buffer.from(bytes.with(at, (bytes[at] as number) ^ 1)))
    },
  )

  it('is not opened where a change in the middle of its manifest cannot be read', async () => {
    const directory = join(path, 'merged')
    const level = new Level<Uint8Array, Uint8Array>(directory, {
      keyEncoding: 'view',
      valueEncoding: 'view',
      writeBufferSize: 65_536,
    })
    // Every other makes a table of those before.
    for (let number = 0; number < 20; number++) await level.put(keyOf(number), recordOf(number, 50_000))
    await level.close()
    const name = (await readdir(directory)).find((each) => each.startsWith('MANIFEST')) ?? ''
    const bytes = await readFile(join(directory, name))
    // The length of the third change: what has so many bytes seems to have been torn at the end.
    const second = 7 + bytes.readUInt16LE(4)
    const third = second + 7 + bytes.readUInt16LE(second + 4)
    expect(third).toBeLessThan(bytes.length)
    await writeFile(join(directory, name), bytes.with(third + 5, 0x40))
    await expect(openLevelDatabase(directory)).rejects.toThrow(/lacks writes that stood in MANIFEST-\d+ at/)
    // What LevelDB was about to put in its place says nothing about it.
    await writeFile(join(directory, 'MANIFEST-000999'), bytes.with(third + 5, 0x40))
    await writeFile(join(directory, name), bytes)
    await (await openLevelDatabase(directory)).close()
  })

  it('gives no value of which a byte was garbled, nor that of another key', async () => {
    const written = (number: number) => recordOf(number, 60)
    const directory = join(path, 'values')
    for (let times = 0; times < 2; times++) {
      const database = await openLevelDatabase(directory)
      // What is in the log is in a table when it is opened again.
      if (times === 0) {
        const numbers = Array.from({ length: 20 }, (_, number) => number)
        await database.write(numbers.map((number) => ({ key: keyOf(number), value: written(number) })))
      }
      await database.close()
    }
    const table = join(directory, (await readdir(directory)).find((name) => name.endsWith('.ldb')) ?? '')
    const bytes = await readFile(table)
    const placeOf = (number: number) => bytes.indexOf(written(number))
    const sealedOf = (number: number) => bytes.subarray(placeOf(number), placeOf(number) + 64)
    const garbled = Buffer.from(bytes)
    for (const [number, at] of [
      [3, 0],
      [5, 59],
      [8, 60],
      [9, 63],
    ] as const) {
      garbled[placeOf(number) + at] = (garbled[placeOf(number) + at] as number) ^ 1
    }
    garbled.set(sealedOf(13), placeOf(12))
    await writeFile(table, garbled)
    const database = await openLevelDatabase(directory)
    for (let number = 0; number < 20; number++) {
      if ([3, 5, 8, 9, 12].includes(number)) {
        expect(() => database.get(keyOf(number))).toThrow(DamagedDatabaseError)
      } else expect(database.get(keyOf(number))).toEqual(written(number))
    }
    const read = async (from: number, until: number) => {
      const found: number[] = []
      for await (const [key] of database.entries(keyOf(from), keyOf(until))) found.push(key[7] as number)
      return found
    }
    await expect(read(0, 20)).rejects.toBeInstanceOf(DamagedDatabaseError)
    expect(await read(13, 20)).toHaveLength(7)
    await database.close()
  })
})

describe('a chain whose records are damaged', () => {
  const rollup = createTestRollup()
  const keystores = ['alice', 'bob', 'carol', 'dave'].map((name) => createTestKeystore(rollup, name, 4))
  const BLOCKS = 3
  const rawsAt = (nonce: number) => keystores.map(({ raws }) => raws[nonce] as Uint8Array)

  function execute(store: ChainStore, transactions: readonly Uint8Array[]) {
    const head = store.heads().unsafe
    const parent = store.blockByHash(head.hash)?.header
    if (parent === undefined) throw new DamagedDatabaseError('the head')
    const attributes = attributesOn(head, rollup, transactions)
    return stateTransition({ rollup, parent, attributes, reader: store, verify: verifySignature })
  }

  const numbers = Array.from({ length: BLOCKS + 1 }, (_, number) => BigInt(number))
  let whole: string
  let hashes: Hex[]
  let roots: Hex[]
  let before: unknown[]
  beforeEach(async () => {
    const store = await openChainStore(path, rollup)
    const l1Block = { number: 101n, hash: fakeHash('l1') }
    for (let nonce = 0; nonce < BLOCKS; nonce++) {
      await store.appendSafe(execute(store, rawsAt(nonce)), { l1Block, transactionHash: undefined })
    }
    hashes = numbers.map((number) => store.blockByNumber(number)?.hash ?? '0x')
    roots = numbers.map((number) => store.blockByNumber(number)?.header.withdrawalsRoot ?? '0x')
    before = view(store)
    await store.close()
    whole = join(path, 'whole')
    await copyFile(records, whole)
  })

  /** What a chain says, piece by piece; undefined where it says that it is damaged. */
  function view(store: ChainStore): unknown[] {
    const orMissing = <T>(read: () => T): T | undefined => {
      try {
        return read()
      } catch (error) {
        if (error instanceof MissingNodeError || error instanceof DamagedDatabaseError) return undefined
        throw error
      }
    }
    // What is not damaged is there: nothing that happened is ever said not to have.
    const expectThere = <T>(read: () => T): NonNullable<T> | undefined =>
      orMissing(() => {
        const found = read()
        if (found === undefined || found === null) expect.unreachable('it is there')
        return found
      })
    return [
      ...numbers.map((number) => expectThere(() => store.blockByNumber(number))),
      ...hashes.map((hash) => expectThere(() => store.blockByHash(hash))),
      ...hashes.map((hash) => expectThere(() => store.receiptsOf(hash))),
      ...hashes.map((hash) => expectThere(() => store.verdictsOf(hash))),
      ...keystores.flatMap(({ id, configs }) => [
        ...roots.map((root) => orMissing(() => readKeystore(store, root, id))),
        ...roots.map((root) => orMissing(() => keystoreProof(store.trie(root), id))),
        ...configs.slice(1, BLOCKS + 1).map((config) => expectThere(() => store.config(configHash(config)))),
      ]),
    ]
  }

  it('is not opened without them, or with the end cut off', async () => {
    const { size } = await stat(records)
    const cut = fc.oneof(fc.nat(size - 1), fc.integer({ min: Math.max(0, size - 300), max: size - 1 }))
    await fc.assert(
      fc.asyncProperty(cut, async (length) => {
        await copyFile(whole, records)
        await truncate(records, length)
        await expect(openChainStore(path, rollup)).rejects.toBeInstanceOf(DamagedDatabaseError)
      }),
      { numRuns: 40, examples: [[0], [size - 1]] },
    )
    await rm(records)
    await expect(openChainStore(path, rollup)).rejects.toBeInstanceOf(DamagedDatabaseError)
    await copyFile(whole, records)
    const store = await openChainStore(path, rollup)
    expect(view(store)).toEqual(before)
    await store.close()
  })

  it('says of each thing what it is, or that the database is damaged, whatever bytes were garbled', async () => {
    const bytes = await readFile(whole)
    let missing = 0
    const range = fc.record({
      at: fc.nat(bytes.length - 1),
      length: fc.oneof(fc.constant(1), fc.nat(600)),
      flip: fc.integer({ min: 1, max: 255 }),
      isZero: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(range, async ({ at, length, flip, isZero }) => {
        await writeFile(
          records,
          bytes.map((byte, i) => (i < at || i >= at + length ? byte : isZero ? 0 : byte ^ flip)),
        )
        let store: ChainStore
        try {
          store = await openChainStore(path, rollup)
        } catch (error) {
          expect(error).toBeInstanceOf(DamagedDatabaseError)
          return
        }
        for (const [i, piece] of view(store).entries()) {
          if (piece === undefined) missing++
          else expect(piece).toEqual(before[i])
        }
        await store.close()
      }),
      { numRuns: 120 },
    )
    expect(missing).toBeGreaterThan(50)
  })

  it('takes no block back whose bytes are gone, for what it leaves in the index would be another’s', async () => {
    const database = await openLevelDatabase(path)
    const position = positionUnder(database, bucketKey(Bucket.block, keyOf(2))) ?? -1
    await database.close()
    const bytes = await readFile(whole)
    await writeFile(records, bytes.with(position + 20, (bytes[position + 20] as number) ^ 1))
    const store = await openChainStore(path, rollup)
    await expect(store.rewind(1n)).rejects.toBeInstanceOf(DamagedDatabaseError)
    expect(store.heads().unsafe.number).toBe(BigInt(BLOCKS))
    await store.close()
  })

  it('does not go on from a config or a node that is gone', async () => {
    const database = await openLevelDatabase(path)
    const root = roots.at(-1) ?? '0x'
    const [{ configs }] = keystores as [TestKeystore]
    const config = configHash(configs[BLOCKS] as Config)
    const lost = [
      [rootPosition(database, root), MissingNodeError],
      [positionUnder(database, configKey(config)), DamagedDatabaseError],
    ] as const
    await database.close()
    const bytes = await readFile(whole)
    for (const [position = -1, error] of lost) {
      const at = position + 20
      await writeFile(records, bytes.with(at, (bytes[at] as number) ^ 1))
      const store = await openChainStore(path, rollup)
      expect(() => execute(store, rawsAt(BLOCKS))).toThrow(error)
      expect(store.heads().unsafe.number).toBe(BigInt(BLOCKS))
      await store.close()
    }
  })

  it('is not opened with those of another chain', async () => {
    const blockKey = bucketKey(Bucket.block, keyOf(BLOCKS))
    const positionOfHead = async (directory: string) => {
      const database = await openLevelDatabase(directory)
      const position = positionUnder(database, blockKey)
      await database.close()
      return position
    }
    const other = join(path, 'other')
    const store = await openChainStore(other, rollup)
    for (let nonce = 0; nonce < BLOCKS; nonce++) {
      await store.appendUnsafe(execute(store, rawsAt(nonce).toReversed()))
    }
    await store.close()
    // Its head's block stands at the same place, and is as whole.
    expect(await positionOfHead(other)).toBe(await positionOfHead(path))
    await copyFile(join(other, 'records'), records)
    await expect(openChainStore(path, rollup)).rejects.toBeInstanceOf(DamagedDatabaseError)
  })
})
