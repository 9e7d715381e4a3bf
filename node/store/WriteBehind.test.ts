import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMemoryDatabase, type Database, type Write } from './Database.ts'
import { createWriteBehind } from './WriteBehind.ts'

/** A database whose writes take effect only when they are let, in their order. */
function createSlowDatabase() {
  const disk = createMemoryDatabase()
  const waiting: { writes: readonly Write[]; done: () => void; fail: (error: unknown) => void }[] = []
  const database: Database = {
    ...disk,
    write: (writes) => new Promise((done, fail) => waiting.push({ writes, done, fail })),
  }
  return {
    database,
    disk,
    waiting,
    async finish(): Promise<void> {
      const next = waiting.shift()
      if (next === undefined) return
      await disk.write(next.writes)
      next.done()
    },
    fail: (error: unknown) => waiting.shift()?.fail(error),
  }
}

const bytes = (...values: number[]) => Uint8Array.from(values)
const put = (key: Uint8Array, value: Uint8Array | undefined): Write => ({ key, value })
/** Lets everything run that does not wait for a disk. */
const settle = () => new Promise((resolve) => setImmediate(resolve))

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let over = false
  promise.then(
    () => {
      over = true
    },
    () => {
      over = true
    },
  )
  await settle()
  return !over
}

describe('a write that nobody waits for', () => {
  it('is read before it is on disk, deletions too', async () => {
    const { database, disk, waiting } = createSlowDatabase()
    await disk.write([put(bytes(1), bytes(10)), put(bytes(2), bytes(20)), put(bytes(3), bytes(30))])
    const behind = createWriteBehind(database)
    await behind.writeBehind([put(bytes(1), bytes(11)), put(bytes(2), undefined), put(bytes(4), bytes(40))])
    expect(waiting).toHaveLength(1)
    const read = [1, 2, 3, 4, 5].map((key) => behind.get(bytes(key)))
    expect(read).toEqual([bytes(11), undefined, bytes(30), bytes(40), undefined])
    expect(disk.get(bytes(1))).toEqual(bytes(10))
  })

  it('is told apart from others whose keys end alike, and gives what it says last of a key', async () => {
    const { database } = createSlowDatabase()
    const behind = createWriteBehind(database)
    const tail = [1, 2, 3, 4, 5, 6]
    const keys = [bytes(...tail), bytes(7, ...tail), bytes(8, ...tail), bytes(0, 7, ...tail)]
    const writes = keys.map((key, i) => put(key, bytes(i)))
    await behind.writeBehind([...writes, put(keys[1] as Uint8Array, bytes(99)), put(bytes(6), bytes(6))])
    expect(keys.map((key) => behind.get(key))).toEqual([bytes(0), bytes(99), bytes(2), bytes(3)])
    expect(behind.get(bytes(9, ...tail))).toBeUndefined()
    expect(behind.get(bytes(6))).toEqual(bytes(6))
  })

  it('waits for the one before it', async () => {
    const { database, waiting, finish } = createSlowDatabase()
    const behind = createWriteBehind(database)
    await behind.writeBehind([put(bytes(1), bytes(1))])
    const second = behind.writeBehind([put(bytes(2), bytes(2))])
    expect(await isPending(second)).toBe(true)
    expect(waiting).toHaveLength(1)
    expect(behind.get(bytes(2))).toBeUndefined()
    await finish()
    await second
    expect(behind.get(bytes(1))).toEqual(bytes(1))
    expect(behind.get(bytes(2))).toEqual(bytes(2))
    expect(waiting).toHaveLength(1)
  })

  it('is on disk before any write that is waited for, before what stands there is listed, and before the end', async () => {
    for (const what of ['write', 'entries', 'close'] as const) {
      const { database, disk, waiting, finish } = createSlowDatabase()
      const behind = createWriteBehind(database)
      await behind.writeBehind([put(bytes(1), bytes(1))])
      const listed = async () => {
        const found: Uint8Array[] = []
        for await (const [key] of behind.entries(bytes(0), bytes(9))) found.push(key)
        expect(found).toEqual([bytes(1)])
      }
      const after = {
        write: () => behind.write([put(bytes(2), bytes(2))]),
        entries: listed,
        close: () => behind.close(),
      }[what]()
      expect(await isPending(after)).toBe(true)
      expect(waiting).toHaveLength(1)
      await finish()
      if (what === 'write') {
        expect(await isPending(after)).toBe(true)
        expect(disk.get(bytes(2))).toBeUndefined()
        await finish()
      }
      await after
      expect(disk.get(bytes(1))).toEqual(bytes(1))
    }
  })

  it('is handed over in its turn when several are at once', async () => {
    const { database, waiting, finish } = createSlowDatabase()
    const behind = createWriteBehind(database)
    await behind.writeBehind([put(bytes(1), bytes(1))])
    const second = behind.writeBehind([put(bytes(2), bytes(2))])
    const third = behind.writeBehind([put(bytes(3), bytes(3))])
    const waited = behind.write([put(bytes(4), bytes(4))])
    const flushed = behind.flush()
    await finish()
    await second
    expect(await isPending(third)).toBe(true)
    expect(waiting).toHaveLength(1)
    expect(behind.get(bytes(2))).toEqual(bytes(2))
    await finish()
    await third
    expect(await isPending(waited)).toBe(true)
    expect(await isPending(flushed)).toBe(true)
    expect(waiting).toHaveLength(1)
    expect(behind.get(bytes(3))).toEqual(bytes(3))
    expect(behind.get(bytes(4))).toBeUndefined()
    await finish()
    await flushed
    await settle()
    await finish()
    await waited
    expect([1, 2, 3, 4].map((key) => behind.get(bytes(key)))).toEqual([1, 2, 3, 4].map((key) => bytes(key)))
  })

  it('leaves records to the database: they are read at once', async () => {
    const { database, disk } = createSlowDatabase()
    const behind = createWriteBehind(database)
    const first = behind.append(bytes(1))
    await behind.writeBehind([put(bytes(1), bytes(1))])
    const second = behind.append(bytes(2))
    for (const { record } of [behind, disk]) {
      expect([record(first), record(second), record(second + 1)]).toEqual([bytes(1), bytes(2), undefined])
    }
  })

  it('that fails is heard of by every later one, of which none is written', async () => {
    const { database, disk, waiting, fail } = createSlowDatabase()
    const behind = createWriteBehind(database)
    await behind.writeBehind([put(bytes(1), bytes(1))])
    const full = new RangeError('the disk is full')
    fail(full)
    await expect(behind.writeBehind([put(bytes(2), bytes(2))])).rejects.toBe(full)
    await expect(behind.write([put(bytes(3), bytes(3))])).rejects.toBe(full)
    await expect(behind.flush()).rejects.toBe(full)
    expect(waiting).toHaveLength(0)
    expect(behind.get(bytes(1))).toEqual(bytes(1))
    expect(behind.get(bytes(2))).toBeUndefined()
    await behind.close()
    expect(disk.get(bytes(1))).toBeUndefined()
  })

  it('that the database refuses at once leaves everything as it was', async () => {
    const { database, disk } = createSlowDatabase()
    const closed = new RangeError('the database is closed')
    let isClosed = true
    const behind = createWriteBehind({
      ...database,
      write(writes) {
        if (isClosed) throw closed
        return disk.write(writes)
      },
    })
    await expect(behind.writeBehind([put(bytes(1), bytes(1))])).rejects.toBe(closed)
    await expect(behind.write([put(bytes(2), bytes(2))])).rejects.toBe(closed)
    expect(behind.get(bytes(1))).toBeUndefined()
    isClosed = false
    await behind.writeBehind([put(bytes(1), bytes(1))])
    await behind.flush()
    expect(disk.get(bytes(1))).toEqual(bytes(1))
  })
})

it('reads as a database does that is always waited for, however slow the disk is', async () => {
  const key = fc
    .array(fc.constantFrom(0, 7, 255), { minLength: 1, maxLength: 9 })
    .map((k) => Uint8Array.from(k))
  const write = fc.record({ key, value: fc.option(fc.uint8Array({ maxLength: 2 }), { nil: undefined }) })
  const step = fc.oneof(
    fc.record({ type: fc.constantFrom('behind' as const, 'waited' as const), writes: fc.array(write) }),
    fc.record({ type: fc.constant('disk' as const) }),
  )
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 12 }),
      fc.array(key, { maxLength: 8 }),
      async (steps, others) => {
        const { database, disk, finish, waiting } = createSlowDatabase()
        const behind = createWriteBehind(database)
        const model = createMemoryDatabase()
        const keys = [...others]
        const drain = async (promise: Promise<void>) => {
          while (await isPending(promise)) await finish()
        }
        for (const one of steps) {
          if (one.type === 'disk') await finish()
          else {
            await drain(one.type === 'behind' ? behind.writeBehind(one.writes) : behind.write(one.writes))
            await model.write(one.writes)
            keys.push(...one.writes.map((each) => each.key))
          }
          await settle()
          for (const each of keys) expect(behind.get(each)).toEqual(model.get(each))
          expect(waiting.length).toBeLessThanOrEqual(1)
        }
        await drain(behind.close())
        for (const each of keys) expect(disk.get(each)).toEqual(model.get(each))
      },
    ),
    { numRuns: 100 },
  )
})
