import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createTestClient,
  createWalletClient,
  custom,
  type Hash,
  http,
  InternalRpcError,
  publicActions,
  WaitForTransactionReceiptTimeoutError,
  walletActions,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { devnetAccounts } from '../devnet/accounts.ts'
import { type Anvil, startAnvil } from '../devnet/anvil.ts'
import { awaitMined } from './awaitMined.ts'

const account = privateKeyToAccount(devnetAccounts().user.privateKey)

const POLLING = { interval: 100, timeout: 30_000 }

let directory: string
let anvil: Anvil
let client: ReturnType<typeof clientOf>

const clientOf = (url: string) =>
  createTestClient({ account, mode: 'anvil', transport: http(url), pollingInterval: 20 })
    .extend(publicActions)
    .extend(walletActions)

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keyroll-mined-'))
  anvil = await startAnvil({ name: 'mined', chainId: 900, port: 0, logDirectory: directory })
  client = clientOf(anvil.url)
  await client.setAutomine(false)
})

afterAll(async () => {
  await anvil.stop()
  await rm(directory, { recursive: true })
})

/** A client whose node answers otherwise. */
function whoseNode(answer: (method: string, truth: unknown) => unknown) {
  const request = async ({ method, params }: { method: string; params?: unknown }) =>
    answer(method, await client.request({ method, params } as never))
  return createWalletClient({
    account,
    transport: custom({ request }, { retryCount: 0 }),
    pollingInterval: 20,
  })
}

/** Sends a transaction, and mines one block, and no other, when it has been seen waiting. */
async function minedWhile(waits: (hash: Hash) => Promise<unknown>, isSeen: () => boolean) {
  const hash = await client.sendTransaction({ chain: null, to: account.address, value: 1n })
  const waiting = waits(hash).catch((error: unknown) => error)
  await expect.poll(isSeen, POLLING).toBe(true)
  await client.mine({ blocks: 1 })
  return { hash, outcome: await waiting }
}

describe('awaitMined', () => {
  it('waits for a receipt that comes a moment after its block', async () => {
    let isSeen = false
    let hidden = 0
    const slow = whoseNode((method, truth) => {
      if (method === 'eth_getTransactionByHash' && truth !== null) isSeen = true
      const isHidden = method === 'eth_getTransactionReceipt' && truth !== null && ++hidden <= 4
      return isHidden ? null : truth
    })
    const { hash, outcome } = await minedWhile(
      (hash) => awaitMined(slow, { hash }),
      () => isSeen,
    )
    expect(outcome).toEqual({ receipt: expect.objectContaining({ transactionHash: hash }) })
    expect(hidden).toBeGreaterThan(4)
  })

  const fail = () => {
    throw new InternalRpcError(new Error('away'))
  }
  it.each([
    ['eth_getTransactionReceipt', 'fails', fail],
    ['eth_getTransactionCount', 'fails', fail],
    ['eth_blockNumber', 'fails', fail],
    ['eth_getTransactionReceipt', 'answers nonsense', () => ({ blockNumber: 'soon' })],
    ['eth_getTransactionReceipt', 'answers for a block to come', () => ({ blockNumber: null })],
  ])('asks again when %s %s', async (asked, _, answer) => {
    let isSeen = false
    let failed = 0
    const failing = whoseNode((method, truth) => {
      if (method === 'eth_getTransactionByHash' && truth !== null) isSeen = true
      return isSeen && method === asked && ++failed <= 3 ? answer() : truth
    })
    const { hash, outcome } = await minedWhile(
      (hash) => awaitMined(failing, { hash }),
      () => failed >= 3,
    )
    expect(outcome).toMatchObject({ receipt: { transactionHash: hash } })
  })

  it.each([
    ['repriced', 'nothing', account.address, 1n],
    ['cancelled', 'nothing', account.address, 0n],
    ['replaced', 'nothing', devnetAccounts().relayer.address, 1n],
    ['repriced', 'eth_getBlockByNumber', account.address, 1n],
    ['repriced', 'eth_getTransactionReceipt', account.address, 1n],
  ])('finds what took its nonce (%s) where %s fails', async (reason, asked, to, value) => {
    const nonce = await client.getTransactionCount(account)
    const hash = await client.sendTransaction({ chain: null, to: account.address, value: 1n, nonce })
    let isSeen = false
    let isReplaced = false
    let failed = 0
    const node = whoseNode((method, truth) => {
      if (method === 'eth_getTransactionCount') isSeen = true
      return isReplaced && method === asked && ++failed <= 3 ? fail() : truth
    })
    const waiting = awaitMined(node, { hash })
    await expect.poll(() => isSeen, POLLING).toBe(true)
    isReplaced = true
    const { maxFeePerGas, maxPriorityFeePerGas } = await client.estimateFeesPerGas()
    const fees = { maxFeePerGas: 2n * maxFeePerGas, maxPriorityFeePerGas: 2n * maxPriorityFeePerGas }
    const replacement = await client.sendTransaction({ chain: null, to, value, nonce, ...fees })
    await client.mine({ blocks: 3 })
    expect(await waiting).toMatchObject({ receipt: { transactionHash: replacement }, replaced: reason })
    if (asked !== 'nothing') expect(failed).toBeGreaterThan(3)
  })

  it('takes more time than timers do', async () => {
    let isSeen = false
    const warned = vi.fn()
    process.on('warning', warned)
    const watched = whoseNode((method, truth) => {
      if (method === 'eth_getTransactionByHash' && truth !== null) isSeen = true
      return truth
    })
    const { outcome } = await minedWhile(
      (hash) => awaitMined(watched, { hash, timeout: 2 ** 40 }),
      () => isSeen,
    )
    process.off('warning', warned)
    expect(outcome).toMatchObject({ receipt: { status: 'success' } })
    expect(warned).not.toHaveBeenCalled()
  })

  it.each([
    ['is away', fail],
    ['answers nonsense', () => ({ blockNumber: 'soon' })],
  ])('ends with the time when the node %s', async (_, answer) => {
    const waiting = awaitMined(whoseNode(answer), { hash: `0x${'07'.repeat(32)}`, timeout: 200 })
    await expect(waiting).rejects.toThrow(WaitForTransactionReceiptTimeoutError)
  })
})
