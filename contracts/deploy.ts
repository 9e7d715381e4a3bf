import type { Address } from 'viem'
import { getChainId } from 'viem/actions'
import * as artifacts from './artifacts.ts'
import { createDeployable, type Deployable, type DeployingClient, deploy } from './create2.ts'
import type { FeeLimits } from './fees.ts'

/** What the L1 contracts of a rollup are deployed with (protocol.md §5). Times are seconds. */
export type L1Parameters = {
  /** The oracle can be deployed nowhere else. */
  l1ChainId: bigint
  owner: Address
  batcher: Address
  promiseSigner: Address
  proposer: Address
  challenger: Address
  l2ChainId: bigint
  /** At least the challenge period. */
  rotationDelay: bigint
  /** L2 blocks between two outputs. */
  submissionInterval: bigint
  l2BlockTime: bigint
  startingTimestamp: bigint
  challengePeriod: bigint
  /** Age from which on anybody may propose a block. */
  permissionlessDelay: bigint
}

/** Addresses of a rollup's contracts on L1. */
export type L1Contracts = {
  systemConfig: Address
  keystorePortal: Address
  batchInbox: Address
  outputOracle: Address
  outputBridge: Address
}

/** A period of slots in which beacon blocks name the L1 block hash at a generalized index (protocol.md §7.1). */
export type BlockHashPeriod = { fromSlot: bigint; untilSlot: bigint; index: bigint }

/** What the contracts of a chain that reads keystores are deployed with (protocol.md §7). Times are seconds. */
export type L2Parameters = {
  l1ChainId: bigint
  outputOracle: Address
  l2ChainId: bigint
  challengePeriod: number
  minRecoveryDelay: number
  schedule: readonly BlockHashPeriod[]
  /** May append sources; the zero address for nobody. */
  sourceAdmin: Address
  /** May take back the stake of the wallet factory in the EntryPoint; the zero address for nobody. */
  staker: Address
}

/** Addresses of the contracts of a chain that reads keystores, the same on every chain. */
export type L2Contracts = {
  l1BlockSource: Address
  beaconRootsSource: Address
  blockHashSource: Address
  parentL1BlockSource: Address
  /** As on L1; elsewhere it forwards to chains above. */
  outputBridge: Address
  keystoreReplica: Address
  walletFactory: Address
  keystoreValidator: Address
}

/** Computes where {@link deployL1} puts a rollup's contracts. */
export function predictL1(parameters: L1Parameters): L1Contracts {
  return addressesOf(l1Deployables(parameters))
}

/**
 * Deploys a rollup's contracts to L1, those that do not stand yet, and answers their addresses.
 *
 * @throws {DeploymentProxyAbsentError}
 * @throws {CodeDiffersError}
 * @throws {DeploymentFailedError}
 * @throws {FeeCeilingError}
 */
export async function deployL1(
  client: DeployingClient,
  parameters: L1Parameters,
  feeLimits?: FeeLimits,
): Promise<L1Contracts> {
  const contracts = l1Deployables(parameters)
  await deploy(client, Object.values(contracts), { chainId: Number(parameters.l1ChainId), feeLimits })
  return addressesOf(contracts)
}

/** Computes where {@link deployL2} puts the contracts of every chain that reads keystores. */
export function predictL2(parameters: L2Parameters): L2Contracts {
  return addressesOf(l2Deployables(parameters))
}

/**
 * Deploys sources, replica, wallet factory and validator module to a chain, those that do not stand yet, and answers their addresses.
 *
 * @throws {DeploymentProxyAbsentError}
 * @throws {CodeDiffersError}
 * @throws {DeploymentFailedError}
 * @throws {FeeCeilingError}
 */
export async function deployL2(
  client: DeployingClient,
  parameters: L2Parameters,
  feeLimits?: FeeLimits,
): Promise<L2Contracts> {
  const contracts = l2Deployables(parameters)
  await deploy(client, Object.values(contracts), { chainId: await getChainId(client), feeLimits })
  return addressesOf(contracts)
}

function l1Deployables(p: L1Parameters): Record<keyof L1Contracts, Deployable> {
  const systemConfig = createDeployable({
    name: 'SystemConfig',
    abi: artifacts.systemConfigAbi,
    bytecode: artifacts.systemConfigBytecode,
    runtime: artifacts.systemConfigRuntime,
    args: [p.owner, p.batcher, p.promiseSigner, p.proposer, p.challenger, p.l2ChainId, p.rotationDelay],
  })
  const keystorePortal = createDeployable({
    name: 'KeystorePortal',
    abi: artifacts.keystorePortalAbi,
    bytecode: artifacts.keystorePortalBytecode,
    runtime: artifacts.keystorePortalRuntime,
    args: [systemConfig.address],
  })
  const batchInbox = createDeployable({
    name: 'BatchInbox',
    abi: artifacts.batchInboxAbi,
    bytecode: artifacts.batchInboxBytecode,
    runtime: artifacts.batchInboxRuntime,
    args: [systemConfig.address],
  })
  const outputOracle = createDeployable({
    name: 'OutputOracle',
    abi: artifacts.outputOracleAbi,
    bytecode: artifacts.outputOracleBytecode,
    runtime: artifacts.outputOracleRuntime,
    args: [
      {
        l1ChainId: p.l1ChainId,
        systemConfig: systemConfig.address,
        batchInbox: batchInbox.address,
        keystorePortal: keystorePortal.address,
        submissionInterval: p.submissionInterval,
        l2BlockTime: p.l2BlockTime,
        startingBlockNumber: 0n,
        startingTimestamp: p.startingTimestamp,
        challengePeriod: p.challengePeriod,
        permissionlessDelay: p.permissionlessDelay,
      },
    ],
  })
  const outputBridge = outputBridgeOf(outputOracle.address)
  return { systemConfig, keystorePortal, batchInbox, outputOracle, outputBridge }
}

function outputBridgeOf(outputOracle: Address): Deployable {
  return createDeployable({
    name: 'OutputBridge',
    abi: artifacts.outputBridgeAbi,
    bytecode: artifacts.outputBridgeBytecode,
    runtime: artifacts.outputBridgeRuntime,
    args: [outputOracle],
  })
}

function l2Deployables(p: L2Parameters): Record<keyof L2Contracts, Deployable> {
  const l1BlockSource = createDeployable({
    name: 'L1BlockSource',
    abi: artifacts.l1BlockSourceAbi,
    bytecode: artifacts.l1BlockSourceBytecode,
    runtime: artifacts.l1BlockSourceRuntime,
    args: [],
  })
  const beaconRootsSource = createDeployable({
    name: 'BeaconRootsSource',
    abi: artifacts.beaconRootsSourceAbi,
    bytecode: artifacts.beaconRootsSourceBytecode,
    runtime: artifacts.beaconRootsSourceRuntime,
    args: [p.schedule],
  })
  const blockHashSource = createDeployable({
    name: 'BlockHashSource',
    abi: artifacts.blockHashSourceAbi,
    bytecode: artifacts.blockHashSourceBytecode,
    runtime: artifacts.blockHashSourceRuntime,
    args: [p.l1ChainId],
  })
  const parentL1BlockSource = createDeployable({
    name: 'ParentL1BlockSource',
    abi: artifacts.parentL1BlockSourceAbi,
    bytecode: artifacts.parentL1BlockSourceBytecode,
    runtime: artifacts.parentL1BlockSourceRuntime,
    args: [],
  })
  const sources = { l1BlockSource, beaconRootsSource, blockHashSource, parentL1BlockSource }
  const outputBridge = outputBridgeOf(p.outputOracle)
  const keystoreReplica = createDeployable({
    name: 'KeystoreReplica',
    abi: artifacts.keystoreReplicaAbi,
    bytecode: artifacts.keystoreReplicaBytecode,
    runtime: artifacts.keystoreReplicaRuntime,
    args: [
      {
        outputOracle: p.outputOracle,
        l2ChainId: p.l2ChainId,
        challengePeriod: p.challengePeriod,
        minRecoveryDelay: p.minRecoveryDelay,
        sources: Object.values(sources).map(({ address }) => address),
        outputBridge: outputBridge.address,
        sourceAdmin: p.sourceAdmin,
      },
    ],
  })
  const walletFactory = createDeployable({
    name: 'KeystoreWalletFactory',
    abi: artifacts.keystoreWalletFactoryAbi,
    bytecode: artifacts.keystoreWalletFactoryBytecode,
    runtime: artifacts.keystoreWalletFactoryRuntime,
    args: [keystoreReplica.address, p.staker],
  })
  const keystoreValidator = createDeployable({
    name: 'KeystoreValidator',
    abi: artifacts.keystoreValidatorAbi,
    bytecode: artifacts.keystoreValidatorBytecode,
    runtime: artifacts.keystoreValidatorRuntime,
    args: [keystoreReplica.address],
  })
  return { ...sources, outputBridge, keystoreReplica, walletFactory, keystoreValidator }
}

function addressesOf<name extends string>(contracts: Record<name, Deployable>): Record<name, Address> {
  const addresses: Partial<Record<name, Address>> = {}
  for (const name in contracts) addresses[name] = contracts[name].address
  return addresses as Record<name, Address>
}
