import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ssz } from '@lodestar/types'
import { bytesToHex, createPublicClient, createTestClient, type Hex, http, numberToHex, parseAbi } from 'viem'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Anvil, startAnvil } from './anvil.ts'
import { createBeaconChain, type FollowingBeaconChain } from './BeaconChain.ts'
import { BEACON_ROOTS_ADDRESS } from './BeaconRoots.ts'
import { followL1 } from './followL1.ts'
import { keepInStep } from './keepInStep.ts'
import { L1_BLOCK_ADDRESS } from './L1Block.ts'
import { createOpChain } from './OpChain.ts'

const L1_BLOCK_ABI = parseAbi([
  'function hash() view returns (bytes32)',
  'function number() view returns (uint64)',
  'function timestamp() view returns (uint64)',
  'function basefee() view returns (uint256)',
])

const clientOf = (anvil: Anvil) => createPublicClient({ transport: http(anvil.url), cacheTime: 0 })

let directory: string
let l1: Anvil
let l2: Anvil
let beacon: FollowingBeaconChain
let following: Promise<void>
const abort = { current: new AbortController() }

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'keyroll-step-'))
  const options = { port: 0, logDirectory: directory, genesisTime: 1_800_000_000n }
  l1 = await startAnvil({ ...options, name: 'l1', chainId: 900 })
  l2 = await startAnvil({ ...options, name: 'l2', chainId: 901 })
  const from = await clientOf(l1).getBlock()
  beacon = await createBeaconChain(l1.url, from)
  const chain = await createOpChain(l2)
  await chain.stopAutomine()
  abort.current = new AbortController()
  following = followL1({
    l1Url: l1.url,
    from,
    follower: keepInStep({ l1Url: l1.url, beacon, chains: [chain] }),
    signal: abort.current.signal,
  })
})

afterEach(async () => {
  abort.current.abort()
  await following
  await Promise.all([l1.stop(), l2.stop()])
  rmSync(directory, { recursive: true, force: true })
})

const mineL1 = (blocks: number, interval = 2) =>
  createTestClient({ mode: 'anvil', transport: http(l1.url) }).mine({ blocks, interval })

const l2Reaches = (number: bigint) =>
  vi.waitFor(async () => expect(await clientOf(l2).getBlockNumber()).toBe(number), { timeout: 20_000 })

const readL1Block = (functionName: 'hash' | 'number' | 'timestamp' | 'basefee', blockNumber: bigint) =>
  clientOf(l2).readContract({ address: L1_BLOCK_ADDRESS, abi: L1_BLOCK_ABI, functionName, blockNumber })

describe('keepInStep', () => {
  it('gives every L1 block to the OP chain, however many come between two polls', async () => {
    await mineL1(7)
    await l2Reaches(7n)
    for (let number = 1n; number <= 7n; number++) {
      const block = await clientOf(l1).getBlock({ blockNumber: number })
      expect(await readL1Block('hash', number)).toBe(block.hash)
      expect(await readL1Block('number', number)).toBe(number)
      expect(await readL1Block('timestamp', number)).toBe(block.timestamp)
      expect(await readL1Block('basefee', number)).toBe(block.baseFeePerGas)
    }
  })

  it('gives EIP-4788 the root of the beacon block that holds the payload before the origin', async () => {
    await mineL1(3)
    await l2Reaches(3n)
    for (let number = 1n; number <= 3n; number++) {
      const { timestamp } = await clientOf(l2).getBlock({ blockNumber: number })
      const { data: root = '0x' } = await clientOf(l2).call({
        to: BEACON_ROOTS_ADDRESS,
        data: numberToHex(timestamp, { size: 32 }),
      })
      const stored = beacon.byRoot(root)
      const parent = await clientOf(l1).getBlock({ blockNumber: number - 1n })
      expect(stored && bytesToHex(stored.message.body.executionPayload.blockHash)).toBe(parent.hash)
    }
  })

  it('builds beacon blocks that name their parents and survive SSZ', async () => {
    await mineL1(3)
    await l2Reaches(3n)
    for (let number = 1n; number <= 3n; number++) {
      const block = beacon.byL1Number(number)
      if (block?.fork !== 'fulu') expect.unreachable()
      const again = ssz.fulu.BeaconBlock.deserialize(ssz.fulu.BeaconBlock.serialize(block.message))
      expect(bytesToHex(ssz.fulu.BeaconBlock.hashTreeRoot(again))).toBe(block.root)
      expect(bytesToHex(block.message.parentRoot)).toBe(beacon.byL1Number(number - 1n)?.root)
    }
  })

  it('starts each block with the two system calls, before transactions that came earlier', async () => {
    const sender = (await clientOf(l2).request({ method: 'eth_accounts' } as never)) as unknown as Hex[]
    const hash = await clientOf(l2).request({
      method: 'eth_sendTransaction',
      params: [{ from: sender[0], to: sender[1], value: '0x1' }],
    } as never)
    await mineL1(1)
    await l2Reaches(1n)
    const { transactions } = await clientOf(l2).getBlock({ blockNumber: 1n })
    expect(transactions).toHaveLength(3)
    expect(transactions[2]).toBe(hash)
  })

  it('gives L1 blocks of one second a slot and a second each', async () => {
    await mineL1(4, 0)
    await l2Reaches(4n)
    const slots = [1n, 2n, 3n, 4n].map((number) => beacon.byL1Number(number)?.message.slot ?? 0)
    expect(new Set(slots).size).toBe(4)
    const blocks = await Promise.all(
      [1n, 2n, 3n, 4n].map((blockNumber) => clientOf(l2).getBlock({ blockNumber })),
    )
    expect(new Set(blocks.map(({ timestamp }) => timestamp)).size).toBe(4)
  })

  it('follows L1 onto another branch', async () => {
    await mineL1(6)
    await l2Reaches(6n)
    const orphan = await clientOf(l1).getBlock({ blockNumber: 5n })
    await clientOf(l1).request({ method: 'anvil_reorg', params: [3, []] } as never)
    await mineL1(1)
    await l2Reaches(7n)
    for (let number = 1n; number <= 7n; number++) {
      const block = await clientOf(l1).getBlock({ blockNumber: number })
      expect(await readL1Block('hash', number)).toBe(block.hash)
      expect(beacon.byL1Number(number)?.l1.hash).toBe(block.hash)
    }
    expect((await clientOf(l1).getBlock({ blockNumber: 5n })).hash).not.toBe(orphan.hash)
  })
})
