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

  it('fails exactly the group that could not be written', async () => {
    let isBroken = true
    const commit = createGroupCommit<ReturnType<typeof write>>(async () => {
      if (isBroken) throw new RangeError('disk')
    })
    await expect(Promise.allSettled([commit([write(1)]), commit([write(2)])])).resolves.toMatchObject([
      { status: 'rejected' },
      { status: 'rejected' },
    ])
    isBroken = false
    await expect(commit([write(3)])).resolves.toBeUndefined()
  })
})
