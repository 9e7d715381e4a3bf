import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Address, createTestClient, encodeErrorResult, http, keccak256 } from 'viem'
import { mnemonicToAccount, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { outputOracleAbi } from '../../contracts/index.ts'
import { type Anvil, startAnvil } from '../../devnet/anvil.ts'
import { TemporaryFault } from '../../node/index.ts'
import { startHttpServer } from '../../test/httpServer.ts'
import { createL1Nodes } from './L1Nodes.ts'
import { classifyRefusal, createL1Sender, type L1Sender, TransactionRevertedError } from './L1Sender.ts'

/** Serves an L1 node of chain 900 that answers all other questions so. */
const startNode = (answer: (id: number, method: string) => Promise<Response>) =>
  startHttpServer((_path, body) => {
    const { id, method } = JSON.parse(body) as { id: number; method: string }
    return method === 'eth_chainId'
      ? Promise.resolve(Response.json({ jsonrpc: '2.0', id, result: '0x384' }))
      : answer(id, method)
  })
const senderTo = (url: string, chainId = 900n) => createL1Sender(createL1Nodes({ urls: [url], chainId }))

describe('L1Sender on anvil', () => {
  const account = mnemonicToAccount('test test test test test test test test test test test junk')
  const poor = privateKeyToAccount(`0x${'77'.repeat(32)}`)
  const to: Address = `0x${'ab'.repeat(20)}`
  let directory: string
  let anvil: Anvil
  let sender: L1Sender

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'keyroll-l1-sender-'))
    anvil = await startAnvil({
      name: 'l1',
      chainId: 900,
      port: 0,
      logDirectory: directory,
      slotsInAnEpoch: 1,
    })
    sender = senderTo(anvil.url)
    await createTestClient({ mode: 'anvil', transport: http(anvil.url) }).setAutomine(false)
  })
  afterAll(async () => {
    await anvil.stop()
    rmSync(directory, { recursive: true })
  })

  const mine = () => createTestClient({ mode: 'anvil', transport: http(anvil.url) }).mine({ blocks: 1 })
  const sign = (nonce: number, gwei: bigint, from: Pick<typeof account, 'signTransaction'> = account) =>
    from.signTransaction({
      type: 'eip1559',
      chainId: 900,
      nonce,
      to,
      gas: 21_000n,
      value: 1n,
      maxFeePerGas: gwei * 1_000_000_000n,
      maxPriorityFeePerGas: gwei * 1_000_000_000n,
    })

  it('names every way in which a node refuses a transaction, and finds receipts and nonces', async () => {
    const raw = await sign(0, 10n)
    expect(await sender.send(raw)).toMatchObject({ outcome: 'accepted' })
    expect(await sender.send(raw)).toMatchObject({ outcome: 'known' })
    expect(await sender.send(await sign(0, 9n))).toMatchObject({ outcome: 'underpriced' })
    const replacement = await sign(0, 11n)
    expect(await sender.send(replacement)).toMatchObject({ outcome: 'accepted' })
    expect(await sender.nextNonce(account.address)).toBe(0n)
    await mine()
    expect(await sender.send(raw)).toMatchObject({ outcome: 'nonceTooLow' })
    expect(await sender.send(await sign(0, 10n, poor))).toMatchObject({ outcome: 'insufficientFunds' })
    expect(await sender.nextNonce(account.address)).toBe(1n)
    expect(await sender.receipt(keccak256(raw))).toBeUndefined()
    expect(await sender.receipt(keccak256(replacement))).toMatchObject({ status: 'success', blockNumber: 1n })
  })

  it('reads heads and prices, and estimates gas', async () => {
    const { latest, finalized } = await sender.heads()
    expect(finalized).toBeLessThanOrEqual(latest)
    expect((await sender.gasPrices()).baseFee > 0n).toBe(true)
    expect(await sender.estimateGas({ from: account.address, to, data: '0x00ff' })).toBeGreaterThan(21_000n)
  })

  it('says which proofs an L1 wants, by its fork', async () => {
    expect(await sender.blobProofKind()).toBe('cells')
    const prague = await startAnvil({
      name: 'prague',
      chainId: 901,
      port: 0,
      logDirectory: directory,
      hardfork: 'prague',
    })
    expect(await senderTo(prague.url, 901n).blobProofKind()).toBe('blob')
    await prague.stop()
  })

  it('reads the blob base fee in either way that nodes have, and knows when there is none', async () => {
    const block = { number: '0x7', baseFeePerGas: '0x5', transactions: [] }
    const answers: [blobBaseFee: unknown, feeHistory: unknown, expected: bigint | undefined][] = [
      [{ result: '0x9' }, { result: {} }, 9n],
      [
        { error: { code: -32601, message: 'method not found' } },
        { result: { baseFeePerBlobGas: ['0x7', '0x8'] } },
        8n,
      ],
      [{ error: { code: -32601, message: 'method not found' } }, { result: {} }, undefined],
      [{ result: '0x0' }, { result: {} }, undefined],
    ]
    for (const [blobBaseFee, feeHistory, expected] of answers) {
      const server = await startNode(async (id, method) => {
        const results: Record<string, unknown> = {
          eth_blobBaseFee: blobBaseFee,
          eth_feeHistory: feeHistory,
          eth_getBlockByNumber: { result: block },
          eth_maxPriorityFeePerGas: { result: '0x1' },
        }
        return Response.json({ jsonrpc: '2.0', id, ...(results[method] as object) })
      })
      expect(await senderTo(server.url).gasPrices()).toEqual({
        baseFee: 5n,
        priorityFee: 1n,
        blobBaseFee: expected,
        calldataFloor: 'EIP-7623',
      })
      await server.close()
    }
  })

  it.each(['internal error', 'context deadline exceeded', 'header not found', 'upstream unavailable'])(
    'takes the error "%s" for a node’s trouble, though viem calls all of its code invalid parameters',
    async (message) => {
      const server = await startNode(async (id) => {
        return Response.json({ jsonrpc: '2.0', id, error: { code: -32000, message } })
      })
      const failing = senderTo(server.url)
      const sent = failing.send(`0x02${'00'.repeat(100_000)}`)
      await expect(sent).rejects.toBeInstanceOf(TemporaryFault)
      await expect(sent).rejects.toThrow(message)
      await server.close()
    },
  )

  it('knows which floor calldata has by the header of the newest block', async () => {
    const floors = [
      [{}, 'EIP-7623'],
      [{ blockAccessListHash: null }, 'EIP-7623'],
      [{ blockAccessListHash: `0x${'1d'.repeat(32)}`, slotNumber: '0x2a' }, 'EIP-7976'],
    ] as const
    for (const [fields, calldataFloor] of floors) {
      const block = { number: '0x7', baseFeePerGas: '0x5', transactions: [], ...fields }
      const server = await startNode(async (id, method) => {
        return Response.json({
          jsonrpc: '2.0',
          id,
          result: method === 'eth_getBlockByNumber' ? block : '0x1',
        })
      })
      const sender = senderTo(server.url)
      expect(await sender.gasPrices()).toMatchObject({ calldataFloor })
      await server.close()
    }
  })

  it('knows of nothing finalized while L1 has finalized nothing, whether it says so with null or an error', async () => {
    const answers = [
      { result: null },
      { error: { code: -32000, message: 'finalized block not found' } },
      { error: { code: -39001, message: 'Unknown block' } },
    ]
    for (const answer of answers) {
      const server = await startNode(async (id, method) => {
        const own = method === 'eth_blockNumber' ? { result: '0x7' } : answer
        return Response.json({ jsonrpc: '2.0', id, ...own })
      })
      expect(await senderTo(server.url).heads()).toEqual({
        latest: 7n,
        finalized: undefined,
      })
      await server.close()
    }
  })

  it('has no receipt of what waits, though some nodes make one, and believes none that does not say how it ended', async () => {
    const hash = `0x${'77'.repeat(32)}` as const
    const receipt = { transactionHash: hash, blockHash: hash, blockNumber: '0x7', status: '0x1', logs: [] }
    let answer: object = receipt
    const server = await startNode(async (id) => {
      return Response.json({ jsonrpc: '2.0', id, result: answer })
    })
    const node = senderTo(server.url)
    expect(await node.receipt(hash)).toMatchObject({ blockNumber: 7n, status: 'success' })
    answer = { ...receipt, blockHash: null, blockNumber: null }
    expect(await node.receipt(hash)).toBeUndefined()
    for (const status of [null, '0x2', 'success']) {
      answer = { ...receipt, status }
      await expect(node.receipt(hash)).rejects.toBeInstanceOf(TemporaryFault)
    }
    await server.close()
  })

  it('learns of a revert from a node whose estimate conceals it, but for blobs, which no call has', async () => {
    const server = await startNode(async (id, method) => {
      const answer =
        method === 'eth_call' ? { error: { code: 3, message: 'revert', data: '0x' } } : { result: '0x7530' }
      return Response.json({ jsonrpc: '2.0', id, ...answer })
    })
    const node = senderTo(server.url)
    const call = { from: account.address, to, data: '0x' } as const
    await expect(node.estimateGas(call)).rejects.toBeInstanceOf(TransactionRevertedError)
    expect(await node.estimateGas({ ...call, blobVersionedHashes: [`0x01${'00'.repeat(31)}`] })).toBe(30_000n)
    await server.close()
  })

  it("names the contract's reason for a revert, and takes a proxy's word for none", async () => {
    const data = encodeErrorResult({
      abi: outputOracleAbi,
      errorName: 'WrongBlockNumber',
      args: [1_800n, 3_600n],
    })
    let answer: (id: number) => Response = (id) =>
      Response.json({ jsonrpc: '2.0', id, error: { code: 3, message: 'execution reverted', data } })
    const server = await startNode(async (id) => answer(id))
    const node = senderTo(server.url)
    const call = { from: account.address, to, data: '0x' } as const
    await expect(node.estimateGas(call)).rejects.toThrow('WrongBlockNumber(1800, 3600)')
    const message = 'the upstream reverted: invalid host'
    for (const error of [message, { message }, { code: 502, message }]) {
      answer = () => Response.json({ error }, { status: 502 })
      await expect(node.estimateGas(call)).rejects.toBeInstanceOf(TemporaryFault)
      await expect(node.send('0x02')).rejects.toBeInstanceOf(TemporaryFault)
    }
    answer = () => new Response(message, { status: 502 })
    await expect(node.estimateGas(call)).rejects.toBeInstanceOf(TemporaryFault)
    await expect(node.send('0x02')).rejects.toBeInstanceOf(TemporaryFault)
    // Some nodes give their errors an HTTP status, or no id.
    const error = { code: -32000, message: 'already known' }
    for (const [body, status] of [
      [{ id: 1, error }, 400],
      [{ id: null, result: null, error }, 200],
    ] as const) {
      answer = () => Response.json({ jsonrpc: '2.0', ...body }, { status })
      expect(await node.send('0x02')).toMatchObject({ outcome: 'known' })
    }
    answer = (id) => Response.json({ jsonrpc: '2.0', id: `${id}`, result: '0x7' })
    expect(await node.nextNonce(account.address)).toBe(7n)
    await server.close()
  })

  it('tells a call that reverts from a node that does not answer', async () => {
    const test = createTestClient({ mode: 'anvil', transport: http(anvil.url) })
    const reverting: Address = `0x${'cd'.repeat(20)}`
    await test.setCode({ address: reverting, bytecode: '0x5f5ffd' })
    await expect(
      sender.estimateGas({ from: account.address, to: reverting, data: '0x' }),
    ).rejects.toBeInstanceOf(TransactionRevertedError)
    const nobody = senderTo('http://127.0.0.1:9')
    await expect(nobody.nextNonce(account.address)).rejects.toBeInstanceOf(TemporaryFault)
  })
})

describe('classifyRefusal', () => {
  it.each([
    ['already known', 'known'],
    ['ALREADY_EXISTS: already known', 'known'],
    ['AlreadyKnown', 'known'],
    ['nonce too low: next nonce 5, tx nonce 3', 'nonceTooLow'],
    ['OldNonce', 'nonceTooLow'],
    ['replacement transaction underpriced', 'underpriced'],
    ['transaction underpriced: gas tip cap 1, minimum needed 2', 'underpriced'],
    ['FeeTooLow, MaxFeePerGas too low', 'underpriced'],
    ['insufficient funds for gas * price + value: balance 0', 'insufficientFunds'],
    ['oversized data: transaction size 131100, limit 131072', 'refused'],
    ['intrinsic gas too low', 'refused'],
    ['address already reserved', 'otherKindPending'],
    ['transaction type 3 conflicts with existing transaction for 0x00', 'otherKindPending'],
    ['pending transaction type conflict', 'otherKindPending'],
    ['PendingTxsOfConflictingType', 'otherKindPending'],
    ['unexpected sidecar version, want: 1, got: 0', 'wrongProofs'],
    ['unexpected eip-4844 sidecar after osaka', 'wrongProofs'],
    ['unexpected eip-7594 sidecar before osaka', 'wrongProofs'],
    ['InvalidTxProofVersion: Version of network wrapper is not supported.', 'wrongProofs'],
    ['invalid number of 1 blob proofs expected 128', 'wrongProofs'],
    ['nonce too high: tx nonce 7, gapped nonce 5', 'nonceGap'],
    ['max fee per blob gas less than block blob gas fee', 'underpriced'],
    ['replacement transaction underpriced: new tx blob gas fee cap 1 < 2 queued', 'underpriced'],
    ['blob transaction lacks a sidecar', 'refused'],
    ['INTERNAL_ERROR: could not replace existing tx', 'underpriced'],
    ['ReplacementNotAllowed', 'underpriced'],
    ['Gas price below configured minimum gas price', 'underpriced'],
    ['Gas price below current base fee', 'underpriced'],
    ['Upfront cost exceeds account balance', 'insufficientFunds'],
    ['tx fee (1.16 ether) exceeds the configured cap (1.00 ether)', 'refused'],
    ['Transaction fee cap exceeded', 'refused'],
    ['0xab: this transaction is already in the TxPool', 'known'],
    ['0xab tries to send a tx with nonce 1, but account has nonce 2 (tx nonce too low)', 'nonceTooLow'],
    ['replacement gas too low, got tip 1, min: 2, got fee 3, min: 3', 'underpriced'],
    ['replacement blob gas too low, got: 1, min: 2', 'underpriced'],
    ['Tx cannot pay basefee of 9, have 1 (not within 50% range of current basefee)', 'underpriced'],
    ['0xab does not have enough balance to cover transaction costs, need 2, but have 1', 'insufficientFunds'],
    ['Tx is too large (131073 bytes) and exceeds the max data size of 131072 bytes', 'refused'],
  ])('sorts "%s" as %s', (message, outcome) => {
    expect(classifyRefusal(message)).toBe(outcome)
  })

  it('leaves what is not about the transaction to be tried again', () => {
    expect(classifyRefusal('ECONNREFUSED')).toBeUndefined()
    expect(classifyRefusal('Request exceeds defined limit. daily request count exceeded')).toBeUndefined()
    expect(classifyRefusal('HTTP request failed. rate limit exceeded')).toBeUndefined()
  })
})
