import { beforeEach, describe, expect, it } from 'vitest'
import { type BlockRef, type L1Header, ResetFault, TemporaryFault } from '../node/index.ts'
import { createFakeL1Chain, type FakeL1Chain } from '../test/FakeL1Chain.ts'
import { TEST_ROLLUP } from '../test/TestChain.ts'
import { createOriginSelector } from './OriginSelector.ts'

const { blockTime, maxSequencerDrift, seqWindowSize } = TEST_ROLLUP

describe('OriginSelector', () => {
  let l1: FakeL1Chain
  beforeEach(() => {
    l1 = createFakeL1Chain(TEST_ROLLUP)
  })

  const select = (parent: BlockRef, confirmations = 0n) =>
    createOriginSelector({ l1, rollup: TEST_ROLLUP, confirmations }).select(parent)
  /** A parent whose child has this timestamp. */
  const parentOf = (origin: L1Header, childTimestamp: bigint): BlockRef => ({
    number: 5n,
    hash: `0x${'aa'.repeat(32)}`,
    parentHash: `0x${'bb'.repeat(32)}`,
    timestamp: childTimestamp - blockTime,
    l1Origin: { number: origin.number, hash: origin.hash },
    sequenceNumber: 0n,
  })

  it('keeps the origin while the next one is not there', async () => {
    const origin = l1.head()
    expect(await select(parentOf(origin, origin.timestamp + 2n))).toEqual({ origin, mustBeEmpty: false })
  })

  it('moves on exactly when the next origin is not later than the block', async () => {
    const origin = l1.head()
    const next = l1.mine()
    expect((await select(parentOf(origin, next.timestamp - 1n))).origin).toBe(origin)
    expect((await select(parentOf(origin, next.timestamp))).origin).toBe(next)
  })

  it('moves on only over blocks with enough confirmations', async () => {
    const origin = l1.head()
    const next = l1.mine()
    l1.mine()
    const parent = parentOf(origin, next.timestamp + 20n)
    expect((await select(parent, 1n)).origin).toBe(next)
    expect((await select(parent, 2n)).origin).toBe(origin)
  })

  it('makes an empty block when its origin is too old and the next one too young', async () => {
    const origin = l1.head()
    l1.mine({ seconds: maxSequencerDrift + 10n })
    const parent = parentOf(origin, origin.timestamp + maxSequencerDrift)
    expect(await select(parent)).toEqual({ origin, mustBeEmpty: false })
    const later = parentOf(origin, origin.timestamp + maxSequencerDrift + 1n)
    expect(await select(later)).toEqual({ origin, mustBeEmpty: true })
  })

  it('waits for the next L1 block when the origin is too old', async () => {
    const origin = l1.head()
    const parent = parentOf(origin, origin.timestamp + maxSequencerDrift + 1n)
    await expect(select(parent)).rejects.toBeInstanceOf(TemporaryFault)
    const next = l1.mine({ seconds: maxSequencerDrift + 1n })
    expect((await select(parent)).origin).toBe(next)
  })

  it('makes an empty block on a next origin that is too old as well', async () => {
    const origin = l1.head()
    const next = l1.mine()
    const parent = parentOf(origin, next.timestamp + maxSequencerDrift + 1n)
    expect(await select(parent)).toEqual({ origin: next, mustBeEmpty: true })
  })

  it('leaves blocks empty whose sequencing window has closed, and fills the first that a batch can still bring', async () => {
    const origins = [l1.head()]
    for (let i = 0n; i <= seqWindowSize; i++) origins.push(l1.mine())
    for (const [i, origin] of origins.slice(0, 4).entries()) {
      // A batch stands at the earliest in the L1 block after the newest, number 51 of those here.
      const child = { origin, mustBeEmpty: i < 2 }
      expect(await select(parentOf(origin, origin.timestamp))).toEqual(child)
      const parent = origins[i - 1]
      if (parent !== undefined) expect(await select(parentOf(parent, origin.timestamp))).toEqual(child)
    }
  })

  it('notices that L1 left the chain of the origin, at the same height or by the next block', async () => {
    l1.mine()
    const origin = l1.head()
    const parent = parentOf(origin, origin.timestamp + 2n)
    l1.reorg(1)
    l1.mine()
    await expect(select(parent)).rejects.toBeInstanceOf(ResetFault)
    l1.mine()
    await expect(select(parent)).rejects.toBeInstanceOf(ResetFault)
  })
})
