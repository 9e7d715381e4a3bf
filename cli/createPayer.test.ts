import { type Hex, keccak256, parseTransaction } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { sendTransaction } from 'viem/actions'
import { expect, it } from 'vitest'
import { completeTerms } from '../contracts/index.ts'
import { devnetAccounts } from '../devnet/accounts.ts'
import { startHttpServer } from '../test/httpServer.ts'
import { createPayer } from './createPayer.ts'

const account = privateKeyToAccount(devnetAccounts().relayer.privateKey)

/** Sends transactions by a node that says such chain ids and counts, one after the other, and returns what was signed. */
async function signedBy(said: { chainIds: number[]; counts: number[] }, length: number) {
  const signed: Hex[] = []
  const answer = (method: string, params: Hex[]): unknown => {
    if (method === 'eth_chainId') return `0x${said.chainIds.shift()?.toString(16)}`
    if (method === 'eth_getTransactionCount') return `0x${said.counts.shift()?.toString(16)}`
    const [raw] = params
    if (method !== 'eth_sendRawTransaction' || raw === undefined) expect.unreachable()
    signed.push(raw)
    return keccak256(raw)
  }
  const node = await startHttpServer(async (_path, body) => {
    const { id, method, params } = JSON.parse(body)
    return Response.json({ jsonrpc: '2.0', id, result: answer(method, params) })
  })
  const payer = await createPayer(node.url, account)
  while (signed.length < length) {
    const terms = await completeTerms(payer, { maxFeePerGas: 1n, maxPriorityFeePerGas: 1n })
    await sendTransaction(payer, { ...terms, to: account.address, gas: 21_000n })
  }
  await node.close()
  return signed.map((raw) => parseTransaction(raw))
}

it('signs for the chain that the node names first, whatever it says later', async () => {
  const [sent] = await signedBy({ chainIds: [901, 1, 1, 1], counts: [3] }, 1)
  expect(sent?.chainId).toBe(901)
})

it('goes on after the last nonce, though the node counts fewer', async () => {
  // At last, somebody else has used the key.
  const sent = await signedBy({ chainIds: [901, 901, 901, 901], counts: [3, 3, 4, 9] }, 4)
  expect(sent.map(({ nonce }) => nonce)).toEqual([3, 4, 5, 9])
})

it('believes the node alone after nonce 0', async () => {
  const sent = await signedBy({ chainIds: [901], counts: [0, 0] }, 2)
  expect(sent.map(({ nonce }) => nonce)).toEqual([0, 0])
})
