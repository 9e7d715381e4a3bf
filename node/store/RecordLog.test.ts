import { existsSync, statSync } from 'node:fs'
import { appendFile, type FileHandle, mkdtemp, open, readFile, rm, symlink, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { recordOf } from '../../test/recordOf.ts'
import {
  createMemoryRecordLog,
  MAX_RECORD_BYTES,
  openRecordLog,
  type RecordLog,
  RecordTooLongError,
} from './RecordLog.ts'

/** Behind these stands a record in the file. */
const PREFIX_BYTES = 8
const POSITIONS_END = 2 ** 48

let directory: string
let path: string
const opened: RecordLog[] = []
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keyroll-records-'))
  path = join(directory, 'records')
})
afterEach(async () => {
  for (const log of opened.splice(0)) await log.close()
  await rm(directory, { recursive: true })
})

/** Opens the log, which is closed after the test. */
async function openLog(file = path): Promise<RecordLog> {
  const log = await openRecordLog(file)
  opened.push(log)
  return log
}

async function reopen(log: RecordLog): Promise<RecordLog> {
  opened.splice(opened.indexOf(log), 1)
  await log.close()
  return openLog()
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** Compares large records quickly. */
function expectSame(got: Uint8Array | undefined, expected: Uint8Array): void {
  if (got === undefined || Buffer.compare(got, expected) !== 0) {
    expect.unreachable(`got ${got?.length} bytes, expected ${expected.length}`)
  }
}

const length = fc.oneof(
  { weight: 6, arbitrary: fc.nat(5_000) },
  { weight: 4, arbitrary: fc.integer({ min: 1_010, max: 1_030 }) },
  { weight: 2, arbitrary: fc.constantFrom(0, 1, 65_527, 65_528, 65_529) },
  { weight: 1, arbitrary: fc.constant(3 * 1_048_576 + 1) },
)
const step = fc.oneof(
  { weight: 8, arbitrary: length.map((bytes) => ({ type: 'append' as const, bytes })) },
  { weight: 3, arbitrary: fc.constant({ type: 'sync' as const }) },
  { weight: 3, arbitrary: fc.constant({ type: 'turn' as const }) },
  { weight: 1, arbitrary: fc.constantFrom({ type: 'settle' as const }, { type: 'reopen' as const }) },
)

it('gives back every record, whatever was appended, synced and opened again before', {
  timeout: 60_000,
}, async () => {
  let runs = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const file = join(directory, `records ${runs++}`)
      let log = await openRecordLog(file)
      let records: { position: number; record: Uint8Array }[] = []
      let syncs: Promise<void>[] = []
      let asked = 0
      let highest = -1
      const expectAll = () => {
        for (const { position, record } of records) expectSame(log.read(position), record)
      }
      for (const one of steps) {
        if (one.type === 'append') {
          const record = recordOf(records.length, one.bytes)
          const position = log.append(record)
          expect(position).toBeGreaterThan(highest)
          highest = position
          records.push({ position, record })
          // Whoever appended may use the bytes for something else.
          record.copyWithin(0, 1)
          records[records.length - 1] = { position, record: recordOf(records.length - 1, one.bytes) }
        } else if (one.type === 'sync') {
          asked = records.length
          syncs.push(log.sync())
        } else if (one.type === 'turn') await turn()
        else {
          await Promise.all(syncs)
          if (one.type === 'reopen') {
            await log.close()
            log = await openRecordLog(file)
            // What was not synced is lost, and its positions are free.
            records = records.slice(0, asked)
            highest = records.at(-1)?.position ?? -1
            syncs = []
          }
        }
        expectAll()
      }
      await Promise.all([...syncs, log.sync()])
      expectAll()
      await log.close()
      log = await openRecordLog(file)
      expectAll()
      await log.close()
    }),
    { numRuns: 100 },
  )
})

it('does the same in memory', async () => {
  const log = createMemoryRecordLog()
  const records = Array.from({ length: 300 }, (_, i) => recordOf(i, 5 * i))
  const positions = records.map((record) => log.append(record))
  await log.sync()
  expect(positions.map((position) => log.read(position))).toEqual(records)
  expect(positions).toEqual(positions.toSorted((a, b) => a - b))
  expect([log.read(log.append(new Uint8Array()) + 1), log.read(POSITIONS_END - 1)]).toEqual([
    undefined,
    undefined,
  ])
})

it('gives plain bytes of its own, from memory as from the file', async () => {
  const log = await openLog()
  const record = recordOf(1, 100)
  const position = log.append(record)
  const before = log.read(position)
  await log.sync()
  const after = log.read(position)
  expect([before, after]).toEqual([record, record])
  expect([before?.constructor, after?.constructor]).toEqual([Uint8Array, Uint8Array])
  before?.fill(0)
  after?.fill(0)
  expect(log.read(position)).toEqual(record)
})

describe('a record', () => {
  it('is read before it is written, at every moment while it is, and afterwards', async () => {
    const log = await openLog()
    const records = [recordOf(1, 20 * 1_048_576), recordOf(2, 300)]
    const positions = records.map((record) => log.append(record))
    const expectAll = () => {
      for (const [i, record] of records.entries()) expectSame(log.read(positions[i] as number), record)
    }
    expectAll()
    expect(statSync(path).size).toBe(0)
    let isOver = false
    const synced = log.sync().then(() => {
      isOver = true
    })
    let turns = 0
    for (; !isOver; turns++) {
      await turn()
      expectAll()
      records.push(recordOf(turns + 3, 2_000))
      positions.push(log.append(records.at(-1) as Uint8Array))
    }
    await synced
    expect(turns).toBeGreaterThan(1)
    expectAll()
    // What was appended meanwhile is not on disk.
    expect(statSync(path).size).toBe(positions[2])
    await log.sync()
    expectAll()
    expect(statSync(path).size).toBe((positions.at(-1) as number) + PREFIX_BYTES + 2_000)
  })

  it('that is too long is refused, and changes nothing', async () => {
    const log = await openLog()
    const first = log.append(recordOf(1, 10))
    expect(() => log.append(new Uint8Array(MAX_RECORD_BYTES + 1))).toThrow(RecordTooLongError)
    const second = log.append(recordOf(2, 10))
    await log.sync()
    expect(second).toBe(first + PREFIX_BYTES + 10)
    expect([log.read(first), log.read(second)]).toEqual([recordOf(1, 10), recordOf(2, 10)])
  })

  it('of which any byte was garbled or lost is not there, and those beside it are', async () => {
    let log = await openLog()
    const records = [recordOf(1, 400), recordOf(2, 1_500), new Uint8Array(), recordOf(3, 40)]
    const positions = records.map((record) => log.append(record))
    await log.sync()
    const whole = await readFile(path)
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const file = await open(path, 'r+')
        await file.write(Uint8Array.of((whole[at] as number) ^ flip), 0, 1, at)
        const hit = positions.findLastIndex((position) => position <= at)
        positions.forEach((position, i) => {
          expect(log.read(position)).toEqual(i === hit ? undefined : records[i])
        })
        await file.write(whole, at, 1, at)
        await file.close()
      }),
      { numRuns: 300 },
    )
    for (let size = whole.length - 1; size >= 0; size -= size > (positions[3] as number) ? 1 : 37) {
      await truncate(path, size)
      // Both one whose file becomes shorter, and one that finds it so.
      for (const each of [log, await openLog()]) {
        positions.forEach((position, i) => {
          const isThere = position + PREFIX_BYTES + (records[i] as Uint8Array).length <= size
          expect(each.read(position)).toEqual(isThere ? records[i] : undefined)
        })
      }
    }
    log = await reopen(log)
    expect(log.append(new Uint8Array())).toBe(statSync(path).size)
  })
})

describe('another position', () => {
  it('gives nothing from the file, and nothing or some bytes from memory', async () => {
    const log = await openLog()
    // Many that claim to be long, many that claim to be empty.
    const fill = (byte: number) => new Uint8Array(3_000).fill(byte)
    const append = () => [log.append(recordOf(1, 3_000)), log.append(fill(255)), log.append(fill(0))]
    const positions = append()
    await log.sync()
    const { size } = statSync(path)
    positions.push(...append())
    const end = size * 2
    await fc.assert(
      fc.property(
        fc.oneof(
          fc.nat(end + 5_000),
          fc.maxSafeNat().map((n) => n % POSITIONS_END),
        ),
        (position) => {
          if (positions.includes(position)) return
          const found = log.read(position)
          if (position < size || position >= end) expect(found).toBeUndefined()
          else expect(found?.length ?? 0).toBeLessThan(end - position)
        },
      ),
      { numRuns: 3_000 },
    )
    for (let position = size - 9; position < size; position++) expect(log.read(position)).toBeUndefined()
    for (let position = end - 7; position < end + 9; position++) expect(log.read(position)).toBeUndefined()
  })

  it('gives nothing where a file of gigabytes would have room for what it claims', async () => {
    await truncate(await withFile(), 9 * 2 ** 30)
    const file = await open(path, 'r+')
    const lengths = [2 ** 32 - 1, 2 ** 31, 2 ** 31 - 1, MAX_RECORD_BYTES + 1, 0]
    for (const [i, claimed] of lengths.entries()) {
      const prefix = Buffer.alloc(PREFIX_BYTES)
      prefix.writeUInt32BE(claimed)
      await file.write(prefix, 0, PREFIX_BYTES, i * 2 ** 30)
    }
    await file.close()
    const log = await openLog()
    expect(lengths.map((_, i) => log.read(i * 2 ** 30))).toEqual(lengths.map(() => undefined))
    // Beyond 2^32, too, a position is a position.
    const position = log.append(recordOf(1, 2_000))
    expect(position).toBe(9 * 2 ** 30)
    await log.sync()
    expect(log.read(position)).toEqual(recordOf(1, 2_000))
  })
})

it('goes on behind whatever a crash left at the end', async () => {
  const torn = Buffer.alloc(PREFIX_BYTES + 100, 7)
  torn.writeUInt32BE(5_000)
  const garbage = fc.oneof(
    fc.constantFrom<Uint8Array>(torn, new Uint8Array(1), new Uint8Array(4_096), new Uint8Array(7).fill(255)),
    fc.uint8Array({ maxLength: 50 }),
  )
  const records = new Map<number, Uint8Array>()
  let log = await openLog()
  await fc.assert(
    fc.asyncProperty(garbage, fc.array(length, { maxLength: 4 }), async (bytes, lengths) => {
      await appendFile(path, bytes)
      log = await reopen(log)
      const { size } = statSync(path)
      for (const each of lengths) {
        const record = recordOf(records.size, each)
        const position = log.append(record)
        expect(position).toBeGreaterThanOrEqual(size)
        records.set(position, record)
      }
      await log.sync()
      for (const [position, record] of records) expectSame(log.read(position), record)
    }),
    { numRuns: 40 },
  )
})

it('has on disk with each of several syncs at once what was appended before', async () => {
  const log = await openLog()
  let end = 0
  const syncs: Promise<void>[] = []
  const order: number[] = []
  for (let i = 0; i < 60; i++) {
    for (let j = 0; j < i % 3; j++) end = log.append(recordOf(i, 50_000)) + PREFIX_BYTES + 50_000
    const due = end
    syncs.push(
      log.sync().then(() => {
        expect(statSync(path).size).toBeGreaterThanOrEqual(due)
        order.push(i)
      }),
    )
    if (i % 7 === 0) await turn()
  }
  await Promise.all(syncs)
  expect(statSync(path).size).toBe(end)
  expect(order).toEqual(order.toSorted((a, b) => a - b))
})

it('has nothing to do with another log', async () => {
  const logs = [await openLog(), await openLog(join(directory, 'others'))] as const
  const places = Array.from({ length: 40 }, (_, i) => {
    const log = logs[(i >> 1) % 2 === 0 ? 0 : 1]
    const record = recordOf(i, 60 * i)
    return { log, record, position: log.append(record) }
  })
  const expectAll = () => {
    for (const { log, record, position } of places) expect(log.read(position)).toEqual(record)
  }
  await logs[0].sync()
  expectAll()
  await logs[1].sync()
  expectAll()
})

describe('a sync that fails', () => {
  /** Expects that the log is at its end, but for reading what it has. */
  async function expectEnd(log: RecordLog, first: number, reason: RegExp): Promise<void> {
    await expect(log.sync()).rejects.toThrow(reason)
    const second = log.append(recordOf(2, 50))
    expect(second).toBe(first + PREFIX_BYTES + 10)
    await expect(Promise.all([log.sync(), log.sync()])).rejects.toThrow(reason)
    expect([log.read(first), log.read(second)]).toEqual([recordOf(1, 10), recordOf(2, 50)])
  }

  it.skipIf(!existsSync('/dev/full'))('for want of room fails for good', async () => {
    await symlink('/dev/full', path)
    const log = await openLog()
    await log.sync()
    await expectEnd(log, log.append(recordOf(1, 10)), /ENOSPC/)
  })

  it('as its file was closed fails for good', async () => {
    const log = await openRecordLog(path)
    const first = log.append(recordOf(1, 10))
    await log.close()
    await expectEnd(log, first, /EBADF|closed/)
  })

  it('writes nothing later, though the disk would take it again', async () => {
    for (const method of ['write', 'datasync'] as const) {
      const log = await openLog(join(directory, method))
      const old = log.append(recordOf(0, 30))
      await log.sync()
      const failing = vi
        .spyOn(await handlePrototype(), method)
        .mockRejectedValueOnce(new RangeError('broken'))
      const first = log.append(recordOf(1, 10))
      const syncing = log.sync()
      const late = log.append(recordOf(2, 50))
      const waiting = log.sync()
      await expect(syncing).rejects.toThrow('broken')
      await expect(waiting).rejects.toThrow('broken')
      failing.mockRestore()
      const { size } = statSync(join(directory, method))
      await expect(log.sync()).rejects.toThrow('broken')
      expect(log.append(recordOf(3, 0))).toBeGreaterThan(late)
      await expect(log.sync()).rejects.toThrow('broken')
      expect(statSync(join(directory, method)).size).toBe(size)
      expect(size).toBe(method === 'write' ? first : late + PREFIX_BYTES + 50)
      expect([old, first, late].map((position) => log.read(position))).toEqual([
        recordOf(0, 30),
        recordOf(1, 10),
        recordOf(2, 50),
      ])
      const after = await openLog(join(directory, method))
      expect(after.read(old)).toEqual(recordOf(0, 30))
      expect(after.append(recordOf(4, 5))).toBe(size)
    }
  })
})

it('is not opened where there is no directory, or where a directory stands in its place', async () => {
  await expect(openRecordLog(join(directory, 'none', 'records'))).rejects.toThrow('ENOENT')
  await expect(openRecordLog(directory)).rejects.toThrow('EISDIR')
})

/** Makes an empty file, and tells its path. */
async function withFile(): Promise<string> {
  await (await open(path, 'w')).close()
  return path
}

/** What every open file has its methods from. */
async function handlePrototype(): Promise<FileHandle> {
  const handle = await open(directory)
  await handle.close()
  return Object.getPrototypeOf(handle)
}
