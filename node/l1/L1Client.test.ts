import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Address, createWalletClient, type Hex, http, publicActions } from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Anvil, startAnvil } from '../../devnet/anvil.ts'
import { createLinearKzg } from '../../test/linearKzg.ts'
import { CriticalFault, ResetFault, TemporaryFault } from '../Fault.ts'
import { createL1Client, type L1ClientOptions } from './L1Client.ts'
import type { L1Header } from './L1Header.ts'

type Json = Record<string, unknown>
type Tamper = (method: string, result: unknown) => unknown

// PUSH1 1 (topic), PUSH1 0 (length), PUSH1 0 (offset), LOG1: emits a log whose only topic is 1.
const LOGGER_CODE: Hex = '0x600160006000a1'
const LOGGER: Address = '0x00000000000000000000000000000000000000aa'

let logDirectory: string
let anvil: Anvil
let header: L1Header
let senders: Hex[] = []
const servers: Server[] = []

beforeAll(async () => {
  logDirectory = await mkdtemp(join(tmpdir(), 'keyroll-l1-'))
  anvil = await startAnvil({ name: 'l1', chainId: 31337, port: 0, logDirectory })
  const account = mnemonicToAccount('test test test test test test test test test test test junk')
  const wallet = createWalletClient({ account, transport: http(anvil.url), pollingInterval: 20 }).extend(
    publicActions,
  )
  await rpc(anvil.url, 'anvil_setCode', [LOGGER, LOGGER_CODE])
  await rpc(anvil.url, 'evm_setAutomine', [false])
  const common = { to: LOGGER, chain: null, gas: 100_000n } as const
  const authorization = await wallet.signAuthorization({
    account: mnemonicToAccount('test test test test test test test test test test test junk', {
      addressIndex: 1,
    }),
    contractAddress: LOGGER,
    chainId: 31337,
    nonce: 0,
  })
  senders = [
    await wallet.sendTransaction({ ...common, nonce: 0, type: 'legacy', gasPrice: 2_000_000_000n }),
    await wallet.sendTransaction({
      ...common,
      nonce: 1,
      type: 'eip2930',
      gasPrice: 2_000_000_000n,
      accessList: [{ address: LOGGER, storageKeys: [`0x${'11'.repeat(32)}`] }],
    }),
    await wallet.sendTransaction({
      ...common,
      nonce: 2,
      type: 'eip1559',
      data: '0x00ff',
      maxFeePerGas: 3_000_000_000n,
      maxPriorityFeePerGas: 1n,
    }),
    await wallet.sendTransaction({
      ...common,
      nonce: 3,
      type: 'eip7702',
      authorizationList: [authorization],
      maxFeePerGas: 3_000_000_000n,
      maxPriorityFeePerGas: 1n,
    }),
    await wallet.sendTransaction({
      chain: null,
      nonce: 4,
      type: 'eip1559',
      data: '0x00',
      gas: 100_000n,
      maxFeePerGas: 3_000_000_000n,
      maxPriorityFeePerGas: 1n,
    }),
  ]
  await rpc(anvil.url, 'anvil_mine', ['0x1'])
  await rpc(anvil.url, 'anvil_mine', ['0x3'])
  const found = await clientOf({ urls: [anvil.url] }).header(1n)
  expect(found).toBeDefined()
  header = found as L1Header
})

afterAll(async () => {
  for (const server of servers) server.close()
  await anvil.stop()
  await rm(logDirectory, { recursive: true, force: true })
})

async function rpc(url: string, method: string, params: unknown[]): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  return ((await response.json()) as { result: unknown }).result
}

/** A client that does not wait long before it asks again. */
const clientOf = (options: L1ClientOptions) => createL1Client({ retryPauseMs: 1, ...options })

/** An L1 node that changes what anvil says, or says nothing (undefined). */
async function serveLies(tamper: Tamper, idOf = (id: number) => id): Promise<string> {
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const { id, method, params } = JSON.parse(body) as { id: number; method: string; params: unknown[] }
    const result = tamper(method, await rpc(anvil.url, method, params))
    const error = { code: -32601, message: 'the method does not exist' }
    if (result === undefined) response.writeHead(503).end()
    else if (result === MISSING) response.end(JSON.stringify({ jsonrpc: '2.0', id, error }))
    else if (result instanceof Error) {
      response.end(JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32000, message: result.message } }))
    } else
      response
        .setHeader('content-type', 'application/json')
        .end(JSON.stringify({ jsonrpc: '2.0', id: idOf(id), result }))
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** What a node answers that does not have the method. */
const MISSING = Symbol('missing')
const honest: Tamper = (_method, result) => result
const change =
  (wanted: string, changes: Json): Tamper =>
  (method, result) =>
    method === wanted && result !== null ? { ...(result as Json), ...changes } : result

describe('createL1Client', () => {
  it('reads headers by number, hash and tag, and undefined beyond the head', async () => {
    const l1 = clientOf({ urls: [anvil.url] })
    expect(await l1.chainId()).toBe(31337n)
    expect((await l1.header('latest'))?.number).toBe(4n)
    expect((await l1.header('finalized'))?.number).toBe(0n)
    expect(await l1.headerByHash(header.hash)).toEqual(header)
    expect(await l1.header(1_000n)).toBeUndefined()
    expect(await l1.headerByHash(`0x${'12'.repeat(32)}`)).toBeUndefined()
    expect((await l1.header(2n))?.parentHash).toBe(header.hash)
  })

  it('reads transactions of every type that Ethereum has without blobs, and their receipts', async () => {
    const l1 = clientOf({ urls: [anvil.url] })
    const transactions = await l1.transactions(header)
    expect([...transactions].map(({ hash }) => hash).sort()).toEqual([...senders].sort())
    expect(transactions.map(({ type }) => type).sort()).toEqual([0, 1, 2, 2, 4])
    const receipts = await l1.receipts(header)
    expect(receipts).toHaveLength(5)
    const logs = receipts.flatMap((receipt) => receipt.logs)
    expect(logs.length).toBeGreaterThanOrEqual(4)
    expect(logs.map(({ logIndex }) => logIndex)).toEqual(logs.map((_, i) => i))
    expect(l1.mayHaveLogs(header, [LOGGER])).toBe(true)
    expect(l1.mayHaveLogs(header, ['0x00000000000000000000000000000000000000ab'])).toBe(false)
    const called = transactions.find(({ input }) => input.length === 2)
    expect(called?.to).toBe(LOGGER)
    expect(transactions.filter(({ to }) => to === undefined)).toHaveLength(1)
  })

  it('falls back to single receipts where eth_getBlockReceipts fails', async () => {
    const url = await serveLies((method, result) => (method === 'eth_getBlockReceipts' ? undefined : result))
    const l1 = clientOf({ urls: [url] })
    expect(await l1.receipts(header)).toEqual(await clientOf({ urls: [anvil.url] }).receipts(header))
  })

  it('asks a node only once for a method that it does not have', async () => {
    let asked = 0
    const url = await serveLies((method, result) => {
      if (method !== 'eth_getBlockReceipts') return result
      asked++
      return MISSING
    })
    expect(await clientOf({ urls: [url] }).receipts(header)).toHaveLength(5)
    expect(asked).toBe(1)
  })

  it.each([
    ['a changed timestamp', { timestamp: '0x1' }],
    ['a changed hash', { hash: `0x${'ab'.repeat(32)}` }],
    ['a missing field', { stateRoot: undefined }],
    ['a malformed field', { logsBloom: '0x1234' }],
    ['a quantity that is no quantity', { number: 'one' }],
  ])('refuses a header with %s', async (_name, changes) => {
    const url = await serveLies(change('eth_getBlockByNumber', changes))
    await expect(clientOf({ urls: [url] }).header(1n)).rejects.toBeInstanceOf(TemporaryFault)
  })

  it('refuses a real header that is another than the one asked for', async () => {
    const other = await rpc(anvil.url, 'eth_getBlockByNumber', ['0x2', false])
    const url = await serveLies((method, result) => (method.startsWith('eth_getBlockBy') ? other : result))
    const l1 = clientOf({ urls: [url] })
    await expect(l1.header(1n)).rejects.toBeInstanceOf(TemporaryFault)
    await expect(l1.headerByHash(header.hash)).rejects.toBeInstanceOf(TemporaryFault)
  })

  it('refuses transactions and receipts that do not have the header’s roots', async () => {
    const url = await serveLies((method, result) => {
      if (method === 'eth_getBlockByHash') {
        return {
          ...(result as Json),
          transactions: (result as { transactions: Json[] }).transactions.slice(1),
        }
      }
      if (method === 'eth_getBlockReceipts')
        return (result as Json[]).map((receipt) => ({ ...receipt, status: '0x0' }))
      return result
    })
    const l1 = clientOf({ urls: [url] })
    await expect(l1.transactions(header)).rejects.toBeInstanceOf(TemporaryFault)
    await expect(l1.receipts(header)).rejects.toBeInstanceOf(TemporaryFault)
  })

  it('asks the next node when one fails, lies or lags', async () => {
    const lies = await serveLies(change('eth_getBlockByNumber', { timestamp: '0x1' }))
    const silent = await serveLies(() => undefined)
    const lagging = await serveLies((method, result) => (method === 'eth_chainId' ? result : null))
    const l1 = clientOf({ urls: [silent, lies, lagging, anvil.url] })
    expect(await l1.header(1n)).toEqual(header)
    expect(await l1.receipts(header)).toHaveLength(5)
  })

  it('says that L1 moved when no node has the block any more', async () => {
    const l1 = clientOf({ urls: [anvil.url] })
    const orphan = { ...header, hash: `0x${'cd'.repeat(32)}` as Hex }
    await expect(l1.transactions(orphan)).rejects.toBeInstanceOf(ResetFault)
    await expect(l1.receipts(orphan)).rejects.toBeInstanceOf(ResetFault)
  })

  it('looks at the head again when a reorg took what stood below the one it knew', async () => {
    let isReorged = false
    const known = await clientOf({ urls: [anvil.url] }).header('latest')
    const number = (known?.number ?? 0n) - 2n
    const shorter = await rpc(anvil.url, 'eth_getBlockByNumber', [`0x${number.toString(16)}`, false])
    const url = await serveLies((method, result) => {
      if (!isReorged) return result
      if (method === 'eth_getBlockByHash') return null
      return method === 'eth_getBlockByNumber' ? shorter : result
    })
    const l1 = clientOf({ urls: [url] })
    expect(await l1.header('latest')).toEqual(known)
    isReorged = true
    expect((await l1.header(number))?.number).toBe(number)
  })

  it('takes no answer to another question, which may be true, for the one to its own', async () => {
    const url = await serveLies(honest, (id) => id - 1)
    await expect(clientOf({ urls: [url] }).header('finalized')).rejects.toThrow(/another question/)
    const both = clientOf({ urls: [url, anvil.url] })
    expect((await both.header('finalized'))?.number).toBe(0n)
  })

  it('with a quorum believes no header that too few nodes name', async () => {
    const fork = await rpc(anvil.url, 'eth_getBlockByNumber', ['0x2', false])
    const forked = await serveLies((method, result) => (method === 'eth_getBlockByNumber' ? fork : result))
    const other = await serveLies(honest)
    const two = clientOf({ urls: [forked, anvil.url, other], quorum: 2 })
    expect((await two.header(3n))?.number).toBe(3n)
    expect((await two.header('latest'))?.number).toBe(4n)
    const three = clientOf({ urls: [forked, anvil.url, other], quorum: 3 })
    // All three have reached block 2 only, as far as the liar says.
    expect(await three.header(3n)).toBeUndefined()
    expect(() => clientOf({ urls: [anvil.url], quorum: 2 })).toThrow(CriticalFault)
  })

  it.each(['finalized block not found', 'safe block not found', 'Unknown block'])(
    'has no block at a tag before L1 has one, which nodes call an error: %s',
    async (message) => {
      const urls = [1, 2].map(() =>
        serveLies((method, result) => (method === 'eth_getBlockByNumber' ? new Error(message) : result)),
      )
      const [one, two] = await Promise.all(urls)
      expect(await clientOf({ urls: [one as string] }).header('finalized')).toBeUndefined()
      const both = clientOf({ urls: [one as string, two as string], quorum: 2 })
      expect(await both.header('finalized')).toBeUndefined()
    },
  )

  it('with a quorum takes silence for no answer, and no block for one only from enough nodes', async () => {
    const silent = await serveLies(() => undefined)
    const lagging = await serveLies(() => null)
    const down = clientOf({ urls: [silent, await serveLies(() => undefined)], quorum: 2 })
    await expect(down.header(1n)).rejects.toBeInstanceOf(TemporaryFault)
    await expect(down.header('latest')).rejects.toBeInstanceOf(TemporaryFault)
    const ahead = clientOf({ urls: [anvil.url, lagging, await serveLies(() => null)], quorum: 2 })
    expect(await ahead.header(1n)).toBeUndefined()
  })

  it('waits for no answer once its signal has aborted', async () => {
    const hanging = createServer(() => undefined)
    servers.push(hanging)
    await new Promise<void>((resolve) => hanging.listen(0, '127.0.0.1', resolve))
    const stop = new AbortController()
    const urls = [`http://127.0.0.1:${(hanging.address() as AddressInfo).port}`]
    const asked = clientOf({ urls, signal: stop.signal }).header(1n)
    stop.abort()
    await expect(asked).rejects.toBeInstanceOf(TemporaryFault)
  }, 10_000)

  it('refuses an L1 node of another chain', async () => {
    const l1 = clientOf({ urls: [anvil.url] })
    await expect(l1.assertChainId(31337n)).resolves.toBeUndefined()
    await expect(l1.assertChainId(1n)).rejects.toBeInstanceOf(CriticalFault)
  })

  it('answers nothing but garbage with a temporary fault', async () => {
    for (const garbage of ['x', 7, [], {}, true]) {
      const url = await serveLies(() => garbage)
      const l1 = clientOf({ urls: [url] })
      await expect(l1.header('latest')).rejects.toBeInstanceOf(TemporaryFault)
    }
  })
})

describe('blobs', () => {
  const kzg = createLinearKzg()

  /** The commitment to the zero polynomial is the point at infinity, whose versioned hash is this. */
  const ZERO_BLOB_HASH: Hex = '0x010657f37554c781402a22917dee2f75def7ab966d7b770905398eba3c444014'
  const zeroBlob = `0x${'00'.repeat(131_072)}`
  const notABlob = `0x${'ff'.repeat(131_072)}`

  async function serveBeacon(routes: (path: string) => unknown): Promise<string> {
    const server = createServer((request, response) => {
      const body = routes(request.url ?? '')
      if (body === undefined) response.writeHead(404).end('{}')
      else response.end(JSON.stringify(body))
    })
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  const clock = (path: string, slotTime: bigint) => {
    if (path === '/eth/v1/beacon/genesis') return { data: { genesis_time: String(slotTime - 7n * 2n) } }
    if (path === '/eth/v1/config/spec') return { data: { SECONDS_PER_SLOT: '2' } }
    return undefined
  }

  it('reads blobs by slot from either endpoint, recomputing their commitments', async () => {
    const asked: string[] = []
    const blobsApi = await serveBeacon((path) => {
      asked.push(path)
      return path.startsWith('/eth/v1/beacon/blobs/')
        ? { data: [notABlob, zeroBlob] }
        : clock(path, header.timestamp)
    })
    const sidecarsApi = await serveBeacon((path) =>
      path === '/eth/v1/beacon/blob_sidecars/7'
        ? { data: [{ index: '0', blob: zeroBlob }] }
        : clock(path, header.timestamp),
    )
    for (const beaconUrl of [blobsApi, sidecarsApi]) {
      const l1 = clientOf({ urls: [anvil.url], beaconUrls: [beaconUrl], kzg })
      const blobs = await l1.blobs(header, [ZERO_BLOB_HASH, ZERO_BLOB_HASH])
      expect(blobs.map((blob) => blob.length)).toEqual([131_072, 131_072])
    }
    expect(asked).toContain(`/eth/v1/beacon/blobs/7?versioned_hashes=${ZERO_BLOB_HASH}`)
  })

  it('refuses blobs with another commitment, and answers of any other shape', async () => {
    for (const data of [[notABlob], [], [7], 'x', undefined]) {
      const beaconUrl = await serveBeacon((path) =>
        path.startsWith('/eth/v1/beacon/blobs/') ? { data } : clock(path, header.timestamp),
      )
      const l1 = clientOf({ urls: [anvil.url], beaconUrls: [beaconUrl], kzg })
      await expect(l1.blobs(header, [ZERO_BLOB_HASH])).rejects.toBeInstanceOf(TemporaryFault)
    }
  })

  it('waits for blobs and names the flag that is missing while there is no beacon URL', async () => {
    const l1 = clientOf({ urls: [anvil.url] })
    await expect(l1.blobs(header, [ZERO_BLOB_HASH])).rejects.toMatchObject({
      name: 'TemporaryFault',
      message: expect.stringContaining('--l1-beacon'),
      details: { reason: 'BLOBS_MISSING', missing: [ZERO_BLOB_HASH] },
    })
  })
})
