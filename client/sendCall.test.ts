import {
  type Account,
  type Address,
  createNonceManager,
  createWalletClient,
  custom,
  type Hex,
  numberToHex,
  parseTransaction,
  zeroHash,
} from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { beforeEach, describe, expect, it } from 'vitest'
import { checkpoint, replicaActions } from './index.ts'

const GWEI = 1_000_000_000n
const SOURCE: Address = '0x00000000000000000000000000000000000000aa'
const CHAIN_ID = 7
const NONCE = 3

/** What a greedy node would have filled in. */
const FILLED = {
  type: '0x0',
  chainId: '0x1',
  nonce: '0x0',
  gas: '0x1c9c380',
  gasPrice: numberToHex(10n ** 15n),
  maxFeePerGas: numberToHex(10n ** 15n),
  maxPriorityFeePerGas: numberToHex(10n ** 15n),
  feePayerSignature: { r: zeroHash, s: zeroHash, yParity: '0x0' },
}

const ANSWERS: Readonly<Record<string, unknown>> = {
  eth_chainId: numberToHex(CHAIN_ID),
  eth_getTransactionCount: numberToHex(NONCE),
  eth_getBlockByNumber: { number: '0x1', transactions: [], baseFeePerGas: numberToHex(GWEI) },
  eth_maxPriorityFeePerGas: numberToHex(10n ** 15n),
  eth_estimateGas: numberToHex(50_000),
  eth_call: zeroHash,
  eth_fillTransaction: { raw: '0x', tx: FILLED },
  eth_sendTransaction: zeroHash,
}

let sent: Hex[]
let asked: { method: string; params?: unknown }[]
beforeEach(() => {
  sent = []
  asked = []
})

/** A client of a node that wants as much as it can get. */
function greedyClient(account: Account = privateKeyToAccount(generatePrivateKey())) {
  const request = async ({ method, params }: { method: string; params?: unknown }) => {
    asked.push({ method, params })
    if (method !== 'eth_sendRawTransaction') return ANSWERS[method]
    sent.push((params as [Hex])[0])
    return zeroHash
  }
  return createWalletClient({ account, transport: custom({ request }) })
}

const transactions = () => sent.map((serialized) => parseTransaction(serialized))

describe('what is sent', () => {
  it('pays no more than the limits, and nothing that a node fills in', async () => {
    await checkpoint(greedyClient(), { source: SOURCE })
    expect(transactions()).toMatchObject([
      {
        type: 'eip1559',
        chainId: CHAIN_ID,
        nonce: NONCE,
        // 30 % above the estimate, and a new entry.
        gas: 115_000n,
        maxFeePerGas: 52n * GWEI,
        maxPriorityFeePerGas: 50n * GWEI,
      },
    ])
    expect(asked.map(({ method }) => method)).not.toContain('eth_fillTransaction')
  })

  it('pays no more than the limits of its client, or its own', async () => {
    const limited = (gwei: bigint) => ({ maxFeePerGas: gwei * GWEI, maxPriorityFeePerGas: GWEI })
    const client = greedyClient().extend(replicaActions({ replica: SOURCE, feeLimits: limited(2n) }))
    await client.checkpoint({ source: SOURCE })
    await client.checkpoint({ source: SOURCE, feeLimits: limited(1n) })
    expect(transactions()).toMatchObject([{ maxFeePerGas: 2n * GWEI }, { maxFeePerGas: GWEI }])
  })

  it('takes its nonce from the nonce manager of an account that has one', async () => {
    const nonceManager = createNonceManager({ source: { get: () => 40, set: () => undefined } })
    const account = privateKeyToAccount(generatePrivateKey(), { nonceManager })
    await checkpoint(greedyClient(account), { source: SOURCE })
    expect(transactions()).toMatchObject([{ nonce: 40, maxFeePerGas: 52n * GWEI }])
    expect(asked.map(({ method }) => method)).not.toContain('eth_fillTransaction')
  })

  it('has its fees chosen by the wallet where that signs', async () => {
    await checkpoint(greedyClient({ address: SOURCE, type: 'json-rpc' }), { source: SOURCE })
    const [request] = asked.filter(({ method }) => method === 'eth_sendTransaction')
    expect(request?.params).toEqual([expect.not.objectContaining({ maxFeePerGas: expect.anything() })])
  })
})
