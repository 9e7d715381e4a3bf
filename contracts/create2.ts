import type {
  Abi,
  Account,
  Address,
  Chain,
  Client,
  ContractConstructorArgs,
  Hash,
  Hex,
  Transport,
} from 'viem'
import {
  BaseError,
  bytesToHex,
  concat,
  encodeDeployData,
  getContractAddress,
  hexToBytes,
  keccak256,
} from 'viem'
import { estimateGas, getCode, sendTransaction } from 'viem/actions'
import type { RuntimeCode } from './artifacts.ts'
import { awaitMined } from './awaitMined.ts'
import {
  CodeDiffersError,
  DeploymentFailedError,
  DeploymentProxyAbsentError,
  FeeCeilingError,
} from './errors.ts'
import { chooseFees, completeTerms, type FeeLimits, type TransactionFees } from './fees.ts'

/** The deterministic deployment proxy, which stands at this address on almost every chain. */
export const DEPLOYMENT_PROXY: Address = '0x4e59b44847b379578588920ca78fbf26c0b4956c'

/** The proxy's runtime code: CREATE2 of the calldata after the first word, which is the salt. */
export const DEPLOYMENT_PROXY_CODE: Hex =
  '0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3'

/** A creation holds back a 64th of the gas. */
const GAS_MARGIN_PERCENT = 5n

/** A node behind others does not show at once what it has a receipt of, nor count what was sent before. */
const LOOKS_BEHIND = 5

const NO_SALT: Hex = `0x${'00'.repeat(32)}`

/** A contract to be deployed with CREATE2: its init code, the address that follows, and what must stand there. */
export type Deployable = { name: string; address: Address; initCode: Hex; runtime: RuntimeCode }

/** A client that can read a chain and send transactions to it. */
export type DeployingClient = Client<Transport, Chain | undefined, Account>

/** Completes a contract with its constructor arguments; its address is the same on every chain. */
export function createDeployable<const abi extends Abi>(contract: {
  name: string
  abi: abi
  bytecode: Hex
  runtime: RuntimeCode
  args: ContractConstructorArgs<abi>
}): Deployable {
  const { name, abi, bytecode, runtime, args } = contract
  // viem's own types cannot follow constructor arguments through a generic ABI.
  const initCode = encodeDeployData({ abi: abi as Abi, bytecode, args: args as readonly unknown[] })
  const address = getContractAddress({
    opcode: 'CREATE2',
    from: DEPLOYMENT_PROXY,
    salt: NO_SALT,
    bytecode: initCode,
  })
  return { name, address: address.toLowerCase() as Address, initCode, runtime }
}

/** For which chain deployments are signed, whatever the node says later, and the most that each pays per gas. */
export type DeployOptions = { chainId: number; feeLimits?: FeeLimits | undefined }

/**
 * Deploys contracts in the order given, one transaction each, and leaves those that already stand. It does not matter whose
 * transaction created them: somebody else may deploy the same at that moment.
 *
 * @throws {DeploymentProxyAbsentError} when the chain has no deterministic deployment proxy.
 * @throws {CodeDiffersError} when other code stands at an address.
 * @throws {DeploymentFailedError} when a contract could not be created.
 * @throws {FeeCeilingError} when the chain asks for more than the limits allow; it names the contracts that stand.
 */
export async function deploy(
  client: DeployingClient,
  contracts: readonly Deployable[],
  { chainId, feeLimits }: DeployOptions,
): Promise<void> {
  const proxyCode = await getCode(client, { address: DEPLOYMENT_PROXY })
  if (proxyCode !== DEPLOYMENT_PROXY_CODE) throw new DeploymentProxyAbsentError(DEPLOYMENT_PROXY, proxyCode)
  for (const [index, contract] of contracts.entries()) {
    if (await isDeployed(client, contract)) continue
    const fees = await chooseFees(client, feeLimits).catch((error) => {
      if (!(error instanceof FeeCeilingError)) throw error
      const standing = contracts.slice(0, index).map(({ name }) => name)
      throw new FeeCeilingError(error.baseFee, error.maxFeePerGas, standing)
    })
    await create(client, contract, { chainId, fees })
  }
}

type CreationTerms = { chainId: number; fees: TransactionFees }

async function create(client: DeployingClient, contract: Deployable, terms: CreationTerms): Promise<void> {
  const { name, address } = contract
  let hash: Hash | undefined
  try {
    hash = await sendCreation(client, contract, terms)
    await awaitMined(client, { hash })
  } catch (cause) {
    // What the node knows already is a transaction whose answer was lost: a block may be about to take it.
    const look = isAlreadyKnown(cause) ? isDeployedSoon : isDeployed
    if (await look(client, contract).catch(withoutAnswer)) return
    throw new DeploymentFailedError(name, address, hash, { cause })
  }
  if (!(await isDeployedSoon(client, contract))) throw new DeploymentFailedError(name, address, hash)
}

/**
 * Sends with a gas limit of our own: not every client adds to its estimate what a creation holds back (EIP-150), and not every
 * one estimates a call that names fees.
 */
async function sendCreation(
  client: DeployingClient,
  contract: Deployable,
  { chainId, fees }: CreationTerms,
): Promise<Hash> {
  const { account, chain = null } = client
  const creation = { account, to: DEPLOYMENT_PROXY, data: concat([NO_SALT, contract.initCode]) }
  const estimate = await estimateGas(client, { ...creation, prepare: false })
  const gas = (estimate * (100n + GAS_MARGIN_PERCENT)) / 100n
  for (let look = 1; ; look++) {
    const terms = await completeTerms(client, fees, chainId)
    try {
      return await sendTransaction(client, { ...creation, chain, gas, ...terms })
    } catch (error) {
      if (look === LOOKS_BEHIND || !isNonceTooLow(error)) throw error
      await pause(client)
      // A transaction whose answer was lost has used its nonce itself.
      if (await isDeployed(client, contract)) throw error
    }
  }
}

/** In the node's words: viem takes "already known" for the same error, where another transaction would only cost. */
function isNonceTooLow(error: unknown): boolean {
  return error instanceof BaseError && /nonce[ _]too[ _]low/i.test(error.details)
}

function isAlreadyKnown(error: unknown): boolean {
  return error instanceof BaseError && /already[ _]known/i.test(error.details)
}

async function isDeployedSoon(client: DeployingClient, contract: Deployable): Promise<boolean> {
  for (let look = 1; look < LOOKS_BEHIND; look++) {
    if (await isDeployed(client, contract)) return true
    await pause(client)
  }
  return isDeployed(client, contract)
}

function pause({ pollingInterval }: DeployingClient): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, pollingInterval))
}

/** Who cannot be asked must not hide what went wrong before. */
function withoutAnswer(error: unknown): false {
  if (error instanceof BaseError) return false
  throw error
}

/** Whether a contract stands at its address. Throws when something else does. */
async function isDeployed(client: DeployingClient, contract: Deployable): Promise<boolean> {
  const code = await getCode(client, { address: contract.address })
  if (code === undefined || code === '0x') return false
  const hash = keccak256(withoutImmutables(code, contract.runtime))
  if (hash !== contract.runtime.hash) {
    throw new CodeDiffersError(contract.name, contract.address, hash, contract.runtime.hash)
  }
  return true
}

function withoutImmutables(code: Hex, runtime: RuntimeCode): Hex {
  const bytes = hexToBytes(code)
  for (const { start, length } of runtime.immutables) bytes.fill(0, start, start + length)
  return bytesToHex(bytes)
}
