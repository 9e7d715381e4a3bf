import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { concat } from '../../protocol/index.ts'
import { recordOf } from '../../test/recordOf.ts'
import { uint64Key } from './Bucket.ts'
import { openLevelDatabase } from './Database.ts'
import { findLogFault } from './findLogFault.ts'

const WRITES = 60
/** The type of a write that is in one fragment. */
const FULL = 1
let path: string
let log: Uint8Array
/** Where each write begins, and the last one ends. */
const places: number[] = []
beforeAll(async () => {
  path = await mkdtemp(join(tmpdir(), 'keyroll-log-'))
  const database = await openLevelDatabase(path)
  const name = (await readdir(path)).find((each) => each.endsWith('.log')) ?? ''
  for (let number = 0; number < WRITES; number++) {
    places.push((await readFile(join(path, name))).length)
    const value = recordOf(number, number === 30 ? 70_000 : 40 * number)
    await database.write([{ key: uint64Key(BigInt(number)), value }])
  }
  // A Buffer's slice is no copy.
  log = Uint8Array.from(await readFile(join(path, name)))
  places.push(log.length)
  await database.close()
})
afterAll(() => rm(path, { recursive: true }))

/** The log with bytes changed from a place on. */
function garbled(at: number, length: number, change: (byte: number) => number): Uint8Array {
  const bytes = log.slice()
  bytes.set(bytes.subarray(at, at + length).map(change), at)
  return bytes
}

it('finds nothing in a whole log, nor in one that a crash cut short at any place', () => {
  expect(findLogFault(log)).toBeUndefined()
  expect(findLogFault(new Uint8Array())).toBeUndefined()
  for (let length = 0; length < log.length; length += 397) {
    expect(findLogFault(log.subarray(0, length))).toBeUndefined()
    // As some file systems leave it.
    if (length % 20 === 0)
      expect(findLogFault(concat(log.subarray(0, length), new Uint8Array(9_000)))).toBeUndefined()
  }
})

it('finds every flipped bit but those of the last write', () => {
  const lastAt = places.at(-2) as number
  const missed: number[] = []
  // Each byte of a write's header, and some of the others.
  const everywhere = Array.from({ length: Math.floor(lastAt / 997) }, (_, i) => i * 997)
  const headers = places.slice(-12, -2).flatMap((place) => Array.from({ length: 7 }, (_, i) => place + i))
  for (const at of [...everywhere, ...headers]) {
    for (const bit of at < lastAt - 20_000 ? [at % 8] : [0, 3, 7]) {
      const fault = findLogFault(garbled(at, 1, (byte) => byte ^ (1 << bit)))
      // Nothing reads what fills up a block.
      const isFiller = at % 32_768 > 32_761
      if (!isFiller && (fault === undefined || fault > at)) missed.push(at)
    }
  }
  expect(missed).toEqual([])
})

it('finds a length that seems to lead behind the end, also where the last write begins a new block', () => {
  const isSplit = (at: number, next: number) => Math.floor(at / 32_768) + 1 === Math.floor(next / 32_768)
  const ends = places.filter((next, i) => i > 1 && isSplit(places[i - 1] as number, next))
  expect(ends.length).toBeGreaterThan(0)
  for (const end of ends) {
    const at = places[places.indexOf(end) - 2] as number
    expect(findLogFault(garbled(at + 5, 1, (byte) => byte ^ 0x80).subarray(0, end))).toBe(at)
  }
})

it('finds sectors that came back empty, or as something else', () => {
  for (let at = 0; at + 4_096 < (places.at(-2) as number); at += 4_096) {
    expect(findLogFault(garbled(at, 512, () => 0))).toBeLessThan(at + 4_096)
    expect(findLogFault(garbled(at, 4_096, (byte) => byte ^ 0x5a))).toBeLessThan(at + 4_096)
  }
})

it('takes nothing inside a torn write for a write of its own', async () => {
  const directory = join(path, 'crafted')
  const database = await openLevelDatabase(directory)
  await database.write([{ key: Uint8Array.of(1), value: Uint8Array.of(1) }])
  const name = (await readdir(directory)).find((each) => each.endsWith('.log')) ?? ''
  const before = await readFile(join(directory, name))
  // It holds a whole log; 12,000 bytes of another value follow.
  await database.write([{ key: Uint8Array.of(2), value: concat(before, recordOf(1, 12_000)) }])
  const after = await readFile(join(directory, name))
  await database.close()
  expect(Buffer.from(after).lastIndexOf(before)).toBeGreaterThan(before.length)
  for (let length = after.length - 1; length > after.length - 12_000; length -= 89) {
    expect(findLogFault(after.subarray(0, length))).toBeUndefined()
  }
  expect(findLogFault(after.with(10, (after[10] as number) ^ 1))).toBe(0)
})

it('takes nothing for a write of its own inside one that a power cut left with holes', async () => {
  const directory = join(path, 'holes')
  const database = await openLevelDatabase(directory)
  await database.write([{ key: Uint8Array.of(1), value: recordOf(1, 100) }])
  const name = (await readdir(directory)).find((each) => each.endsWith('.log')) ?? ''
  const start = (await readFile(join(directory, name))).length
  // LevelDB's form of a write without data.
  const empty = Uint8Array.of(0x05, 0x2b, 0x28, 0x43, 0, 0, FULL)
  expect(findLogFault(concat(Uint8Array.of(7), empty))).toBe(0)
  const crafted = Array.from({ length: 50 }, (_, i) => concat(recordOf(i, 300), empty))
  await database.write([{ key: Uint8Array.of(2), value: concat(...crafted) }])
  const torn = Uint8Array.from(await readFile(join(directory, name)))
  await database.close()
  for (let at = start; at < torn.length; at += 512) {
    for (const end of [at + 512, at + 4_096, torn.length]) {
      expect(findLogFault(torn.slice().fill(0, at, end))).toBeUndefined()
    }
  }
})
