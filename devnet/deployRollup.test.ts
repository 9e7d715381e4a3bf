import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTestClient, createWalletClient, custom, http, publicActions } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DeployingClient } from '../contracts/index.ts'
import { devnetAccounts } from './accounts.ts'
import { type Anvil, startAnvil } from './anvil.ts'
import { deployRollup, drawChainId, OriginLostError, type RollupParameters } from './deployRollup.ts'

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

test('no rollup begins at a block that L1 took back meanwhile', async () => {
  let isReorganised = false
  const request = async ({ method, params }: { method: string; params?: unknown }) => {
    const answer: unknown = await l1.request({ method, params } as never)
    if (method !== 'eth_getBlockByNumber' || isReorganised) return answer
    isReorganised = true
    await l1.request({ method: 'anvil_reorg', params: [1, []] } as never)
    return answer
  }
  const transport = custom({ request })
  const moving: DeployingClient = createWalletClient({ account, transport, pollingInterval: 20 })
  await expect(deployRollup(moving, newRollup())).rejects.toThrow(OriginLostError)
})
