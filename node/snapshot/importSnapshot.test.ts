import { fork } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Hex } from 'viem'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { compareBytes, configToRlp, rollupConfigToJson, toHex } from '../../protocol/index.ts'
import { createBigChain } from '../../test/bigChain.ts'
import { createTestRollup } from '../../test/chainFixtures.ts'
import { DatabaseUnavailableError, openLevelDatabase } from '../store/Database.ts'
import { openChainStoreIn } from '../store/openChainStore.ts'
import type { StoredOutput } from '../store/StoredOutput.ts'
import { createNodeReader, rootPosition } from '../store/storedTrie.ts'
import { exportSnapshot } from './exportSnapshot.ts'
import { hasDatabase, importSnapshot, withSnapshotFile } from './importSnapshot.ts'
import type { SnapshotEntry } from './readSnapshot.ts'
import { DatabaseExistsError, MalformedSnapshotError, RefusedSnapshotError } from './snapshotErrors.ts'
import { createSnapshotWalk } from './snapshotState.ts'

const KEYSTORES = 20_000
const rollup = createTestRollup()
const check = async () => undefined

let directory: string
let file: string
let config: string
let path: string
let runs = 0
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keyroll-import-'))
  file = join(directory, 'a.snapshot')
  const database = await openLevelDatabase(join(directory, 'source'))
  const { store, output } = await createBigChain(database, rollup, KEYSTORES)
  const bytes = await exportSnapshot(store, output, file)
  await store.close()
  expect(bytes).toBeGreaterThan(4_000_000n)
  config = join(directory, 'rollup.json')
  await writeFile(config, JSON.stringify(rollupConfigToJson(rollup)))
}, 60_000)
beforeEach(() => {
  path = join(directory, `chain ${runs++}`)
})
afterAll(() => rm(directory, { recursive: true }))

/** What stands beside the file and the config under this test's path. */
async function leftovers(): Promise<string[]> {
  return (await readdir(directory)).filter((name) => join(directory, name).startsWith(path))
}

/** Expects every piece of the snapshot in the database: each node where the one above it says, and configs under their hashes. */
async function expectWhole(): Promise<void> {
  const database = await openLevelDatabase(path)
  const store = await openChainStoreIn(database, path, rollup)
  try {
    expect(store.base()).toMatchObject({ block: { number: 1n }, anchor: { number: 2n } })
    const root = store.blockByNumber(1n)?.header.withdrawalsRoot as Hex
    const walk = createSnapshotWalk(root, rootPosition(database, root) as number)
    const readNode = createNodeReader(database)
    const pieceInDatabase = (kind: SnapshotEntry['kind'], hash: Uint8Array): Uint8Array | undefined => {
      const next = walk.next()
      if (next?.kind !== kind || compareBytes(next.hash, hash) !== 0) return undefined
      if (next.kind === 'node') {
        const stored = readNode(hash, next.position)
        return stored && walk.takeNode(stored).rlp
      }
      walk.takeConfig()
      const config = store.config(toHex(hash))
      return config && configToRlp(config)
    }
    const { configs } = await withSnapshotFile(file, rollup, (reading) =>
      reading.readState(async (entries) => {
        for (const { kind, hash, bytes } of entries) {
          const found = pieceInDatabase(kind, hash)
          if (found === undefined || !Buffer.from(found).equals(bytes)) {
            expect.unreachable(`${kind} ${toHex(hash)}`)
          }
        }
      }),
    )
    expect(configs).toBe(BigInt(KEYSTORES))
    expect(walk.next()).toBeUndefined()
  } finally {
    await store.close()
  }
}

/** Starts an import as its own process, and kills it as soon as so many bytes are on disk; tells whether that was in time. */
async function importAndKill(bytes: number): Promise<boolean> {
  const child = fork(new URL('../../test/importUntilKilled.ts', import.meta.url), [file, path, config], {
    execArgv: ['--import', 'tsx'],
    stdio: 'ignore',
  })
  const exited = new Promise<NodeJS.Signals | null>((resolve) =>
    child.once('exit', (_, signal) => resolve(signal)),
  )
  let isOver = false
  exited.then(() => {
    isOver = true
  })
  while (!isOver && (await sizeOf(`${path}.importing`)) < bytes) await new Promise(setImmediate)
  child.kill('SIGKILL')
  return (await exited) === 'SIGKILL'
}

/** How much is in a directory; -1 when it is not there. */
async function sizeOf(name: string): Promise<number> {
  try {
    const sizes = (await readdir(name)).map(async (each) => (await stat(join(name, each))).size)
    return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
  } catch {
    return -1
  }
}

it('makes a database of a file, and no second one in its place', async () => {
  const counts = await importSnapshot({ file, path, rollup, check })
  expect(counts).toMatchObject({ configs: BigInt(KEYSTORES), bytes: BigInt((await readFile(file)).length) })
  await expectWhole()
  await expect(importSnapshot({ file, path, rollup, check })).rejects.toThrow(DatabaseExistsError)
  expect(await leftovers()).toHaveLength(1)
})

it('killed at any moment leaves no database, and the next import makes the whole one', async () => {
  for (const bytes of [0, 1_000_000]) {
    expect(await importAndKill(bytes)).toBe(true)
    expect(existsSync(path)).toBe(false)
    expect(await leftovers()).toHaveLength(1)
  }
  await importSnapshot({ file, path, rollup, check })
  await expectWhole()
  expect(await leftovers()).toHaveLength(1)
})

it('of a damaged file, or one that L1 does not bear out, leaves nothing', async () => {
  const bytes = await readFile(file)
  const damaged = join(directory, 'damaged.snapshot')
  await writeFile(damaged, bytes.with(bytes.length - 1, (bytes.at(-1) as number) ^ 1))
  await expect(importSnapshot({ file: damaged, path, rollup, check })).rejects.toThrow(MalformedSnapshotError)
  const refuse = async () => {
    throw new RefusedSnapshotError('OUTPUT_ABSENT', 'the output is gone')
  }
  await expect(importSnapshot({ file, path, rollup, check: refuse })).rejects.toThrow(RefusedSnapshotError)
  await expect(importSnapshot({ file: join(directory, 'none'), path, rollup, check })).rejects.toThrow(
    'ENOENT',
  )
  expect(await leftovers()).toEqual([])
})

it('ends when it is told to, and leaves nothing', async () => {
  const ending = new AbortController()
  const importing = importSnapshot({
    file,
    path,
    rollup,
    check: async () => ending.abort(),
    signal: ending.signal,
  })
  await expect(importing).rejects.toThrow('aborted')
  expect(await leftovers()).toEqual([])
})

it('waits for nobody: where another process imports, it refuses and leaves that one alone', async () => {
  const other = await openLevelDatabase(`${path}.importing`)
  await expect(importSnapshot({ file, path, rollup, check })).rejects.toThrow('another process is using it')
  await other.close()
  await importSnapshot({ file, path, rollup, check })
  expect(await leftovers()).toHaveLength(1)
})

it.each([
  ['an empty place', async () => undefined],
  ['what an import left that was killed', async () => void (await importAndKill(1_000_000))],
])('makes one database where two imports begin at the same moment: on %s', async (_, prepare) => {
  await prepare()
  const imports = [1, 2].map(() => importSnapshot({ file, path, rollup, check }))
  const outcomes = await Promise.allSettled(imports)
  const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
  expect(failures.length).toBeGreaterThanOrEqual(1)
  for (const failure of failures) expect(failure).toBeInstanceOf(DatabaseUnavailableError)
  // Where each has found what the other opened for a moment.
  if (failures.length === 2) await importSnapshot({ file, path, rollup, check })
  await expectWhole()
  expect(await leftovers()).toHaveLength(1)
})

it('takes an empty directory’s place, also where its name ends with a slash', async () => {
  await mkdir(path)
  expect(hasDatabase(path)).toBe(false)
  await importSnapshot({ file, path: `${path}/`, rollup, check })
  expect(hasDatabase(`${path}/`)).toBe(true)
  await expectWhole()
  expect(await leftovers()).toHaveLength(1)
})

it('takes no place where a database has been damaged', async () => {
  await mkdir(path)
  await writeFile(join(path, 'records'), 'of a database that lost its other files')
  expect(hasDatabase(path)).toBe(true)
  await expect(importSnapshot({ file, path, rollup, check })).rejects.toThrow(DatabaseExistsError)
})

it('throws away what an earlier import left, also when that cannot be opened', async () => {
  // Where the process was killed once more, as it threw away what was there.
  for (const name of [`${path}.importing`, `${path}.importing.discarded`]) await mkdir(name)
  await writeFile(join(`${path}.importing.discarded`, 'records'), 'what is left of it')
  // As after a power cut: it names a file that is not there.
  await writeFile(join(`${path}.importing`, 'CURRENT'), 'MANIFEST-000009\n')
  await importSnapshot({ file, path, rollup, check })
  await expectWhole()
  expect(await leftovers()).toHaveLength(1)
})

it('that fails says why and leaves nothing, though what it made cannot be opened again', async () => {
  const full = new RangeError('the disk is full')
  const signal = Object.assign(new AbortController().signal, {
    throwIfAborted() {
      writeFileSync(join(`${path}.importing`, 'CURRENT'), 'MANIFEST-000009\n')
      throw full
    },
  })
  await expect(importSnapshot({ file, path, rollup, check, signal })).rejects.toBe(full)
  expect(await leftovers()).toEqual([])
})

it('writes a file that is there only when it is whole', async () => {
  const store = { snapshot: () => failing() }
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield Uint8Array.of(1)
    throw new RangeError('the database broke')
  }
  const target = join(directory, 'b.snapshot')
  await expect(exportSnapshot(store, {} as StoredOutput, target)).rejects.toThrow(RangeError)
  expect((await readdir(directory)).filter((name) => name.startsWith('b.snapshot'))).toEqual([])
})

it('leaves nothing beside a target that the whole file cannot replace', async () => {
  const store = { snapshot: () => chunks() }
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield Uint8Array.of(1)
  }
  const target = join(directory, 'c.snapshot')
  await mkdir(target)
  await expect(exportSnapshot(store, {} as StoredOutput, target)).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST/)
  expect((await readdir(directory)).filter((name) => name.startsWith('c.snapshot'))).toEqual(['c.snapshot'])
})
