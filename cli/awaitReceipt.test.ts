import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Address,
  createTestClient,
  createWalletClient,
  custom,
  http,
  InternalRpcError,
  publicActions,
  walletActions,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { devnetAccounts } from '../devnet/accounts.ts'
import { type Anvil, startAnvil } from '../devnet/anvil.ts'
import { awaitReceipt } from './awaitReceipt.ts'
import { CliError } from './CliError.ts'

const account = privateKeyToAccount(devnetAccounts().relayer.privateKey)
const other = devnetAccounts().user.address
const chain = null

let directory: string
let anvil: Anvil
let client: ReturnType<typeof clientOf>

const clientOf = (url: string) =>
  createTestClient({ account, mode: 'anvil', transport: http(url), pollingInterval: 20 })
    .extend(publicActions)
    .extend(walletActions)

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keyroll-receipt-'))
  anvil = await startAnvil({ name: 'receipt', chainId: 900, port: 0, logDirectory: directory })
  client = clientOf(anvil.url)
  await client.setAutomine(false)
})

afterAll(async () => {
  await anvil.stop()
  await rm(directory, { recursive: true })
})

type Replacement = { to: Address; value: bigint }

/** Sends one ether, waits for it, and once that has been seen sends something else with the same nonce for more. */
async function replacedBy({ to, value }: Replacement) {
  const nonce = await client.getTransactionCount(account)
  const hash = await client.sendTransaction({ chain, to: other, value: 1n, nonce })
  let isSeen = false
  const request = async ({ method, params }: { method: string; params?: unknown }) => {
    const answer = await client.request({ method, params } as never)
    if (method === 'eth_getTransactionByHash' && answer !== null) isSeen = true
    return answer
  }
  const watching = createWalletClient({ account, transport: custom({ request }), pollingInterval: 20 })
  const waiting = awaitReceipt(watching, { hash }).catch((error: unknown) => error)
  await expect.poll(() => isSeen).toBe(true)
  const { maxFeePerGas, maxPriorityFeePerGas } = await client.estimateFeesPerGas()
  const fees = { maxFeePerGas: 2n * maxFeePerGas, maxPriorityFeePerGas: 2n * maxPriorityFeePerGas }
  const replacement = await client.sendTransaction({ chain, to, value, nonce, ...fees })
  await client.mine({ blocks: 1 })
  return { hash, replacement, outcome: await waiting }
}

describe('awaitReceipt', () => {
  it('takes the receipt of the same transaction with other fees', async () => {
    const { replacement, outcome } = await replacedBy({ to: other, value: 1n })
    expect(outcome).toMatchObject({ status: 'success', transactionHash: replacement })
  })

  it.each([
    ['cancels it', account.address, 0n],
    ['does something else', other, 2n],
  ])('says that what took its nonce %s', async (_how, to, value) => {
    const { hash, replacement, outcome } = await replacedBy({ to, value })
    expect(outcome).toBeInstanceOf(CliError)
    expect(String(outcome)).toContain(`transaction ${hash} took no effect: another one, ${replacement}`)
  })

  it('says that it reverted, and where', async () => {
    const to = devnetAccounts().deployer.address
    await client.setCode({ address: to, bytecode: '0x5f5ffd' })
    const hash = await client.sendTransaction({ chain, to, gas: 100_000n })
    await client.mine({ blocks: 1 })
    await expect(awaitReceipt(client, { hash })).rejects.toThrow(/reverted in block \d+/)
  })

  it('waits for longer than a timer of Node can', async () => {
    const hash = await client.sendTransaction({ chain, to: other, value: 1n })
    const waiting = awaitReceipt(client, { hash, timeout: 2_592_000_000 })
    await client.mine({ blocks: 1 })
    await expect(waiting).resolves.toMatchObject({ transactionHash: hash })
  })

  it('says which nonce blocks the account when the time is over', async () => {
    const nonce = await client.getTransactionCount(account)
    await client.sendTransaction({ chain, to: other, value: 1n, nonce })
    const hash = await client.sendTransaction({ chain, to: other, value: 1n, nonce: nonce + 1 })
    const waiting = awaitReceipt(client, { hash, timeout: 100 })
    await expect(waiting).rejects.toThrow(CliError)
    await expect(waiting).rejects.toThrow(`2 of ${account.address} wait, the first with nonce ${nonce}`)
    await client.mine({ blocks: 1 })
  })

  it('names the transaction when the time is over and the node is away just then', async () => {
    const hash = `0x${'07'.repeat(32)}` as const
    const request = async () => {
      throw new InternalRpcError(new Error('away'))
    }
    const transport = custom({ request }, { retryCount: 0 })
    const away = createWalletClient({ account, transport, pollingInterval: 20 })
    const waiting = awaitReceipt(away, { hash, timeout: 100 })
    await expect(waiting).rejects.toThrow(CliError)
    await expect(waiting).rejects.toThrow(`waited 0.1 s for transaction ${hash}, in vain, nor does the node`)
    await expect(waiting).rejects.toHaveProperty('cause.details', 'away')
  })
})
