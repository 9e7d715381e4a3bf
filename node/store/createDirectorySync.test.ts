import { appendFileSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
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
    utimesSync(directory, 1, 1)
    await sync()
    const before = syncs
    step()
    await sync()
    if (statSync(directory).mtimeMs !== 1_000) utimesSync(directory, 2, 2)
    for (let times = 0; times < 3; times++) await sync()
    return syncs - before
  }
  await sync()
  expect(syncs).toBe(1)
  expect(await syncsAfter(() => undefined)).toBe(0)
  // A second time, for what may have come in the same tick.
  expect(await syncsAfter(() => writeFileSync(file, 'new'))).toBe(2)
  expect(await syncsAfter(() => appendFileSync(file, 'longer'))).toBe(0)
  expect(await syncsAfter(() => rmSync(file))).toBe(2)
})

it('syncs as long as something may have come in the same tick as the last change', async () => {
  let syncs = 0
  const sync = createDirectorySync(directory, async () => {
    syncs++
  })
  // The clock by which changes are noted may stand still.
  utimesSync(directory, Date.now() / 1000 + 60, Date.now() / 1000 + 60)
  for (let times = 0; times < 3; times++) await sync()
  expect(syncs).toBe(3)
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
