import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Address,
  type Client,
  concat,
  createWalletClient,
  encodeAbiParameters,
  encodeFunctionData,
  encodePacked,
  getAddress,
  getContractAddress,
  type Hex,
  http,
  keccak256,
  numberToHex,
  pad,
  parseAbi,
  parseEther,
  publicActions,
  toBytes,
  zeroAddress,
  zeroHash,
} from 'viem'
import { entryPoint08Abi, entryPoint08Address } from 'viem/account-abstraction'
import { privateKeyToAccount } from 'viem/accounts'
import { vi } from 'vitest'
import { BATCH_MODE, CALL_COMPONENTS, encodeOwnerSignature, getWalletDeployment } from '../client/index.ts'
import {
  DEPLOYMENT_PROXY,
  deployL2,
  keystoreWalletAbi,
  keystoreWalletFactoryAbi,
  type L2Contracts,
} from '../contracts/index.ts'
import { devnetAccounts } from '../devnet/accounts.ts'
import { startAnvil } from '../devnet/anvil.ts'
import { entryPointCreation } from '../devnet/EntryPoint.ts'
import type { Config } from '../protocol/index.ts'
import { approve, type TestSigner } from './testSigners.ts'
import { findViolations, type TraceStep } from './validationTrace.ts'

/** The rollup whose keystores own the accounts. */
export const VALIDATION_ROLLUP = { l2ChainId: 4_200_001n, minRecoveryDelay: 100, challengePeriod: 100 }

/** An account that a keystore owns: how it is deployed, and how its operations look. */
export type OwnedAccount = {
  address: Address
  factory: Address
  initCode: Hex
  nonceKey: bigint
  /** Makes one call of no consequence. */
  callData: Hex
}

/** A user operation to be: who signs it, and what comes with it. */
export type Operation = {
  account: OwnedAccount
  signer: TestSigner
  current: Config
  preconfirm?: { head: Config; raw: Hex }
}

/** A chain with the EntryPoint, the replica, and accounts that keystores own; it tells what operations did. */
export interface ValidationWorld {
  client: Client
  contracts: L2Contracts
  /** The wallet of a keystore, funded. */
  walletOf(id: Hex): Promise<OwnedAccount>
  /** A Nexus whose validator is the module, for a keystore, funded. */
  modularAccountOf(id: Hex): Promise<OwnedAccount>
  /** Deploys code that is an account to the EntryPoint, with a deposit there. */
  accountWithCode(code: Hex): Promise<OwnedAccount>
  /** Sends an operation, deploying the account when it does not stand, and answers the steps that validated it. */
  operate(operation: Operation): Promise<readonly TraceStep[]>
  /** As {@link operate}, for an account that asks for no signature. */
  operateUnsigned(account: OwnedAccount): Promise<readonly TraceStep[]>
  /** What ERC-7562 forbids of these steps, for an account that keystore `id` owns. */
  violationsOf(steps: readonly TraceStep[], account: OwnedAccount, id: Hex): Promise<string[]>
  stop(): Promise<void>
}

const ENTRY_POINT = getAddress(entryPoint08Address)
const BEFORE_EXECUTION = keccak256(toBytes('BeforeExecution()'))
const NEXUS = 'test/accounts/nexus.json'

const nexusAbi = parseAbi([
  'function initNexusWithSingleValidator(address validator, bytes data, address registry, address[] attesters, uint8 threshold)',
  'function createAccount(bytes initData, bytes32 salt) returns (address)',
  'function computeAccountAddress(bytes initData, bytes32 salt) view returns (address)',
  'function execute(bytes32 mode, bytes executionCalldata)',
])

/** What ERC-7562 takes for precompiles everywhere; 0x100 too where the hardfork has it. */
const CORE_PRECOMPILES = 9n

/** Starts a chain of a hardfork: from Osaka on with the P-256 precompile, before that without. */
export async function startValidationWorld(hardfork: 'prague' | 'osaka'): Promise<ValidationWorld> {
  const logDirectory = await mkdtemp(join(tmpdir(), 'keyroll-validation-'))
  const { deployer } = devnetAccounts()
  const anvil = await startAnvil({
    ...{ name: hardfork, chainId: 901, port: 0, logDirectory, hardfork },
    tracesSteps: true,
  })
  const client = createWalletClient({
    account: privateKeyToAccount(deployer.privateKey),
    transport: http(anvil.url),
    pollingInterval: 50,
  }).extend(publicActions)

  async function send(to: Address, data: Hex, value = 0n): Promise<Hex> {
    const hash = await client.sendTransaction({ chain: null, to, data, value, gas: 16_000_000n })
    // Not by viem's own waiting, which asks again at the next block only: there is none here until the next transaction.
    const receipt = () => client.getTransactionReceipt({ hash })
    const { status } = await vi.waitFor(receipt, { timeout: 60_000, interval: 50 })
    if (status !== 'success') throw new ValidationWorldError(`transaction ${hash} to ${to} reverted`)
    return hash
  }

  async function deployCode(initCode: Hex): Promise<Address> {
    await send(DEPLOYMENT_PROXY, concat([zeroHash, initCode]))
    return getContractAddress({
      ...{ opcode: 'CREATE2', from: DEPLOYMENT_PROXY, salt: zeroHash, bytecode: initCode },
    })
  }

  await send(DEPLOYMENT_PROXY, entryPointCreation())
  const contracts = await deployL2(client, {
    l1ChainId: 900n,
    outputOracle: '0x00000000000000000000000000000000000000aa',
    ...VALIDATION_ROLLUP,
    schedule: [{ fromSlot: 0n, untilSlot: 1_000_000n, index: 6444n }],
    sourceAdmin: zeroAddress,
    staker: zeroAddress,
  })
  const published: { account: Hex; bootstrap: Hex; factory: Hex } = JSON.parse(await readFile(NEXUS, 'utf8'))
  const words = (...addresses: Address[]) => concat(addresses.map((address) => pad(address)))
  const nexus = await deployCode(concat([published.account, words(ENTRY_POINT)]))
  const bootstrap = await deployCode(published.bootstrap)
  const nexusFactory = await deployCode(concat([published.factory, words(nexus, deployer.address)]))

  async function fund(address: Address): Promise<Address> {
    await send(address, '0x', parseEther('1'))
    return address
  }

  async function operateSigned(account: OwnedAccount, sign: (digest: Hex) => Hex) {
    const { address: sender, nonceKey, callData } = account
    const entryPoint = { address: ENTRY_POINT, abi: entryPoint08Abi } as const
    const isDeployed = (await client.getCode({ address: sender })) !== undefined
    const pair = (high: bigint, low: bigint) =>
      concat([numberToHex(high, { size: 16 }), numberToHex(low, { size: 16 })])
    const operation = {
      sender,
      nonce: await client.readContract({
        ...{ ...entryPoint, functionName: 'getNonce', args: [sender, nonceKey] },
      }),
      initCode: isDeployed ? '0x' : account.initCode,
      callData,
      accountGasLimits: pair(8_000_000n, 500_000n),
      preVerificationGas: 50_000n,
      gasFees: pair(2n, 2_000_000_000n),
      paymasterAndData: '0x',
      signature: '0x',
    } as const
    const digest = await client.readContract({
      ...{ ...entryPoint, functionName: 'getUserOpHash', args: [operation] },
    })
    const data = encodeFunctionData({
      abi: entryPoint08Abi,
      functionName: 'handleOps',
      args: [[{ ...operation, signature: sign(digest) }], deployer.address],
    })
    return untilExecution(await trace(await send(ENTRY_POINT, data)))
  }

  async function trace(hash: Hex): Promise<TraceStep[]> {
    // Not by viem, which refuses answers as large as this.
    const params = [hash, { disableStorage: true, disableMemory: true }]
    const response = await fetch(anvil.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'debug_traceTransaction', params }),
    })
    const { result }: { result: { structLogs: TraceStep[] } } = JSON.parse(await response.text())
    return result.structLogs
  }

  return {
    client,
    contracts,
    async walletOf(id) {
      const { walletFactory: factory } = contracts
      const functionName = 'walletOf'
      const read = { address: factory, abi: keystoreWalletFactoryAbi, functionName, args: [id] } as const
      const calls = [{ to: DEPLOYMENT_PROXY, value: 0n, data: '0x' }] as const
      const batch = encodeAbiParameters([{ type: 'tuple[]', components: CALL_COMPONENTS }], [calls])
      return {
        address: await fund(await client.readContract(read)),
        factory,
        initCode: concat([factory, getWalletDeployment(factory, id).factoryData]),
        nonceKey: 0n,
        callData: encodeFunctionData({
          abi: keystoreWalletAbi,
          functionName: 'execute',
          args: [BATCH_MODE, batch],
        }),
      }
    },
    async modularAccountOf(id) {
      const validator = contracts.keystoreValidator
      const installation = encodeFunctionData({
        abi: nexusAbi,
        functionName: 'initNexusWithSingleValidator',
        args: [validator, id, zeroAddress, [], 0],
      })
      const initData = encodeAbiParameters(
        [{ type: 'address' }, { type: 'bytes' }],
        [bootstrap, installation],
      )
      const args = [initData, zeroHash] as const
      const read = { address: nexusFactory, abi: nexusAbi, functionName: 'computeAccountAddress' } as const
      const creation = encodeFunctionData({ abi: nexusAbi, functionName: 'createAccount', args })
      const call = encodePacked(['address', 'uint256', 'bytes'], [DEPLOYMENT_PROXY, 0n, '0x'])
      return {
        address: await fund(await client.readContract({ ...read, args })),
        factory: nexusFactory,
        initCode: concat([nexusFactory, creation]),
        nonceKey: BigInt(validator),
        callData: encodeFunctionData({ abi: nexusAbi, functionName: 'execute', args: [zeroHash, call] }),
      }
    },
    async accountWithCode(code) {
      const address = await deployCode(deploying(code))
      const call = { abi: entryPoint08Abi, functionName: 'depositTo', args: [address] } as const
      await send(ENTRY_POINT, encodeFunctionData(call), parseEther('1'))
      return { address, factory: zeroAddress, initCode: '0x', nonceKey: 0n, callData: '0x' }
    },
    operate: ({ account, signer, current, preconfirm }) =>
      operateSigned(account, (digest) =>
        encodeOwnerSignature({
          current,
          approvals: approve([signer], [signer], digest),
          ...(preconfirm === undefined ? {} : { preconfirm }),
        }),
      ),
    operateUnsigned: (account) => operateSigned(account, () => '0x'),
    async violationsOf(steps, { address, factory }, id) {
      const touched = new Set<Address>()
      const sender = getAddress(address)
      const rules = {
        ...{ root: ENTRY_POINT, sender, factory: getAddress(factory) },
        associated: associatedSlots(id, sender),
        exempt: [ENTRY_POINT, getContractAddress({ from: ENTRY_POINT, nonce: 1n })],
      }
      findViolations(steps, { ...rules, hasCode: (used) => touched.add(used) && true })
      const withCode = new Set<Address>()
      for (const used of touched) {
        const isPrecompile =
          (BigInt(used) > 0n && BigInt(used) <= CORE_PRECOMPILES) ||
          (BigInt(used) === 0x100n && hardfork === 'osaka')
        if (isPrecompile || (await client.getCode({ address: used }))) withCode.add(used)
      }
      return findViolations(steps, { ...rules, hasCode: (used) => withCode.has(used) })
    },
    async stop() {
      await anvil.stop()
      await rm(logDirectory, { recursive: true })
    },
  }
}

/** `keccak256(account ‖ x)` for every `x` that the mappings of module and replica can give for `id`. */
function associatedSlots(id: Hex, account: Address): ReadonlySet<Hex> {
  const hash = (key: Hex, base: Hex) => keccak256(concat([pad(key), base]))
  const slots = new Set<Hex>()
  for (let position = 0n; position < 16n; position++) {
    const base = numberToHex(position, { size: 32 })
    slots.add(hash(account, base))
    const ofId = hash(id, base)
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
  if (end <= 0) throw new ValidationWorldError(`no end of validation among ${steps.length} steps`)
  return steps.slice(0, end)
}

/** Init code that deploys `code`: copies all that follows its own 11 bytes, and returns it. */
function deploying(code: Hex): Hex {
  return concat(['0x600b380380600b5f395ff3', code])
}

class ValidationWorldError extends Error {
  override readonly name = 'ValidationWorldError'
}
