import { describe, expect, it } from 'vitest'
import { createGroupCommit } from './GroupCommit.ts'

const write = (byte: number) => ({ key: Uint8Array.of(byte), value: Uint8Array.of(byte) })

describe('GroupCommit', () => {
  it('writes in one go what came while the disk was busy, in order', async () => {
    const groups: number[][] = []
    const releases: (() => void)[] = []
    const commit = createGroupCommit<ReturnType<typeof write>>((writes) => {
      groups.push(writes.map(({ key }) => key[0] ?? -1))
      return new Promise((resolve) => releases.push(resolve))
    })
    const first = commit([write(1)])
    await new Promise(setImmediate)
    const others = Promise.all([commit([write(2), write(3)]), commit([write(4)])])
    await new Promise(setImmediate)
    expect(groups).toEqual([[1]])
    releases[0]?.()
    await first
    await new Promise(setImmediate)
    expect(groups).toEqual([[1], [2, 3, 4]])
    releases[1]?.()
    await others
  })

  it('writes nothing more once it has failed, and fails whatever waited or comes later', async () => {
    const groups: number[][] = []
    const failure = new RangeError('disk')
    const commit = createGroupCommit<ReturnType<typeof write>>(async (writes) => {
      groups.push(writes.map(({ key }) => key[0] ?? -1))
      if (groups.length === 2) throw failure
    })
    await commit([write(1)])
    const failing = [commit([write(2)]), commit([write(3)])]
    await null
    await null
    const waiting = commit([write(4)])
    for (const each of await Promise.allSettled([...failing, waiting])) {
      expect(each).toEqual({ status: 'rejected', reason: failure })
    }
    await expect(commit([write(5)])).rejects.toBe(failure)
    await expect(commit([write(6)])).rejects.toBe(failure)
    expect(groups).toEqual([[1], [2, 3]])
  })
})
