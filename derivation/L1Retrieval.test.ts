import { describe, expect, it } from 'vitest'
import { type L1Header, type L1Log, ResetFault, TemporaryFault } from '../node/index.ts'
import { BLOB_BYTES, encodeBlob, ZERO_HASH } from '../protocol/index.ts'
import { createFakeL1, FAKE_L1_ADDRESSES, type FakeL1Action } from '../test/FakeL1.ts'
import type { DropReason } from './Dropped.ts'
import { createL1Retrieval } from './L1Retrieval.ts'
import { createL1Source } from './L1Source.ts'
import type { BatcherDataL1 } from './readBatcherData.ts'

const bytes = (...values: number[]) => Uint8Array.from(values)

function setUp(actions: readonly FakeL1Action[], { first = 0n, wrap = (l1: BatcherDataL1) => l1 } = {}) {
  const l1 = createFakeL1({ chainId: 1n, number: 100n, timestamp: 1_000n })
  let origin: L1Header = l1.mine(actions)
  const dropped: DropReason[] = []
  const retrieval = createL1Retrieval({
    traversal: { origin: () => origin },
    source: createL1Source({ ...wrap(l1.client), header: l1.client.header }, FAKE_L1_ADDRESSES),
    first,
    onDrop: (reason) => dropped.push(reason),
  })
  const readAll = async () => {
    const found: number[][] = []
    for (let datum = await retrieval.next(); datum !== undefined; datum = await retrieval.next()) {
      found.push([...datum.bytes])
    }
    return found
  }
  const mine = (more: readonly FakeL1Action[]) => {
    origin = l1.mine(more)
  }
  return { retrieval, readAll, dropped, mine }
}

describe('the L1 retrieval', () => {
  it('gives calldata and blobs in the order of L1', async () => {
    const { readAll } = setUp([
      { kind: 'batch', data: bytes(1) },
      { kind: 'blobs', blobs: [encodeBlob(bytes(2)), encodeBlob(bytes(3))] },
      { kind: 'batch', data: bytes(4) },
    ])
    expect(await readAll()).toEqual([[1], [2], [3], [4]])
  })

  it("counts a submission only with the inbox's event in a successful receipt of a transaction to the inbox", async () => {
    const { readAll } = setUp([
      { kind: 'batch', data: bytes(1), reverts: true },
      { kind: 'impostor', data: bytes(2), as: 'emitter' },
      { kind: 'impostor', data: bytes(3), as: 'target' },
      { kind: 'batch', data: bytes(4) },
    ])
    expect(await readAll()).toEqual([[4]])
  })

  it("counts a submission by the inbox's event, whatever other logs stand beside it", async () => {
    const reading = (logsOf: (logs: readonly L1Log[]) => readonly L1Log[]) =>
      setUp([{ kind: 'batch', data: bytes(1) }], {
        wrap: (l1) => ({
          ...l1,
          receipts: async (header) =>
            (await l1.receipts(header)).map((receipt) => ({ ...receipt, logs: logsOf(receipt.logs) })),
        }),
      }).readAll()
    const other = (log: L1Log): L1Log => ({ ...log, topics: log.topics.with(0, ZERO_HASH) })
    expect(await reading((logs) => [...logs.map(other), ...logs])).toEqual([[1]])
    expect(await reading((logs) => logs.map(other))).toEqual([])
  })

  it('asks for a reset when L1 gives more receipts than transactions', async () => {
    const { readAll } = setUp([{ kind: 'batch', data: bytes(1) }], {
      wrap: (l1) => ({ ...l1, transactions: async () => [] }),
    })
    await expect(readAll()).rejects.toThrow(ResetFault)
  })

  it('drops a blob that is not in the encoding, and reads on', async () => {
    const garbage = new Uint8Array(BLOB_BYTES).fill(1)
    const { readAll, dropped } = setUp([{ kind: 'blobs', blobs: [garbage, encodeBlob(bytes(5))] }])
    expect(await readAll()).toEqual([[5]])
    expect(dropped).toEqual(['MALFORMED_BLOB'])
  })

  it('goes on with the next block once the traversal has', async () => {
    const { readAll, mine } = setUp([{ kind: 'batch', data: bytes(1) }])
    expect(await readAll()).toEqual([[1]])
    expect(await readAll()).toEqual([])
    mine([{ kind: 'batch', data: bytes(2) }])
    expect(await readAll()).toEqual([[2]])
  })

  it('passes over blocks that were read before a restart', async () => {
    const { readAll, mine, retrieval } = setUp([{ kind: 'batch', data: bytes(1) }], { first: 102n })
    expect(await readAll()).toEqual([])
    mine([{ kind: 'batch', data: bytes(2) }])
    expect(await readAll()).toEqual([[2]])
    retrieval.reset(0n)
    expect(await readAll()).toEqual([[2]])
  })

  it('asks for no receipts when the bloom has nothing of the inbox', async () => {
    let asked = 0
    const { readAll } = setUp([{ kind: 'deposit', from: `0x${'01'.repeat(20)}`, data: bytes(1) }], {
      wrap: (l1) => ({
        ...l1,
        receipts: (header) => {
          asked++
          return l1.receipts(header)
        },
      }),
    })
    expect(await readAll()).toEqual([])
    expect(asked).toBe(0)
  })

  it('loses nothing when L1 fails in between', async () => {
    let failures = 2
    const failing = async () => {
      if (failures-- > 0) throw new TemporaryFault('try again')
    }
    const { readAll } = setUp([{ kind: 'batch', data: bytes(1) }], {
      wrap: (l1) => ({
        ...l1,
        receipts: async (header) => {
          await failing()
          return l1.receipts(header)
        },
        transactions: async (header) => {
          await failing()
          return l1.transactions(header)
        },
      }),
    })
    await expect(readAll()).rejects.toThrow(TemporaryFault)
    await expect(readAll()).rejects.toThrow(TemporaryFault)
    expect(await readAll()).toEqual([[1]])
  })
})
