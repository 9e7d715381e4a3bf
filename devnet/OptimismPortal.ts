import { createRequire } from 'node:module'
import {
  type Abi,
  type Address,
  type Client,
  type Hex,
  hexToBigInt,
  maxUint128,
  parseAbiItem,
  size,
  slice,
  zeroAddress,
  zeroHash,
} from 'viem'
import { deployContract, getLogs, waitForTransactionReceipt, writeContract } from 'viem/actions'
import { encodeFunctionData } from 'viem/utils'
import type { DeployingClient } from '../contracts/index.ts'
import { DevnetError } from './DevnetError.ts'

/** What a deposit on L1 has an OP Stack chain do (its specification, "User-Deposited Transactions"). */
export type OpDeposit = {
  from: Address
  /** Undefined for a contract to be created. */
  to: Address | undefined
  mint: bigint
  value: bigint
  gas: bigint
  data: Hex
}

const TRANSACTION_DEPOSITED = parseAbiItem(
  'event TransactionDeposited(address indexed from, address indexed to, uint256 indexed version, bytes opaqueData)',
)

/** What OP Stack chains let deposits use of an L1 block, as Optimism deploys it. */
const RESOURCE_CONFIG = {
  maxResourceLimit: 20_000_000,
  elasticityMultiplier: 10,
  baseFeeMaxChangeDenominator: 8,
  minimumBaseFee: 1_000_000_000,
  systemTxMaxGas: 1_000_000,
  maximumBaseFee: maxUint128,
}
const GAS_LIMIT = 60_000_000n

/** Deploys Optimism's own portal of one chain to L1, as far as deposits need it: nothing is ever withdrawn. */
export async function deployOptimismPortal(client: DeployingClient): Promise<Address> {
  const portal = readArtifact('OptimismPortal')
  const systemConfig = readArtifact('SystemConfig')
  const owner = client.account.address
  const nowhere = {
    l1CrossDomainMessenger: zeroAddress,
    l1ERC721Bridge: zeroAddress,
    l1StandardBridge: zeroAddress,
    disputeGameFactory: zeroAddress,
    optimismPortal: zeroAddress,
    optimismMintableERC20Factory: zeroAddress,
    gasPayingToken: zeroAddress,
  }
  const systemConfigProxy = await deployBehindProxy(client, systemConfig, [
    ...[owner, 0, 0, zeroHash, GAS_LIMIT, zeroAddress],
    ...[RESOURCE_CONFIG, zeroAddress, nowhere],
  ])
  return deployBehindProxy(client, portal, [zeroAddress, systemConfigProxy, zeroAddress])
}

/** Reads the deposits of an L1 block for the chain of a portal, in their order. */
export async function readDeposits(l1: Client, portal: Address, blockHash: Hex): Promise<OpDeposit[]> {
  const logs = await getLogs(l1, { address: portal, event: TRANSACTION_DEPOSITED, blockHash, strict: true })
  return logs.map(({ args: { from, to, opaqueData } }) => ({
    from,
    // mint (32) ‖ value (32) ‖ gas limit (8) ‖ is creation (1) ‖ data
    mint: hexToBigInt(slice(opaqueData, 0, 32)),
    value: hexToBigInt(slice(opaqueData, 32, 64)),
    gas: hexToBigInt(slice(opaqueData, 64, 72)),
    to: slice(opaqueData, 72, 73) === '0x01' ? undefined : to,
    data: size(opaqueData) > 73 ? slice(opaqueData, 73) : '0x',
  }))
}

type Artifact = { abi: Abi; bytecode: Hex }

async function deployBehindProxy(
  client: DeployingClient,
  { abi, bytecode }: Artifact,
  args: readonly unknown[],
): Promise<Address> {
  const proxy = readArtifact('Proxy')
  const implementation = await deploy(client, { abi, bytecode }, [])
  const address = await deploy(client, proxy, [client.account.address])
  const data = encodeFunctionData({ abi, functionName: 'initialize', args })
  const hash = await writeContract(client, {
    address,
    abi: proxy.abi,
    functionName: 'upgradeToAndCall',
    args: [implementation, data],
    account: client.account,
    chain: client.chain ?? null,
  })
  await waitForTransactionReceipt(client, { hash })
  return address
}

async function deploy(client: DeployingClient, { abi, bytecode }: Artifact, args: readonly unknown[]) {
  const hash = await deployContract(client, {
    abi,
    bytecode,
    args,
    account: client.account,
    chain: client.chain ?? null,
  })
  const { contractAddress } = await waitForTransactionReceipt(client, { hash })
  if (contractAddress) return contractAddress
  throw new DevnetError('OptimismPortal', `transaction ${hash} created no contract`)
}

/** Reads a contract from Optimism's own release. */
function readArtifact(name: string): Artifact {
  try {
    const artifact = `@eth-optimism/contracts-bedrock/forge-artifacts/${name}.sol/${name}.json`
    const { abi, bytecode } = createRequire(import.meta.url)(artifact)
    return { abi, bytecode: bytecode.object }
  } catch (cause) {
    const message = 'not installed; run: npm install --save-dev @eth-optimism/contracts-bedrock'
    throw new DevnetError(name, message, { cause })
  }
}
