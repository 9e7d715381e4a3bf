import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createL1Client } from '../node/index.ts'
import { keccakHex } from '../protocol/index.ts'
import { createHashedL1, createHashKzg } from './HashedL1.ts'

describe('createHashedL1', () => {
  it('gives the real client headers, transactions, receipts and blobs that it takes for true', async () => {
    const l1 = createHashedL1({ chainId: 31_337n, number: 100n, timestamp: 1_700_000_000n })
    const client = createL1Client({
      urls: ['http://rpc1', 'http://rpc2'],
      beaconUrls: ['http://beacon1'],
      quorum: 2,
      http: l1.http,
      kzg: createHashKzg(),
      retryPauseMs: 0,
    })
    const blobs = [1, 2].map((byte) => new Uint8Array(131_072).fill(byte))
    const mined = l1.mine([
      { kind: 'batch', data: Uint8Array.of(0, 1, 2) },
      { kind: 'batch', data: Uint8Array.of(3), reverts: true },
      { kind: 'blobs', blobs },
      { kind: 'deposit', from: `0x${'12'.repeat(20)}`, data: Uint8Array.of(4) },
      { kind: 'impostor', data: Uint8Array.of(5), as: 'target' },
    ])
    l1.mine([], 1n)
    expect(await client.header(101n)).toEqual(mined)
    expect((await client.header('latest'))?.number).toBe(102n)
    const transactions = await client.transactions(mined)
    expect(transactions.map(({ type }) => type)).toEqual([2, 2, 3, 2, 2])
    const receipts = await client.receipts(mined)
    expect(receipts.map(({ status }) => status)).toEqual([1, 0, 1, 1, 1])
    const read = await client.blobs(mined, transactions[2]?.blobVersionedHashes ?? [])
    expect(read.map(keccakHex)).toEqual(blobs.map(keccakHex))
    await client.assertChainId(31_337n)
  })

  it('mines other blocks after it took some back, and keeps what it knew by hash', async () => {
    const l1 = createHashedL1({ chainId: 1n, number: 0n, timestamp: 1_000n })
    const client = createL1Client({ urls: ['http://rpc'], http: l1.http, kzg: createHashKzg() })
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 5 }), async (depth) => {
        const before = Array.from({ length: depth }, () => l1.mine())
        l1.takeBack(depth)
        const after = before.map(() => l1.mine())
        for (const [i, header] of after.entries()) {
          expect(await client.header(header.number)).toEqual(header)
          expect(header.hash).not.toBe(before[i]?.hash)
          expect(await client.headerByHash(before[i]?.hash ?? header.hash)).toEqual(before[i])
        }
      }),
      { numRuns: 10 },
    )
  })
})
