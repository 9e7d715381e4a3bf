import type { Hex } from 'viem'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toHex } from '../../protocol/index.ts'
import { type L1World, startL1World } from '../../test/l1World.ts'
import { createL1Nodes } from '../l1/L1Nodes.ts'
import { createL1Sender, type DataPrices } from '../l1/L1Sender.ts'
import { blobsCost, calldataCost, calldataGas, submissionGas } from './dataCost.ts'

const gwei = 1_000_000_000n

describe('the cost of data', () => {
  it('counts the tokens of the real bytes, and pays the floor where there are many', () => {
    const mixed = Uint8Array.from({ length: 100_000 }, (_, i) => i & 1)
    for (const floor of ['EIP-7623', 'EIP-7976'] as const) {
      expect(calldataGas(new Uint8Array(10), floor)).toBe(21_000n + 4n * 10n + 37_700n)
      expect(calldataGas(new Uint8Array(10).fill(1), floor)).toBe(21_000n + 16n * 10n + 37_700n)
    }
    expect(calldataGas(new Uint8Array(100_000).fill(1), 'EIP-7623')).toBe(21_000n + 40n * 100_000n)
    expect(calldataGas(new Uint8Array(100_000), 'EIP-7623')).toBe(21_000n + 10n * 100_000n)
    expect(calldataGas(mixed, 'EIP-7623')).toBe(21_000n + 25n * 100_000n)
    expect(calldataGas(mixed, 'EIP-7976')).toBe(21_000n + 64n * 100_000n)
  })

  it('is cheaper in blobs as soon as the bytes weigh more than a blob, and depends on both base fees', () => {
    const small = [new Uint8Array(500).fill(1)]
    const large = [new Uint8Array(50_000).fill(1)]
    const cheapBlobs = {
      baseFee: 20n * gwei,
      priorityFee: gwei,
      blobBaseFee: 1n,
      calldataFloor: 'EIP-7623',
    } as const
    const dearBlobs = { ...cheapBlobs, blobBaseFee: 100n * gwei }
    const inBlobs = (prices: DataPrices) => blobsCost(1, prices) ?? expect.unreachable()
    expect(inBlobs(cheapBlobs) < calldataCost(small, cheapBlobs)).toBe(true)
    expect(inBlobs(dearBlobs) > calldataCost(small, dearBlobs)).toBe(true)
    expect(inBlobs(cheapBlobs) < calldataCost(large, cheapBlobs)).toBe(true)
    expect(inBlobs({ ...dearBlobs, blobBaseFee: gwei }) < calldataCost(large, dearBlobs)).toBe(true)
    expect(blobsCost(1, { baseFee: gwei, priorityFee: gwei })).toBeUndefined()
  })

  it('in calldata rises by three fifths with the floor of EIP-7976, which can decide for blobs', () => {
    const data = [new Uint8Array(50_000).fill(1)]
    const now = {
      baseFee: gwei,
      priorityFee: 0n,
      blobBaseFee: 18n * gwei,
      calldataFloor: 'EIP-7623',
    } as const
    const then = { ...now, calldataFloor: 'EIP-7976' } as const
    expect(calldataCost(data, now)).toBe((21_000n + 40n * 50_000n) * gwei)
    expect(calldataCost(data, then)).toBe((21_000n + 64n * 50_000n) * gwei)
    const inBlobs = blobsCost(1, now) ?? expect.unreachable()
    expect(calldataCost(data, now) < inBlobs).toBe(true)
    expect(calldataCost(data, then) > inBlobs).toBe(true)
  })

  it('shares the execution among the blobs of a transaction', () => {
    const prices = { baseFee: gwei, priorityFee: 0n, blobBaseFee: 0n }
    expect(blobsCost(6, prices)).toBe(blobsCost(1, prices))
  })
})

describe('on anvil', () => {
  let world: L1World
  beforeAll(async () => {
    world = await startL1World()
  })
  afterAll(() => world.stop())

  it('is what a submission really uses, within two percent', async () => {
    const { url, rollup } = world
    const { batcher } = world.accounts
    const wallet = world.walletOf(batcher.privateKey)
    const submit = async (data: Uint8Array) => {
      const hash = await wallet.sendTransaction({
        chain: null,
        to: rollup.batchInboxAddress,
        data: toHex(data),
      })
      const { gasUsed, status } = await wallet.waitForTransactionReceipt({ hash })
      expect(status).toBe('success')
      return gasUsed
    }
    // The first one of all is the dearest.
    expect(await submit(new Uint8Array(1))).toBeLessThan(submissionGas(new Uint8Array(1)))
    for (const length of [1, 100, 1_000, 3_000, 10_000, 120_000]) {
      const data = new Uint8Array(length).fill(0xab)
      data[0] = 0
      expect(Math.abs(Number(await submit(data)) / Number(calldataGas(data, 'EIP-7623')) - 1)).toBeLessThan(
        0.02,
      )
    }
    const blobVersionedHashes: Hex[] = Array(6).fill(`0x01${'00'.repeat(31)}`)
    const gas = await createL1Sender(createL1Nodes({ urls: [url], chainId: rollup.l1ChainId })).estimateGas({
      from: batcher.address,
      to: rollup.batchInboxAddress,
      data: '0x',
      blobVersionedHashes,
    })
    const priced = blobsCost(6, { baseFee: 1n, priorityFee: 0n, blobBaseFee: 0n }) ?? expect.unreachable()
    expect(Math.abs(Number(gas) / Number(priced) - 1)).toBeLessThan(0.05)
    expect(gas).toBeLessThan(submissionGas(new Uint8Array()))
  })
})
