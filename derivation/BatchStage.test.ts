import type { Hex } from 'viem'
import { describe, expect, it } from 'vitest'
import type { BlockRef, L1Header } from '../node/index.ts'
import { batchToBytes, type SingularBatch, ZERO_HASH } from '../protocol/index.ts'
import { createTestKeystore, createTestRollup } from '../test/chainFixtures.ts'
import { createFakeL1 } from '../test/FakeL1.ts'
import { createBatchStage } from './BatchStage.ts'
import { createDecoder } from './Decoder.ts'
import type { DropReason } from './Dropped.ts'

const rollup = { ...createTestRollup(), blockTime: 2n, seqWindowSize: 4n, maxSequencerDrift: 20n }
const hash = (n: number): Hex => `0x${n.toString(16).padStart(64, '0')}`

/** A chain of L1 blocks every 12 seconds; the parent block stands on the first, at its time. */
function setUp(channels: readonly (readonly (SingularBatch | Uint8Array)[])[], { origin = 102n } = {}) {
  const l1 = createFakeL1({ chainId: 1n, number: 100n, timestamp: 1_000n })
  const headers: L1Header[] = [l1.head()]
  for (let i = 0; i < 10; i++) headers.push(l1.mine())
  const at = (number: bigint) => (number > origin ? undefined : headers[Number(number - 100n)])
  const queue = channels.map((batches) =>
    batches.map((batch) => ({
      bytes: batch instanceof Uint8Array ? batch : batchToBytes(batch),
      transactionHash: hash(7),
    })),
  )
  const dropped: DropReason[] = []
  const stage = createBatchStage({
    traversal: { origin: () => at(origin) as L1Header, headerAt: at },
    channels: {
      next: async () => {
        while (queue[0]?.length === 0) queue.shift()
        return queue[0]?.shift()
      },
      flush: () => {
        queue.shift()
        queue.unshift([])
      },
    },
    decoder: createDecoder(),
    rollup,
    onDrop: (reason) => dropped.push(reason),
  })
  const [first, second] = headers as [L1Header, L1Header]
  const parent: BlockRef = {
    number: 5n,
    hash: hash(5),
    parentHash: hash(4),
    timestamp: 1_000n,
    l1Origin: { number: first.number, hash: first.hash },
    sequenceNumber: 0n,
  }
  return { stage, dropped, parent, first, second }
}

const { first, parent } = setUp([])
const good: SingularBatch = {
  parentHash: parent.hash,
  epochNumber: first.number,
  epochHash: first.hash,
  timestamp: 1_002n,
  transactions: createTestKeystore(rollup, 'alice', 1).raws,
}

describe('the batch stage', () => {
  it('accepts a valid batch and names the transaction that carried it', async () => {
    const { stage, dropped } = setUp([[good]])
    expect(await stage.next(parent)).toEqual({ batch: good, transactionHash: hash(7) })
    expect(dropped).toEqual([])
  })

  it('skips past batches and reads on in their channel', async () => {
    const { stage, dropped } = setUp([[{ ...good, timestamp: 1_000n }, { ...good, timestamp: 998n }, good]])
    expect((await stage.next(parent))?.batch).toEqual(good)
    expect(dropped).toEqual(['PAST', 'PAST'])
  })

  it.each<[DropReason, SingularBatch | Uint8Array]>([
    ['FUTURE', { ...good, timestamp: 1_004n }],
    ['WRONG_PARENT', { ...good, parentHash: ZERO_HASH }],
    ['MALFORMED_BATCH', Uint8Array.of(1)],
    ['MALFORMED_BATCH', new Uint8Array()],
    ['UNDECODABLE_TRANSACTION', { ...good, transactions: [Uint8Array.of(0x4b, 0xc0)] }],
    ['DEPOSIT', { ...good, transactions: [Uint8Array.of(0x7e, 0xc0)] }],
  ])('drops the rest of the channel of a batch for %s, and takes the next channel', async (reason, bad) => {
    const other = { ...good, transactions: [] }
    const { stage, dropped } = setUp([[bad, good], [other]])
    expect((await stage.next(parent))?.batch).toEqual(other)
    expect(dropped).toEqual([reason])
    expect(await stage.next({ ...parent, hash: hash(6) })).toBeUndefined()
  })

  it('drops what stands on L1 before it can know its origin', async () => {
    const { stage, dropped } = setUp([[good]], { origin: 100n })
    expect(await stage.next(parent)).toBeUndefined()
    expect(dropped).toEqual(['BEFORE_ITS_ORIGIN'])
  })

  it('waits while the sequencing window is open', async () => {
    const { stage } = setUp([], { origin: 103n })
    expect(await stage.next(parent)).toBeUndefined()
  })

  it('forces an empty block of the same origin when the window closes, until the next origin’s time', async () => {
    const { stage } = setUp([], { origin: 104n })
    expect(await stage.next(parent)).toEqual({
      batch: { ...good, transactions: [] },
      transactionHash: undefined,
    })
  })

  it('takes what is left in the block in which the window closes before it forces anything', async () => {
    const { stage } = setUp([[good]], { origin: 104n })
    expect((await stage.next(parent))?.transactionHash).toBe(hash(7))
  })

  it('advances the origin as soon as its time allows, once that window is closed too', async () => {
    const late = { ...parent, timestamp: 1_010n }
    expect(await setUp([], { origin: 104n }).stage.next(late)).toBeUndefined()
    const { stage, second } = setUp([], { origin: 105n })
    expect((await stage.next(late))?.batch).toMatchObject({
      epochNumber: second.number,
      epochHash: second.hash,
      timestamp: 1_012n,
      transactions: [],
    })
  })

  it('drops a batch that comes after its window', async () => {
    const { stage, dropped } = setUp([[good]], { origin: 105n })
    expect((await stage.next(parent))?.transactionHash).toBeUndefined()
    expect(dropped).toEqual(['TOO_LATE'])
  })
})
