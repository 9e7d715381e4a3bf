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
import { bytesToHex, concat, encodeDeployData, getContractAddress, hexToBytes, keccak256 } from 'viem'
import { estimateGas, getCode, sendTransaction, waitForTransactionReceipt } from 'viem/actions'
import type { RuntimeCode } from './artifacts.ts'
import { CodeDiffersError, DeploymentFailedError, DeploymentProxyAbsentError } from './errors.ts'
import { chooseFees, completeTerms, type FeeLimits, type TransactionFees } from './fees.ts'

/** The deterministic deployment proxy, which stands at this address on almost every chain. */
export const DEPLOYMENT_PROXY: Address = '0x4e59b44847b379578588920ca78fbf26c0b4956c'

/** The proxy's runtime code: CREATE2 of the calldata after the first word, which is the salt. */
export const DEPLOYMENT_PROXY_CODE: Hex =
  '0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3'

/** A creation holds back a 64th of the gas. */
const GAS_MARGIN_PERCENT = 5n

/** A node behind others does not show at once what it has a receipt of. */
const LOOKS_AFTER_RECEIPT = 5

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

/**
 * Deploys contracts in the order given, one transaction each, and leaves those that already stand. It does not matter whose
 * transaction created them: somebody else may deploy the same at that moment.
 *
 * @throws {DeploymentProxyAbsentError} when the chain has no deterministic deployment proxy.
 * @throws {CodeDiffersError} when other code stands at an address.
 * @throws {DeploymentFailedError} when a contract could not be created.
 * @throws {FeeCeilingError} when the chain asks for more than the limits allow.
 */
export async function deploy(
  client: DeployingClient,
  contracts: readonly Deployable[],
  feeLimits?: FeeLimits,
): Promise<void> {
  const proxyCode = await getCode(client, { address: DEPLOYMENT_PROXY })
  if (proxyCode !== DEPLOYMENT_PROXY_CODE) throw new DeploymentProxyAbsentError(DEPLOYMENT_PROXY, proxyCode)
  for (const contract of contracts) {
    if (await isDeployed(client, contract)) continue
    const fees = await chooseFees(client, feeLimits)
    const hash = await sendCreation(client, contract, fees).catch(async (cause) => {
      if (await isDeployed(client, contract)) return undefined
      throw new DeploymentFailedError(contract.name, contract.address, undefined, { cause })
    })
    if (hash === undefined) continue
    await waitForTransactionReceipt(client, { hash })
    if (await isDeployedSoon(client, contract)) continue
    throw new DeploymentFailedError(contract.name, contract.address, hash)
  }
}

/**
 * Sends with a gas limit of our own: not every client adds to its estimate what a creation holds back (EIP-150), and not every
 * one estimates a call that names fees.
 */
async function sendCreation(
  client: DeployingClient,
  { initCode }: Deployable,
  fees: TransactionFees,
): Promise<Hash> {
  const { account, chain = null } = client
  const creation = { account, to: DEPLOYMENT_PROXY, data: concat([NO_SALT, initCode]) }
  const estimate = await estimateGas(client, { ...creation, prepare: false })
  const gas = (estimate * (100n + GAS_MARGIN_PERCENT)) / 100n
  return sendTransaction(client, { ...creation, chain, gas, ...(await completeTerms(client, fees)) })
}

async function isDeployedSoon(client: DeployingClient, contract: Deployable): Promise<boolean> {
  for (let look = 1; look < LOOKS_AFTER_RECEIPT; look++) {
    if (await isDeployed(client, contract)) return true
    await new Promise((resolve) => setTimeout(resolve, client.pollingInterval))
  }
  return isDeployed(client, contract)
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
