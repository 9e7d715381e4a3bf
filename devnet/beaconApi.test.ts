import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ssz } from '@lodestar/types'
import {
  bytesToHex,
  createPublicClient,
  createTestClient,
  createWalletClient,
  type Hex,
  http,
  parseGwei,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createL1Client } from '../node/index.ts'
import { devnetAccounts } from './accounts.ts'
import { type Anvil, startAnvil } from './anvil.ts'
import { createBeaconChain, type FollowingBeaconChain } from './BeaconChain.ts'
import { type BeaconApi, serveBeaconApi } from './beaconApi.ts'

let directory: string
let l1: Anvil
let chain: FollowingBeaconChain
let api: BeaconApi
let blobBlock: bigint
let versionedHashes: readonly Hex[]

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'keyroll-beacon-'))
  const options = { name: 'l1', chainId: 900, port: 0, logDirectory: directory, slotsInAnEpoch: 1 }
  l1 = await startAnvil({ ...options, genesisTime: 1_800_000_000n })
  const client = createPublicClient({ transport: http(l1.url), cacheTime: 0 })
  const genesis = await client.getBlock()

  await createTestClient({ mode: 'anvil', transport: http(l1.url) }).mine({ blocks: 2, interval: 2 })
  const hash = await sendBlobTransaction()
  await createTestClient({ mode: 'anvil', transport: http(l1.url) }).mine({ blocks: 1 })
  const receipt = await client.getTransactionReceipt({ hash })
  blobBlock = receipt.blockNumber
  versionedHashes = (await client.getTransaction({ hash })).blobVersionedHashes ?? []
  await createTestClient({ mode: 'anvil', transport: http(l1.url) }).mine({ blocks: 2, interval: 2 })

  chain = await createBeaconChain(l1.url, genesis)
  const head = await client.getBlockNumber()
  for (let blockNumber = 1n; blockNumber <= head; blockNumber++) {
    await chain.append(await client.getBlock({ blockNumber }))
  }
  api = await serveBeaconApi({ chain, port: 0 })
})

afterAll(async () => {
  await api?.close()
  await l1?.stop()
  rmSync(directory, { recursive: true, force: true })
})

/** The polynomial of a blob of zeros is zero, so its commitment and its proof are the point at infinity. */
const ZERO_BLOB = new Uint8Array(131_072)
const INFINITY = Uint8Array.of(0xc0, ...new Uint8Array(47))

async function sendBlobTransaction(): Promise<Hex> {
  const account = privateKeyToAccount(devnetAccounts().user.privateKey)
  const wallet = createWalletClient({ account, transport: http(l1.url) })
  return wallet.sendTransaction({
    chain: null,
    to: account.address,
    blobs: [ZERO_BLOB],
    maxFeePerBlobGas: parseGwei('30'),
    kzg: { blobToKzgCommitment: () => INFINITY, computeBlobKzgProof: () => INFINITY },
  })
}

async function get(path: string, accept = 'application/json') {
  const answer = await fetch(`${api.url}${path}`, { headers: { accept } })
  return { status: answer.status, headers: answer.headers, body: answer }
}

type Answer<Data> = { finalized: boolean; data: Data }

async function getJson<Data = HeaderJson>(path: string): Promise<Answer<Data>> {
  const answer = await (await get(path)).body.json()
  return answer as Answer<Data>
}

type HeaderJson = { root: Hex; header: { message: { slot: string } } }

describe('beacon API', () => {
  it('tells genesis and the length of a slot', async () => {
    expect((await getJson<Record<string, string>>('/eth/v1/beacon/genesis')).data.genesis_time).toBe(
      '1800000000',
    )
    expect((await getJson<Record<string, string>>('/eth/v1/config/spec')).data.SECONDS_PER_SLOT).toBe('1')
    expect((await getJson<Record<string, string>>('/eth/v1/node/version')).data.version).toBe(
      'keyroll-devnet',
    )
  })

  it('names one block by root, slot, head and genesis', async () => {
    const head = await getJson('/eth/v1/beacon/headers/head')
    const { root, header } = head.data
    expect(root).toBe(chain.head().root)
    expect((await getJson(`/eth/v1/beacon/headers/${root}`)).data).toEqual(head.data)
    expect((await getJson(`/eth/v1/beacon/headers/${header.message.slot}`)).data).toEqual(head.data)
    expect((await getJson('/eth/v1/beacon/headers/genesis')).data.header.message.slot).toBe('0')
  })

  it('serves headers whose root is the block root', async () => {
    const { data } = await getJson('/eth/v1/beacon/headers/head')
    const header = ssz.phase0.BeaconBlockHeader.fromJson(data.header.message)
    expect(bytesToHex(ssz.phase0.BeaconBlockHeader.hashTreeRoot(header))).toBe(data.root)
  })

  it('says which blocks are finalized, as L1 does', async () => {
    expect((await getJson('/eth/v1/beacon/headers/head')).finalized).toBe(false)
    const finalized = await getJson('/eth/v1/beacon/headers/finalized')
    expect(finalized.finalized).toBe(true)
    expect(finalized.data.root).not.toBe(chain.head().root)
  })

  it('names as justified and final what L1 calls finalized', async () => {
    type Checkpoints = Record<'current_justified' | 'finalized', { root: Hex }>
    const { data } = await getJson<Checkpoints>('/eth/v1/beacon/states/head/finality_checkpoints')
    const finalized = await getJson('/eth/v1/beacon/headers/finalized')
    expect(data.current_justified.root).toBe(finalized.data.root)
    expect(data.finalized.root).toBe(finalized.data.root)
  })

  it('tells an L1 client that trusts it which blocks there are', async () => {
    const client = createL1Client({ urls: [l1.url], beaconUrls: [api.url], trust: 'beacon' })
    await client.assertChainId(900n)
    await expect(client.assertChainId(1n)).rejects.toThrow(/expected 1/)
    expect((await client.header('latest'))?.hash).toBe(chain.head().l1.hash)
    const finalized = await getJson('/eth/v1/beacon/headers/finalized')
    for (const tag of ['safe', 'finalized'] as const) {
      expect((await client.header(tag))?.hash).toBe(chain.byRoot(finalized.data.root)?.l1.hash)
    }
    expect((await client.header(blobBlock))?.hash).toBe(chain.byL1Number(blobBlock)?.l1.hash)
    await client.close()
  })

  it('serves the same block as JSON and as SSZ, and names the fork', async () => {
    const json = await get('/eth/v2/beacon/blocks/head')
    const octets = await get(
      '/eth/v2/beacon/blocks/head',
      'application/octet-stream;q=1.0,application/json;q=0.9',
    )
    expect(json.headers.get('eth-consensus-version')).toBe('fulu')
    expect(octets.headers.get('eth-consensus-version')).toBe('fulu')
    expect(octets.headers.get('content-type')).toContain('application/octet-stream')
    const { data } = (await json.body.json()) as Answer<unknown>
    const fromJson = ssz.fulu.SignedBeaconBlock.fromJson(data)
    const fromSsz = ssz.fulu.SignedBeaconBlock.deserialize(new Uint8Array(await octets.body.arrayBuffer()))
    expect(ssz.fulu.SignedBeaconBlock.equals(fromJson, fromSsz)).toBe(true)
    expect(bytesToHex(ssz.fulu.BeaconBlock.hashTreeRoot(fromSsz.message))).toBe(chain.head().root)
  })

  it('holds the commitments of the blobs of a block, and its transactions without them', async () => {
    const block = chain.byL1Number(blobBlock)
    expect(block?.message.body.blobKzgCommitments).toHaveLength(1)
    expect(block?.message.body.executionPayload.transactions[0]?.length).toBeLessThan(300)
  })

  it('serves blobs by slot and by versioned hash', async () => {
    const slot = chain.byL1Number(blobBlock)?.message.slot
    const all = (await getJson<string[]>(`/eth/v1/beacon/blobs/${slot}`)).data
    expect(all).toEqual([bytesToHex(ZERO_BLOB)])
    const named = await getJson<string[]>(
      `/eth/v1/beacon/blobs/${slot}?versioned_hashes=${versionedHashes[0]}`,
    )
    expect(named.data).toEqual(all)
    const other = await getJson<string[]>(
      `/eth/v1/beacon/blobs/${slot}?versioned_hashes=0x${'01'.repeat(32)}`,
    )
    expect(other.data).toEqual([])
    const octets = await get(
      `/eth/v1/beacon/blobs/${slot}`,
      'application/octet-stream,application/json;q=0.9',
    )
    expect(octets.headers.get('content-type')).toContain('application/octet-stream')
    expect(octets.headers.get('eth-consensus-version')).toBe('fulu')
    expect(bytesToHex(new Uint8Array(await octets.body.arrayBuffer()))).toBe(bytesToHex(ZERO_BLOB))
  })

  it.each([
    ['a missed slot', '/eth/v1/beacon/headers/1', 404],
    ['an unknown root', `/eth/v2/beacon/blocks/0x${'ab'.repeat(32)}`, 404],
    ['an id that is none', '/eth/v2/beacon/blocks/latest', 400],
    ['a short root', '/eth/v1/beacon/blobs/0xabcd', 400],
    ['an unknown route', '/eth/v1/beacon/pool/attestations', 404],
  ])('refuses %s in the words of the beacon API', async (_, path, code) => {
    const { status, body } = await get(path)
    expect(status).toBe(code)
    expect(await body.json()).toEqual({ code, message: expect.any(String) })
  })
})
