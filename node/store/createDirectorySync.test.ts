import { appendFileSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createDirectorySync } from './createDirectorySync.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'keyroll-names-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

it('syncs a directory the first time, and when a file was made or removed there, but not for what is written into one', async () => {
  let syncs = 0
  const sync = createDirectorySync(directory, async () => {
    syncs++
  })
  const file = join(directory, 'file')
  async function syncsAfter(step: () => void): Promise<number> {
    // Long ago, lest the step be in the same tick of the clock by which the system notes changes.
    utimesSync(directory, 1, 1)
    await sync()
    const before = syncs
    step()
    await sync()
    await sync()
    return syncs - before
  }
  await sync()
  expect(syncs).toBe(1)
  expect(await syncsAfter(() => undefined)).toBe(0)
  expect(await syncsAfter(() => writeFileSync(file, 'new'))).toBe(1)
  expect(await syncsAfter(() => appendFileSync(file, 'longer'))).toBe(0)
  expect(await syncsAfter(() => rmSync(file))).toBe(1)
})

it('tries again after a sync that failed', async () => {
  let calls = 0
  const sync = createDirectorySync(directory, async () => {
    if (++calls === 1) throw new RangeError('the disk broke')
  })
  await expect(sync()).rejects.toThrow(RangeError)
  await sync()
  expect(calls).toBe(2)
})
