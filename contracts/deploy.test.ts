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
  numberToHex,
  parseTransaction,
  zeroAddress,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { getCode, getTransactionCount, readContract, sendTransaction } from 'viem/actions'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { devnetAccounts } from '../devnet/accounts.ts'
import { type Anvil, startAnvil } from '../devnet/anvil.ts'
import {
  CodeDiffersError,
  DEPLOYMENT_PROXY,
  type DeployingClient,
  DeploymentFailedError,
  DeploymentProxyAbsentError,
  deployL1,
  deployL2,
  FeeCeilingError,
  keystoreReplicaAbi,
  keystoreValidatorAbi,
  keystoreWalletFactoryAbi,
  type L1Parameters,
  type L2Parameters,
  outputOracleAbi,
  predictL1,
  predictL2,
  systemConfigAbi,
} from './index.ts'

const accounts = devnetAccounts()

const l1Parameters: L1Parameters = {
  l1ChainId: 31_337n,
  owner: accounts.deployer.address,
  batcher: accounts.batcher.address,
  promiseSigner: accounts.promiseSigner.address,
  proposer: accounts.proposer.address,
  challenger: accounts.challenger.address,
  l2ChainId: 4_200_001n,
  rotationDelay: 100n,
  submissionInterval: 10n,
  l2BlockTime: 1n,
  startingTimestamp: 1_700_000_000n,
  challengePeriod: 100n,
  permissionlessDelay: 259_200n,
}

const l2Parameters: L2Parameters = {
  l1ChainId: 31_337n,
  outputOracle: predictL1(l1Parameters).outputOracle,
  l2ChainId: 4_200_001n,
  challengePeriod: 100,
  minRecoveryDelay: 10,
  schedule: [{ fromSlot: 0n, untilSlot: 1_000_000n, index: 6444n }],
  sourceAdmin: zeroAddress,
  staker: zeroAddress,
}

let logDirectory: string
let anvil: Anvil
let client: DeployingClient

function newClient(url: string): DeployingClient {
  const account = privateKeyToAccount(accounts.deployer.privateKey)
  return createWalletClient({ account, transport: http(url), pollingInterval: 50 })
}

beforeAll(async () => {
  logDirectory = await mkdtemp(join(tmpdir(), 'keyroll-deploy-'))
  anvil = await startAnvil({ name: 'deploy', chainId: 31_337, port: 0, logDirectory })
  client = newClient(anvil.url)
})

afterAll(async () => {
  await anvil.stop()
  await rm(logDirectory, { recursive: true })
})

test('the L1 contracts stand where predicted and know each other', async () => {
  const deployed = await deployL1(client, l1Parameters)
  expect(deployed).toEqual(predictL1(l1Parameters))
  const read = (functionName: 'systemConfig' | 'batchInbox' | 'keystorePortal' | 'challenger') =>
    readContract(client, { address: deployed.outputOracle, abi: outputOracleAbi, functionName })
  expect((await read('systemConfig')).toLowerCase()).toBe(deployed.systemConfig)
  expect((await read('batchInbox')).toLowerCase()).toBe(deployed.batchInbox)
  expect((await read('keystorePortal')).toLowerCase()).toBe(deployed.keystorePortal)
  expect(await read('challenger')).toBe(accounts.challenger.address)
  const chainId = await readContract(client, {
    address: deployed.systemConfig,
    abi: systemConfigAbi,
    functionName: 'l2ChainId',
  })
  expect(chainId).toBe(l1Parameters.l2ChainId)
})

test('the L2 contracts stand where predicted and know each other', async () => {
  const deployed = await deployL2(client, l2Parameters)
  expect(deployed).toEqual(predictL2(l2Parameters))
  const { keystoreReplica: address, walletFactory, keystoreValidator } = deployed
  const { l1BlockSource, beaconRootsSource, blockHashSource, parentL1BlockSource } = deployed
  for (const source of [l1BlockSource, beaconRootsSource, blockHashSource, parentL1BlockSource]) {
    const args = [source] as const
    const functionName = 'isBuiltIn'
    expect(await readContract(client, { address, abi: keystoreReplicaAbi, functionName, args })).toBe(true)
  }
  const read = { functionName: 'replica' } as const
  const ofFactory = { ...read, address: walletFactory, abi: keystoreWalletFactoryAbi }
  expect((await readContract(client, ofFactory)).toLowerCase()).toBe(address)
  const ofValidator = { ...read, address: keystoreValidator, abi: keystoreValidatorAbi }
  expect((await readContract(client, ofValidator)).toLowerCase()).toBe(address)
})

test('deploying again sends nothing', async () => {
  await deployL1(client, l1Parameters)
  const { address } = client.account
  const before = await getTransactionCount(client, { address })
  await expect(deployL1(client, l1Parameters)).resolves.toEqual(predictL1(l1Parameters))
  expect(await getTransactionCount(client, { address })).toBe(before)
})

test('deploys by the estimates of a node that leaves out what a creation holds back', async () => {
  const parameters = { ...l1Parameters, l2ChainId: 5n }
  const request = async ({ method, params }: { method: string; params?: readonly unknown[] }) => {
    const answer: unknown = await client.request({ method, params } as never)
    if (method !== 'eth_estimateGas') return answer
    // One with fees is refused by some nodes.
    expect(params?.[0]).not.toHaveProperty('maxFeePerGas')
    return numberToHex((BigInt(String(answer)) * 63n) / 64n)
  }
  const { account } = client
  const transport = custom({ request })
  const scant: DeployingClient = createWalletClient({ account, transport, pollingInterval: 50 })
  expect(await deployL1(scant, parameters)).toEqual(predictL1(parameters))
})

/** A client of ours whose node does something before it answers a method for the first time. */
function interrupted(
  before: string,
  interrupt: (params: readonly unknown[]) => Promise<unknown>,
): DeployingClient {
  let isInterrupted = false
  const request = async ({ method, params }: { method: string; params?: readonly unknown[] }) => {
    if (method === before && !isInterrupted) {
      isInterrupted = true
      await interrupt(params ?? [])
    }
    return client.request({ method, params } as never)
  }
  const { account } = client
  return createWalletClient({ account, transport: custom({ request }), pollingInterval: 50 })
}

const rivalKey = accounts.user.privateKey

test('it does not matter that somebody else creates a contract before our transaction does', async () => {
  const parameters = { ...l1Parameters, l2ChainId: 6n }
  const rival = createWalletClient({
    account: privateKeyToAccount(rivalKey),
    transport: http(anvil.url),
    pollingInterval: 50,
  })
  const ours = interrupted('eth_sendRawTransaction', async ([serialized]) => {
    const { to, data, gas } = parseTransaction(serialized as Hex)
    if (!to || !data || !gas) expect.unreachable()
    await sendTransaction(rival, { chain: null, to, data, gas })
  })
  expect(await deployL1(ours, parameters)).toEqual(predictL1(parameters))
})

test('nor that it stands already when ours is estimated', async () => {
  const parameters = { ...l1Parameters, l2ChainId: 7n }
  const rival: DeployingClient = createWalletClient({
    account: privateKeyToAccount(rivalKey),
    transport: http(anvil.url),
    pollingInterval: 50,
  })
  const ours = interrupted('eth_estimateGas', () => deployL1(rival, parameters))
  const before = await getTransactionCount(client, client.account)
  expect(await deployL1(ours, parameters)).toEqual(predictL1(parameters))
  expect(await getTransactionCount(client, client.account)).toBe(before)
})

test('a node that has the receipt but not the code yet is asked again', async () => {
  const parameters = { ...l1Parameters, l2ChainId: 8n }
  let lags = 0
  const request = async ({ method, params }: { method: string; params?: readonly unknown[] }) => {
    const answer: unknown = await client.request({ method, params } as never)
    if (method === 'eth_getTransactionReceipt' && answer !== null) lags = 2
    return method === 'eth_getCode' && lags-- > 0 ? '0x' : answer
  }
  const { account } = client
  const behind: DeployingClient = createWalletClient({
    account,
    transport: custom({ request }),
    pollingInterval: 50,
  })
  expect(await deployL1(behind, parameters)).toEqual(predictL1(parameters))
})

/** A client of ours whose node answers otherwise. */
function whoseNode(answer: (method: string, truth: unknown) => unknown): DeployingClient {
  const request = async ({ method, params }: { method: string; params?: readonly unknown[] }) =>
    answer(method, await client.request({ method, params } as never))
  const transport = custom({ request }, { retryCount: 0 })
  return createWalletClient({ account: client.account, transport, pollingInterval: 50 })
}

test('a node that fails while a transaction waits does not end a deployment', async () => {
  const parameters = { ...l1Parameters, l2ChainId: 10n }
  let isSent = false
  let looks = 0
  const failing = whoseNode((method, truth) => {
    if (method === 'eth_sendRawTransaction') isSent = true
    if (method === 'eth_getCode' && isSent && looks < 3) return '0x'
    if (method !== 'eth_getTransactionReceipt' || ++looks >= 3) return truth
    if (looks === 2) throw new InternalRpcError(new Error('away'))
    return null
  })
  expect(await deployL1(failing, parameters)).toEqual(predictL1(parameters))
})

test('a node that does not count our last transaction yet is asked again for the nonce', async () => {
  const parameters = { ...l1Parameters, l2ChainId: 11n }
  let counts = 0
  const behind = whoseNode((method, truth) => {
    const isBehind = method === 'eth_getTransactionCount' && ++counts > 1 && counts <= 3
    return isBehind ? numberToHex(BigInt(String(truth)) - 1n) : truth
  })
  expect(await deployL1(behind, parameters)).toEqual(predictL1(parameters))
  expect(counts).toBeGreaterThan(5)
})

test.each(['nonce too low: next nonce 9, tx nonce 8', 'already known'])(
  'a transaction whose answer was lost is not paid for twice: %s',
  async (message) => {
    const parameters = { ...l1Parameters, l2ChainId: message === 'already known' ? 14n : 15n }
    let isLost = false
    let looks = 0
    const losing = whoseNode((method, truth) => {
      // What waits is taken by a block a moment later; whose nonce is used is in one.
      if (method === 'eth_getCode' && isLost && message === 'already known' && looks++ === 0) return '0x'
      if (method !== 'eth_sendRawTransaction' || isLost) return truth
      isLost = true
      throw new InternalRpcError(new Error(message))
    })
    const before = await getTransactionCount(client, client.account)
    expect(await deployL1(losing, parameters)).toEqual(predictL1(parameters))
    expect(await getTransactionCount(client, client.account)).toBe(before + 5)
  },
)

test('a transaction that the node knows already, and that waits, is not sent again', async () => {
  const parameters = { ...l1Parameters, l2ChainId: 16n }
  let sends = 0
  const full = whoseNode((method, truth) => {
    if (method === 'eth_getCode' && sends > 0) return '0x'
    if (method !== 'eth_sendRawTransaction') return truth
    sends++
    throw new InternalRpcError(new Error('already known'))
  })
  await expect(deployL1(full, parameters)).rejects.toThrow('the node acknowledged no transaction')
  expect(sends).toBe(1)
})

test('every deployment is signed for the L1 that the oracle names, whatever chain the node names', async () => {
  const parameters = { ...l1Parameters, l2ChainId: 12n }
  const lying = whoseNode((method, truth) => (method === 'eth_chainId' ? '0x1' : truth))
  expect(await deployL1(lying, parameters)).toEqual(predictL1(parameters))
})

test('the node is asked once which chain deployments are signed for', async () => {
  let asked = 0
  const moving = whoseNode((method, truth) => (method === 'eth_chainId' && ++asked > 1 ? '0x1' : truth))
  const parameters = { ...l2Parameters, l2ChainId: 12n }
  expect(await deployL2(moving, parameters)).toEqual(predictL2(parameters))
  expect(asked).toBe(1)
})

test('a transaction that is in no block is named, also when the node is away then', async () => {
  const parameters = { ...l1Parameters, l2ChainId: 13n }
  let sent: unknown
  const losing = whoseNode((method, truth) => {
    if (sent !== undefined) throw new InternalRpcError(new Error('away'))
    if (method === 'eth_sendRawTransaction') sent = truth
    return truth
  })
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  let failure: unknown
  deployL1(losing, parameters).catch((error: unknown) => {
    failure = error
  })
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  while (sent === undefined) await turn()
  while (failure === undefined) await vi.advanceTimersByTimeAsync(10_000).then(turn)
  vi.useRealTimers()
  expect(failure).toBeInstanceOf(DeploymentFailedError)
  expect(String(failure)).toContain(`(transaction ${sent})`)
})

test('nothing is sent to a chain that asks for more than the limits', async () => {
  const feeLimits = { maxFeePerGas: 1n, maxPriorityFeePerGas: 1n }
  const before = await getTransactionCount(client, client.account)
  const deployment = deployL1(client, { ...l1Parameters, l2ChainId: 9n }, feeLimits)
  await expect(deployment).rejects.toBeInstanceOf(FeeCeilingError)
  expect(await getTransactionCount(client, client.account)).toBe(before)
})

test('a chain that becomes too expensive ends a deployment with the names of what stands', async () => {
  const parameters = { ...l1Parameters, l2ChainId: 17n }
  let blocks = 0
  const dear = whoseNode((method, truth) => {
    const isDear = method === 'eth_getBlockByNumber' && ++blocks > 2
    return isDear ? { ...(truth as object), baseFeePerGas: numberToHex(501n * 10n ** 9n) } : truth
  })
  const deployment = deployL1(dear, parameters)
  await expect(deployment).rejects.toThrow(FeeCeilingError)
  await expect(deployment).rejects.toThrow('deployed already: SystemConfig, KeystorePortal; this transaction')
  expect(await getCode(client, { address: predictL1(parameters).keystorePortal })).toBeDefined()
})

test('every parameter moves the addresses it concerns', () => {
  const moved = predictL1({ ...l1Parameters, l2ChainId: 2n })
  const original = predictL1(l1Parameters)
  for (const name of ['systemConfig', 'keystorePortal', 'batchInbox', 'outputOracle'] as const) {
    expect(moved[name]).not.toBe(original[name])
  }
  const { outputOracle } = predictL1({ ...l1Parameters, permissionlessDelay: 1n })
  expect(outputOracle).not.toBe(original.outputOracle)
})

test('arguments that a constructor refuses are reported with the name of the contract', async () => {
  const refused = { ...l1Parameters, l2ChainId: 3n, rotationDelay: 99n }
  const deployment = deployL1(client, refused)
  await expect(deployment).rejects.toBeInstanceOf(DeploymentFailedError)
  await expect(deployment).rejects.toThrow(/OutputOracle was not created/)
  const { outputOracle } = predictL1(refused)
  expect(await getCode(client, { address: outputOracle })).toBeUndefined()
})

test('other code at an address is refused', async () => {
  const parameters = { ...l1Parameters, l2ChainId: 4n }
  const address = predictL1(parameters).systemConfig
  await createTestClient({ mode: 'anvil', transport: http(anvil.url) }).setCode({ address, bytecode: '0x00' })
  await expect(deployL1(client, parameters)).rejects.toBeInstanceOf(CodeDiffersError)
})

test('a chain without the deployment proxy is refused', async () => {
  const control = createTestClient({ mode: 'anvil', transport: http(anvil.url) })
  const code = await getCode(client, { address: DEPLOYMENT_PROXY })
  await control.setCode({ address: DEPLOYMENT_PROXY, bytecode: '0x' })
  await expect(deployL1(client, l1Parameters)).rejects.toBeInstanceOf(DeploymentProxyAbsentError)
  await control.setCode({ address: DEPLOYMENT_PROXY, bytecode: code ?? '0x' })
})
