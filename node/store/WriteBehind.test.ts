import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMemoryDatabase, type Database, type Write } from './Database.ts'
import { createWriteBehind, MAX_BEHIND } from './WriteBehind.ts'

/** A database whose writes take effect only when they are let, in their order; it closes after all of them. */
function createSlowDatabase() {
  const disk = createMemoryDatabase()
  const waiting: { writes: readonly Write[]; done: () => void; fail: (error: unknown) => void }[] = []
  let last: Promise<void> = Promise.resolve()
  let failure: unknown
  const database: Database = {
    ...disk,
    async write(writes) {
      if (failure !== undefined) throw failure
      last = new Promise((done, fail) => waiting.push({ writes, done, fail }))
      await last
    },
    close: () => last.catch(() => undefined),
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
    /** Fails all that are waiting, and those that come. */
    fail(error: unknown): void {
      failure = error
      for (const { fail } of waiting.splice(0)) fail(error)
    },
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

  it('may be one of several under way, of which the newest is read', async () => {
    const { database, disk, waiting, finish } = createSlowDatabase()
    const behind = createWriteBehind(database)
    const numbers = Array.from({ length: MAX_BEHIND }, (_, i) => i)
    for (const i of numbers) await behind.writeBehind([put(bytes(1), bytes(i)), put(bytes(2, i), bytes(i))])
    expect(waiting).toHaveLength(MAX_BEHIND)
    for (const done of numbers) {
      expect(behind.get(bytes(1))).toEqual(bytes(MAX_BEHIND - 1))
      expect(numbers.map((i) => behind.get(bytes(2, i)))).toEqual(numbers.map((i) => bytes(i)))
      await finish()
      await settle()
      expect(disk.get(bytes(1))).toEqual(bytes(done))
    }
    expect(behind.get(bytes(1))).toEqual(bytes(MAX_BEHIND - 1))
  })

  it('waits for the oldest when there are too many, in its turn', async () => {
    const { database, waiting, finish } = createSlowDatabase()
    const behind = createWriteBehind(database)
    for (let i = 0; i < MAX_BEHIND; i++) await behind.writeBehind([put(bytes(i), bytes(i))])
    const keys = [MAX_BEHIND, MAX_BEHIND + 1]
    const [first, second] = keys.map((i) => behind.writeBehind([put(bytes(i), bytes(i))]))
    expect(await isPending(first as Promise<void>)).toBe(true)
    expect(waiting).toHaveLength(MAX_BEHIND)
    expect(keys.map((i) => behind.get(bytes(i)))).toEqual([undefined, undefined])
    await finish()
    await first
    expect(await isPending(second as Promise<void>)).toBe(true)
    expect(waiting).toHaveLength(MAX_BEHIND)
    expect(keys.map((i) => behind.get(bytes(i)))).toEqual([bytes(MAX_BEHIND), undefined])
    await finish()
    await second
    expect(keys.map((i) => behind.get(bytes(i)))).toEqual(keys.map((i) => bytes(i)))
  })

  it('is on disk when a later one is that is waited for, when what stands there is listed, and at the end', async () => {
    for (const what of ['write', 'flush', 'entries', 'close'] as const) {
      const { database, disk, waiting, finish } = createSlowDatabase()
      const behind = createWriteBehind(database)
      await behind.writeBehind([put(bytes(1), bytes(1))])
      await behind.writeBehind([put(bytes(2), bytes(2))])
      const listed = async () => {
        const found: Uint8Array[] = []
        for await (const [key] of behind.entries(bytes(0), bytes(9))) found.push(key)
        expect(found).toEqual([bytes(1), bytes(2)])
      }
      const after = {
        write: () => behind.write([put(bytes(3), bytes(3))]),
        flush: () => behind.flush(),
        entries: listed,
        close: () => behind.close(),
      }[what]()
      while (waiting.length > 0) {
        expect(await isPending(after)).toBe(true)
        await finish()
      }
      await after
      const expected = what === 'write' ? bytes(3) : undefined
      expect([1, 2, 3].map((key) => disk.get(bytes(key)))).toEqual([bytes(1), bytes(2), expected])
    }
  })

  it('keeps nobody waiting who asks for another while it is under way', async () => {
    const { database, waiting, finish } = createSlowDatabase()
    const behind = createWriteBehind(database)
    await behind.writeBehind([put(bytes(1), bytes(1))])
    const flushed = behind.flush()
    await behind.writeBehind([put(bytes(2), bytes(2))])
    await finish()
    await flushed
    expect(waiting).toHaveLength(1)
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
    await behind.writeBehind([put(bytes(2), bytes(2))])
    const full = new RangeError('the disk is full')
    fail(full)
    await settle()
    await expect(behind.writeBehind([put(bytes(3), bytes(3))])).rejects.toBe(full)
    await expect(behind.write([put(bytes(4), bytes(4))])).rejects.toBe(full)
    await expect(behind.flush()).rejects.toBe(full)
    await expect(behind.entries(bytes(0), bytes(9))[Symbol.asyncIterator]().next()).rejects.toBe(full)
    expect(waiting).toHaveLength(0)
    // Whoever knows of them goes on knowing until the end.
    expect([1, 2, 3].map((key) => behind.get(bytes(key)))).toEqual([bytes(1), bytes(2), undefined])
    await behind.close()
    expect([1, 2, 3].map((key) => disk.get(bytes(key)))).toEqual([undefined, undefined, undefined])
  })

  it('that fails is heard of by whoever waits because there are too many', async () => {
    const { database, fail } = createSlowDatabase()
    const behind = createWriteBehind(database)
    for (let i = 0; i < MAX_BEHIND; i++) await behind.writeBehind([put(bytes(i), bytes(i))])
    const next = behind.writeBehind([put(bytes(99), bytes(99))])
    expect(await isPending(next)).toBe(true)
    const full = new RangeError('the disk is full')
    fail(full)
    await expect(next).rejects.toBe(full)
    expect(behind.get(bytes(99))).toBeUndefined()
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
      fc.array(step, { maxLength: 3 * MAX_BEHIND, size: 'max' }),
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
          expect(waiting.length).toBeLessThanOrEqual(MAX_BEHIND)
        }
        await drain(behind.close())
        for (const each of keys) expect(disk.get(each)).toEqual(model.get(each))
      },
    ),
    { numRuns: 100 },
  )
})
