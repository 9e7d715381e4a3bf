import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createTestClient,
  createWalletClient,
  custom,
  type Hex,
  http,
  InternalRpcError,
  publicActions,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type DeployingClient, DeploymentFailedError } from '../contracts/index.ts'
import { parseRollupConfig, RollupConfigError, rollupConfigToJson } from '../protocol/index.ts'
import { devnetAccounts } from './accounts.ts'
import { type Anvil, startAnvil } from './anvil.ts'
import {
  deployPlanned,
  deployRollup,
  drawChainId,
  OriginLostError,
  planRollup,
  type RollupParameters,
} from './deployRollup.ts'

const { deployer, batcher, promiseSigner, proposer, challenger } = devnetAccounts()
const account = privateKeyToAccount(deployer.privateKey)

let directory: string
let anvil: Anvil
let l1: ReturnType<typeof clientOf>

const clientOf = (url: string) =>
  createTestClient({ mode: 'anvil', account, transport: http(url), pollingInterval: 20 }).extend(
    publicActions,
  )

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keyroll-rollup-'))
  const options = { name: 'rollup', chainId: 900, port: 0, logDirectory: directory, slotsInAnEpoch: 2 }
  anvil = await startAnvil(options)
  l1 = clientOf(anvil.url)
  await l1.mine({ blocks: 10 })
})

afterAll(async () => {
  await anvil.stop()
  await rm(directory, { recursive: true })
})

const newRollup = (): RollupParameters => ({
  owner: deployer.address,
  batcher: batcher.address,
  promiseSigner: promiseSigner.address,
  proposer: proposer.address,
  challenger: challenger.address,
  l2ChainId: drawChainId(),
  blockTime: 6n,
  challengePeriod: 1_000,
  minRecoveryDelay: 100,
  submissionInterval: 10n,
  permissionlessDelay: 1_000n,
  maxSequencerDrift: 1_800n,
  seqWindowSize: 3_600n,
  channelTimeout: 50n,
})

test.each(['latest', 'finalized'] as const)('a rollup begins at the %s block of L1', async (origin) => {
  const { number, hash, timestamp } = await l1.getBlock({ blockTag: origin })
  const { rollup } = await deployRollup(l1, newRollup(), { origin })
  expect(rollup.genesis).toMatchObject({ l1: { number, hash }, l2Time: timestamp })
})

test('no rollup begins at a block that L1 took back before anything was sent', async () => {
  const plan = await planRollup(l1, newRollup(), 'latest')
  await l1.request({ method: 'anvil_reorg', params: [1, []] } as never)
  const before = await l1.getTransactionCount(account)
  await expect(deployPlanned(l1, plan)).rejects.toThrow(OriginLostError)
  expect(await l1.getTransactionCount(account)).toBe(before)
})

/** A client of ours whose node answers otherwise once a number of transactions was sent. */
function afterSending(count: number, answer: (method: string, truth: unknown) => unknown): DeployingClient {
  let sent = 0
  const request = async ({ method, params }: { method: string; params?: unknown }) => {
    const truth: unknown = await l1.request({ method, params } as never)
    if (method === 'eth_sendRawTransaction') sent++
    return sent < count ? truth : answer(method, truth)
  }
  const transport = custom({ request }, { retryCount: 0 })
  return createWalletClient({ account, transport, pollingInterval: 20 })
}

test('no rollup begins at a block that L1 took back meanwhile', async () => {
  const { number } = await l1.getBlock()
  const moved = afterSending(5, (method, truth) => {
    const block = truth as { number: Hex } | null
    const isOrigin = method === 'eth_getBlockByNumber' && BigInt(block?.number ?? 0) === number
    return isOrigin ? { ...block, hash: `0x${'07'.repeat(32)}` } : truth
  })
  await expect(deployRollup(moved, newRollup())).rejects.toThrow(OriginLostError)
})

test('a planned rollup goes on where its deployment ended, and is the same', async () => {
  const plan = await planRollup(l1, newRollup(), 'finalized')
  const before = await l1.getTransactionCount(account)
  const failing = afterSending(2, (method, truth) => {
    if (method === 'eth_estimateGas') throw new InternalRpcError(new Error('away'))
    return truth
  })
  await expect(deployPlanned(failing, plan)).rejects.toThrow(DeploymentFailedError)
  await l1.mine({ blocks: 3 })
  const { rollup } = await deployPlanned(l1, plan)
  expect(await l1.getTransactionCount(account)).toBe(before + 5)
  const { timestamp } = await l1.getBlock({ blockHash: plan.origin.hash })
  expect(rollup.genesis).toMatchObject({ l1: plan.origin, l2Time: timestamp })
})

test.each([
  ['l2_chain_id', { l2ChainId: 2n ** 53n + 1n }],
  ['seq_window_size', { seqWindowSize: 1n }],
])('nothing is sent for a rollup whose config no node could read: %s', async (field, changes) => {
  const before = await l1.getTransactionCount(account)
  const deployed = deployRollup(l1, { ...newRollup(), ...changes })
  await expect(deployed).rejects.toThrow(RollupConfigError)
  await expect(deployed).rejects.toThrow(field)
  expect(await l1.getTransactionCount(account)).toBe(before)
})

test('the config is what nodes read from its JSON', async () => {
  const { rollup } = await deployRollup(l1, newRollup())
  expect(parseRollupConfig(rollupConfigToJson(rollup))).toEqual(rollup)
})
