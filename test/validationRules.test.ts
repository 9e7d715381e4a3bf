import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Address,
  concat,
  createWalletClient,
  encodeAbiParameters,
  encodeFunctionData,
  getAddress,
  getContractAddress,
  type Hex,
  http,
  keccak256,
  numberToHex,
  pad,
  parseEther,
  publicActions,
  toBytes,
  zeroAddress,
} from 'viem'
import { entryPoint08Abi, entryPoint08Address } from 'viem/account-abstraction'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  BATCH_MODE,
  CALL_COMPONENTS,
  type ConfigSigner,
  createAuthority,
  createKeystore,
  createNextConfig,
  encodeOwnerSignature,
  getWalletDeployment,
  signSetConfig,
  toWebAuthnSigner,
} from '../client/index.ts'
import {
  DEPLOYMENT_PROXY,
  deployL2,
  keystoreReplicaAbi,
  keystoreWalletAbi,
  keystoreWalletFactoryAbi,
} from '../contracts/index.ts'
import { devnetAccounts } from '../devnet/accounts.ts'
import { type Anvil, startAnvil } from '../devnet/anvil.ts'
import { createAuthenticator } from '../devnet/index.ts'
import type { Config } from '../protocol/index.ts'
import { findViolations, type TraceStep } from './validationTrace.ts'

const ENTRY_POINT_ARTIFACT = 'node_modules/@account-abstraction/contracts/artifacts/EntryPoint.json'
/** With which the EntryPoint v0.8 was deployed to every chain. */
const ENTRY_POINT_SALT = '0x0a59dbff790c23c976a548690c27297883cc66b4c67024f9117b0238995e35e9'
const BEFORE_EXECUTION = keccak256(toBytes('BeforeExecution()'))
const ROLLUP = { l2ChainId: 4_200_001n, minRecoveryDelay: 100, challengePeriod: 100 }

const { deployer } = devnetAccounts()

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keyroll-validation-'))
})
afterAll(() => rm(directory, { recursive: true }))

describe('on a chain with the P-256 precompile', () => {
  let anvil: Anvil
  let client: ReturnType<typeof clientOf>
  let factory: Address
  let replica: Address

  beforeAll(async () => {
    anvil = await startAnvil({
      name: 'validation',
      chainId: 901,
      port: 0,
      logDirectory: directory,
      hardfork: 'osaka',
      tracesSteps: true,
    })
    client = clientOf(anvil)
    const { bytecode } = JSON.parse(await readFile(ENTRY_POINT_ARTIFACT, 'utf8')) as { bytecode: Hex }
    await send(DEPLOYMENT_PROXY, concat([ENTRY_POINT_SALT, bytecode]))
    const contracts = await deployL2(client, {
      l1ChainId: 900n,
      outputOracle: '0x00000000000000000000000000000000000000aa',
      ...ROLLUP,
      schedule: [{ fromSlot: 0n, untilSlot: 1_000_000n, index: 6444n }],
      sourceAdmin: zeroAddress,
      staker: zeroAddress,
    })
    factory = getAddress(contracts.walletFactory)
    replica = getAddress(contracts.keystoreReplica)
  })
  afterAll(() => anvil.stop())

  test('the wallet validates by the rules: deployed, rotated and operated in one operation, then again', async () => {
    const [old, fresh] = [newPasskey(), newPasskey()]
    const { id, initial } = createKeystore({ signers: [old] })
    const next = createNextConfig(initial, { signers: createAuthority({ signers: [fresh] }) })
    const { raw } = await signSetConfig({
      ...{ rollup: ROLLUP, kind: 0, id, current: initial, next },
      ...{ authority: [old], approvers: [old], nextSigners: [fresh] },
    })
    const sender = await client.readContract({
      address: factory,
      abi: keystoreWalletFactoryAbi,
      functionName: 'walletOf',
      args: [id],
    })
    await send(sender, '0x', parseEther('1'))

    const first = await operate(sender, fresh, next, { initCode: initCodeOf(id), head: initial, raw })
    const later = await operate(sender, fresh, next, {})
    for (const hash of [first, later]) {
      const steps = untilExecution(await trace(hash))
      // It was traced at all: the replica was read.
      expect(steps.filter(({ op }) => op === 'SLOAD').length).toBeGreaterThan(2)
      expect(await violationsOf(steps, { root: getAddress(entryPoint08Address), sender, id })).toEqual([])
    }
    const abi = keystoreReplicaAbi
    const read = { address: replica, abi, functionName: 'headNonce', args: [id, sender] } as const
    expect(await client.readContract(read)).toBe(1n)

    // Slots that belong to another keystore's record are not this account's.
    const elsewhere = await violationsOf(untilExecution(await trace(later)), {
      root: getAddress(entryPoint08Address),
      sender,
      id: keccak256(id),
    })
    expect(elsewhere.some((violation) => violation.includes(`of ${replica}`))).toBe(true)
  })

  async function operate(
    sender: Address,
    signer: ConfigSigner,
    current: Config,
    { initCode = '0x', head, raw }: { initCode?: Hex; head?: Config; raw?: Hex },
  ): Promise<Hex> {
    const entryPoint = { address: entryPoint08Address, abi: entryPoint08Abi } as const
    const nonce = await client.readContract({ ...entryPoint, functionName: 'getNonce', args: [sender, 0n] })
    const calls = [{ to: DEPLOYMENT_PROXY, value: 0n, data: '0x' }] as const
    const executionData = encodeAbiParameters([{ type: 'tuple[]', components: CALL_COMPONENTS }], [calls])
    const operation = {
      sender,
      nonce,
      initCode,
      callData: encodeFunctionData({
        abi: keystoreWalletAbi,
        functionName: 'execute',
        args: [BATCH_MODE, executionData],
      }),
      accountGasLimits: concat([numberToHex(3_000_000n, { size: 16 }), numberToHex(500_000n, { size: 16 })]),
      preVerificationGas: 50_000n,
      gasFees: concat([numberToHex(2n, { size: 16 }), numberToHex(2_000_000_000n, { size: 16 })]),
      paymasterAndData: '0x',
      signature: '0x' as Hex,
    } as const
    const digest = await client.readContract({
      ...entryPoint,
      functionName: 'getUserOpHash',
      args: [operation],
    })
    const { scheme, key } = signer
    // A passkey signs the digest alone; what it stands for is for signers that show it.
    const typedData = { domain: {}, types: {}, primaryType: 'EIP712Domain', message: {} } as const
    const approvals = [{ scheme, key, proof: [], signature: await signer.sign({ digest, typedData }) }]
    const preconfirm = head && raw ? { preconfirm: { head, raw } } : {}
    const signature = encodeOwnerSignature({ current, approvals, ...preconfirm })
    const data = encodeFunctionData({
      abi: entryPoint08Abi,
      functionName: 'handleOps',
      args: [[{ ...operation, signature }], deployer.address],
    })
    return send(entryPoint08Address, data)
  }

  async function send(to: Address, data: Hex, value = 0n): Promise<Hex> {
    const hash = await client.sendTransaction({ chain: null, to, data, value, gas: 12_000_000n })
    const { status } = await client.waitForTransactionReceipt({ hash })
    expect(status).toBe('success')
    return hash
  }

  async function trace(hash: Hex): Promise<TraceStep[]> {
    // Not by viem, which refuses answers as large as this.
    const params = [hash, { disableStorage: true, disableMemory: true }]
    const response = await fetch(anvil.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'debug_traceTransaction', params }),
    })
    const { structLogs } = ((await response.json()) as { result: { structLogs: TraceStep[] } }).result
    return structLogs
  }

  async function violationsOf(
    steps: readonly TraceStep[],
    { root, sender, id }: { root: Address; sender: Address; id: Hex },
  ): Promise<string[]> {
    const touched = new Set<Address>()
    const collect = (address: Address) => touched.add(address) && true
    const entryPoint = getAddress(entryPoint08Address)
    const rules = {
      ...{ root, sender: getAddress(sender), factory, associated: associatedSlots(id, sender) },
      exempt: [entryPoint, getAddress(getContractAddress({ from: entryPoint, nonce: 1n }))],
    }
    findViolations(steps, { ...rules, hasCode: collect })
    const withCode = new Set<Address>()
    for (const address of touched) {
      const isPrecompile = BigInt(address) <= 0x11n || BigInt(address) === 0x100n
      if (isPrecompile || (await client.getCode({ address }))) withCode.add(address)
    }
    return findViolations(steps, { ...rules, hasCode: (address) => withCode.has(address) })
  }

  function initCodeOf(id: Hex): Hex {
    return concat([factory, getWalletDeployment(factory, id).factoryData])
  }
})

/** `keccak256(account ‖ x)` for every `x` that the replica's mappings of `id` can give. */
function associatedSlots(id: Hex, account: Address): ReadonlySet<Hex> {
  const hash = (key: Hex, base: Hex) => keccak256(concat([pad(key), base]))
  const slots = new Set<Hex>()
  for (let position = 0n; position < 16n; position++) {
    const ofId = hash(id, numberToHex(position, { size: 32 }))
    slots.add(hash(account, ofId))
    for (let nonce = 0n; nonce < 4n; nonce++) slots.add(hash(account, hash(numberToHex(nonce), ofId)))
  }
  return slots
}

/** The steps before the EntryPoint says that validation is over. */
function untilExecution(steps: readonly TraceStep[]): readonly TraceStep[] {
  const end = steps.findIndex(({ op, depth, stack }) => {
    return op === 'LOG1' && depth === 1 && stack.at(-3) === BEFORE_EXECUTION
  })
  expect(end).toBeGreaterThan(0)
  return steps.slice(0, end)
}

function newPasskey(): ConfigSigner {
  return toWebAuthnSigner(createAuthenticator('https://wallet.example'))
}

function clientOf({ url }: Anvil) {
  const account = privateKeyToAccount(deployer.privateKey)
  return createWalletClient({ account, transport: http(url), pollingInterval: 50 }).extend(publicActions)
}
