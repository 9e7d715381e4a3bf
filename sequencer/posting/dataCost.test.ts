import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createWalletClient, type Hex, http, publicActions } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { devnetAccounts } from '../../devnet/accounts.ts'
import { type Anvil, startAnvil } from '../../devnet/anvil.ts'
import { deployRollup, drawChainId } from '../../devnet/deployRollup.ts'
import type { RollupConfig } from '../../protocol/index.ts'
import { toHex } from '../../protocol/index.ts'
import { createL1Sender } from '../l1/L1Sender.ts'
import { blobsCost, calldataCost, calldataGas, submissionGas } from './dataCost.ts'

const gwei = 1_000_000_000n

describe('the cost of data', () => {
  it('counts the tokens of the real bytes, and pays the floor where there are many', () => {
    expect(calldataGas(new Uint8Array(10))).toBe(21_000n + 4n * 10n + 37_700n)
    expect(calldataGas(new Uint8Array(100_000).fill(1))).toBe(21_000n + 40n * 100_000n)
    expect(calldataGas(new Uint8Array(100_000))).toBe(21_000n + 10n * 100_000n)
  })

  it('is cheaper in blobs as soon as the bytes weigh more than a blob, and depends on both base fees', () => {
    const small = [new Uint8Array(500).fill(1)]
    const large = [new Uint8Array(50_000).fill(1)]
    const cheapBlobs = { baseFee: 20n * gwei, priorityFee: gwei, blobBaseFee: 1n }
    const dearBlobs = { ...cheapBlobs, blobBaseFee: 100n * gwei }
    const inBlobs = (prices: typeof cheapBlobs) => blobsCost(1, prices) ?? expect.unreachable()
    expect(inBlobs(cheapBlobs) < calldataCost(small, cheapBlobs)).toBe(true)
    expect(inBlobs(dearBlobs) > calldataCost(small, dearBlobs)).toBe(true)
    expect(inBlobs(cheapBlobs) < calldataCost(large, cheapBlobs)).toBe(true)
    expect(inBlobs({ ...dearBlobs, blobBaseFee: gwei }) < calldataCost(large, dearBlobs)).toBe(true)
    expect(blobsCost(1, { baseFee: gwei, priorityFee: gwei })).toBeUndefined()
  })

  it('shares the execution among the blobs of a transaction', () => {
    const prices = { baseFee: gwei, priorityFee: 0n, blobBaseFee: 0n }
    expect(blobsCost(6, prices)).toBe(blobsCost(1, prices))
  })
})

describe('on anvil', () => {
  let directory: string
  let anvil: Anvil
  let rollup: RollupConfig
  const { batcher, deployer, promiseSigner, proposer, challenger } = devnetAccounts()
  const walletOf = (key: Hex) =>
    createWalletClient({
      account: privateKeyToAccount(key),
      transport: http(anvil.url),
      pollingInterval: 50,
    }).extend(publicActions)

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'keyroll-data-cost-'))
    anvil = await startAnvil({ name: 'l1', chainId: 900, port: 0, logDirectory: directory })
    ;({ rollup } = await deployRollup(walletOf(deployer.privateKey), {
      owner: deployer.address,
      batcher: batcher.address,
      promiseSigner: promiseSigner.address,
      proposer: proposer.address,
      challenger: challenger.address,
      l2ChainId: drawChainId(),
      blockTime: 1n,
      challengePeriod: 5,
      minRecoveryDelay: 2,
      submissionInterval: 3n,
      permissionlessDelay: 1_000n,
      maxSequencerDrift: 100n,
      seqWindowSize: 40n,
      channelTimeout: 20n,
    }))
  })
  afterAll(async () => {
    await anvil.stop()
    rmSync(directory, { recursive: true })
  })

  it('is what a submission really uses, within two percent', async () => {
    const wallet = walletOf(batcher.privateKey)
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
      expect(Math.abs(Number(await submit(data)) / Number(calldataGas(data)) - 1)).toBeLessThan(0.02)
    }
    const blobVersionedHashes: Hex[] = Array(6).fill(`0x01${'00'.repeat(31)}`)
    const gas = await createL1Sender([anvil.url]).estimateGas({
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
