import { describe, expect, it } from 'vitest'
import { type BlockRef, CriticalFault, type L1Header, ResetFault } from '../node/index.ts'
import { depositFromBytes, KEYSTORE_ADDRESS, userDepositSourceHash, ZERO_HASH } from '../protocol/index.ts'
import { createFakeL1, FAKE_L1_ADDRESSES } from '../test/FakeL1.ts'
import { createAttributesBuilder } from './AttributesBuilder.ts'

const from = `0x${'01'.repeat(20)}` as const

function setUp() {
  const l1 = createFakeL1({ chainId: 1n, number: 100n, timestamp: 1_000n })
  const first = l1.head()
  const second = l1.mine([
    { kind: 'deposit', from, data: Uint8Array.of(1) },
    { kind: 'batch', data: Uint8Array.of(9) },
    { kind: 'deposit', from, data: Uint8Array.of(2) },
  ])
  const builder = createAttributesBuilder({ l1: l1.client, rollup: FAKE_L1_ADDRESSES })
  return { l1, builder, first, second, parent: blockOn(first) }
}

function blockOn({ number, hash }: L1Header): BlockRef {
  return {
    number: 5n,
    hash: ZERO_HASH,
    parentHash: ZERO_HASH,
    timestamp: 1_000n,
    l1Origin: { number, hash },
    sequenceNumber: 3n,
  }
}

const transactions = [Uint8Array.of(0x4b)]

describe('the attributes builder', () => {
  it('goes on within an origin without its deposits', async () => {
    const { builder, first, parent } = setUp()
    const attributes = await builder.build({ parent, epoch: first, timestamp: 1_002n, transactions })
    const { number, hash, parentBeaconBlockRoot } = first
    expect(attributes).toEqual({
      timestamp: 1_002n,
      l1Origin: { number, hash, parentBeaconBlockRoot },
      sequenceNumber: 4n,
      transactions,
    })
  })

  it('puts the deposits of a new origin first, in their order, with their places in the hash chain', async () => {
    const { builder, second, parent } = setUp()
    const attributes = await builder.build({ parent, epoch: second, timestamp: 1_012n, transactions })
    expect(attributes.sequenceNumber).toBe(0n)
    expect(attributes.transactions).toHaveLength(3)
    expect(attributes.transactions[2]).toEqual(transactions[0])
    const deposits = attributes.transactions.slice(0, 2).map(depositFromBytes)
    expect(deposits).toEqual(
      [0n, 1n].map((index) => ({
        sourceHash: userDepositSourceHash(second.hash, index),
        from,
        to: KEYSTORE_ADDRESS,
        mint: 0n,
        value: 0n,
        gas: 1_000_000n,
        isSystemTx: false,
        data: Uint8Array.of(Number(index) + 1),
      })),
    )
  })

  it('asks for a reset when the origin does not follow the parent’s', async () => {
    const { l1, builder, second, parent } = setUp()
    const third = l1.mine()
    const skipping = builder.build({ parent, epoch: third, timestamp: 1_024n, transactions })
    await expect(skipping).rejects.toThrow(ResetFault)
    l1.takeBack(2)
    const other = l1.mine()
    const aside = builder.build({ parent: blockOn(second), epoch: other, timestamp: 1_024n, transactions })
    await expect(aside).rejects.toThrow(ResetFault)
    const epoch = l1.mine()
    const astray = builder.build({ parent: blockOn(second), epoch, timestamp: 1_024n, transactions })
    await expect(astray).rejects.toThrow(ResetFault)
  })

  it('halts when the portal writes deposits without their place', async () => {
    const { l1, second, parent } = setUp()
    const receipts = await l1.client.receipts(second)
    const broken = receipts.map((receipt) => ({ ...receipt, logs: receipt.logs.slice(0, 1) }))
    const builder = createAttributesBuilder({
      l1: { ...l1.client, receipts: async () => broken },
      rollup: FAKE_L1_ADDRESSES,
    })
    const building = builder.build({ parent, epoch: second, timestamp: 1_012n, transactions })
    await expect(building).rejects.toThrow(CriticalFault)
  })
})
