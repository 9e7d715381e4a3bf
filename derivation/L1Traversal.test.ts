import { describe, expect, it } from 'vitest'
import { ResetFault } from '../node/index.ts'
import { createFakeL1 } from '../test/FakeL1.ts'
import { createL1Traversal } from './L1Traversal.ts'

const createL1 = () => createFakeL1({ chainId: 1n, number: 100n, timestamp: 1_000n })

describe('the L1 traversal', () => {
  it('walks one block at a time and waits at the head', async () => {
    const l1 = createL1()
    const traversal = createL1Traversal(l1.client, l1.head())
    expect(await traversal.advance()).toBe(false)
    const mined = [l1.mine(), l1.mine()]
    for (const header of mined) {
      expect(await traversal.advance()).toBe(true)
      expect(traversal.origin()).toBe(header)
    }
    expect(await traversal.advance()).toBe(false)
  })

  it('remembers the blocks it walked until it is told to forget them', async () => {
    const l1 = createL1()
    const traversal = createL1Traversal(l1.client, l1.head())
    const mined = [l1.mine(), l1.mine(), l1.mine()]
    for (const _ of mined) await traversal.advance()
    expect(traversal.headerAt(101n)).toBe(mined[0])
    expect(traversal.headerAt(103n)).toBe(mined[2])
    expect(traversal.headerAt(104n)).toBeUndefined()
    traversal.forgetBelow(102n)
    expect(traversal.headerAt(101n)).toBeUndefined()
    expect(traversal.headerAt(102n)).toBe(mined[1])
    traversal.forgetBelow(1_000n)
    expect(traversal.origin()).toBe(mined[2])
  })

  it('asks for a reset when the next block has another parent', async () => {
    const l1 = createL1()
    l1.mine()
    const traversal = createL1Traversal(l1.client, l1.head())
    l1.takeBack(1)
    l1.mine()
    l1.mine()
    await expect(traversal.advance()).rejects.toThrow(ResetFault)
  })

  it('asks for a reset when L1 has replaced its newest block and has no more yet', async () => {
    const l1 = createL1()
    l1.mine()
    const traversal = createL1Traversal(l1.client, l1.head())
    l1.takeBack(1)
    l1.mine()
    await expect(traversal.advance()).rejects.toThrow(ResetFault)
  })

  it('only waits while an L1 node lags', async () => {
    const l1 = createL1()
    l1.mine()
    const traversal = createL1Traversal(l1.client, l1.head())
    l1.takeBack(1)
    expect(await traversal.advance()).toBe(false)
  })

  it('starts again where it is told', async () => {
    const l1 = createL1()
    const first = l1.head()
    const second = l1.mine()
    const traversal = createL1Traversal(l1.client, second)
    traversal.reset(first)
    expect(traversal.origin()).toBe(first)
    expect(traversal.headerAt(second.number)).toBeUndefined()
    expect(await traversal.advance()).toBe(true)
    expect(traversal.origin()).toBe(second)
  })
})
