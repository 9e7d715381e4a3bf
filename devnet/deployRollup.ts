import { randomBytes } from 'node:crypto'
import { type Address, BlockNotFoundError, type Hex } from 'viem'
import { getBlock, getChainId } from 'viem/actions'
import {
  type DeployingClient,
  deployL1,
  type FeeLimits,
  type L1Contracts,
  type L1Parameters,
  predictL1,
} from '../contracts/index.ts'
import {
  type BlockId,
  createGenesis,
  KeyrollError,
  parseRollupConfig,
  type RollupConfig,
  rollupConfigToJson,
} from '../protocol/index.ts'

/** What the operator of a new rollup decides. Times are seconds. */
export type RollupParameters = {
  owner: Address
  batcher: Address
  promiseSigner: Address
  proposer: Address
  challenger: Address
  /** Unique: signatures are bound to nothing else. */
  l2ChainId: bigint
  blockTime: bigint
  challengePeriod: number
  minRecoveryDelay: number
  /** L2 blocks between two outputs. */
  submissionInterval: bigint
  /** Silence after which anybody may propose an output. */
  permissionlessDelay: bigint
  maxSequencerDrift: bigint
  /** L1 blocks. */
  seqWindowSize: bigint
  /** L1 blocks. */
  channelTimeout: bigint
}

/** What makes a rollup; its origin is the L1 block with which it begins. Who has it can go on where a deployment ended. */
export type RollupPlan = { l1ChainId: bigint; origin: BlockId; parameters: RollupParameters }

/** A rollup's L1 contracts, and the config that its nodes start from. */
export type DeployedRollup = { contracts: L1Contracts; rollup: RollupConfig }

const ZERO_HASH: Hex = `0x${'00'.repeat(32)}`

/** With which L1 block a rollup begins, the newest or the newest finalized one, and the most that a transaction pays per gas. */
export type DeployRollupOptions = { origin?: 'latest' | 'finalized'; feeLimits?: FeeLimits }

/**
 * Deploys a rollup's contracts to L1 and makes its config; the rollup begins at an L1 block before.
 *
 * @throws {RollupConfigError} when no node could read the config; nothing was sent.
 * @throws {OriginLostError} when L1 took that block back meanwhile.
 */
export async function deployRollup(
  client: DeployingClient,
  parameters: RollupParameters,
  { origin = 'latest', feeLimits }: DeployRollupOptions = {},
): Promise<DeployedRollup> {
  return deployPlanned(client, await planRollup(client, parameters, origin), feeLimits)
}

/**
 * Plans a rollup that begins at an L1 block of now; sends nothing.
 *
 * @throws {RollupConfigError} when no node could read its config.
 */
export async function planRollup(
  client: DeployingClient,
  parameters: RollupParameters,
  blockTag: 'latest' | 'finalized',
): Promise<RollupPlan> {
  const { number, hash, timestamp } = await getBlock(client, { blockTag })
  const l1ChainId = BigInt(await getChainId(client))
  const plan = { l1ChainId, origin: { number, hash }, parameters }
  createConfig(plan, timestamp)
  return plan
}

/**
 * Deploys those of a planned rollup's contracts to L1 that do not stand yet, and makes its config.
 *
 * @throws {RollupConfigError} when no node could read the config; nothing was sent.
 * @throws {OriginLostError} when L1 does not have the block, or no more, with which the rollup begins.
 */
export async function deployPlanned(
  client: DeployingClient,
  plan: RollupPlan,
  feeLimits?: FeeLimits,
): Promise<DeployedRollup> {
  const startingTimestamp = await readTimestamp(client, plan.origin)
  const rollup = createConfig(plan, startingTimestamp)
  const contracts = await deployL1(client, toL1Parameters(plan, startingTimestamp), feeLimits)
  await readTimestamp(client, plan.origin)
  return { contracts, rollup }
}

function toL1Parameters({ l1ChainId, parameters: p }: RollupPlan, startingTimestamp: bigint): L1Parameters {
  return {
    l1ChainId,
    owner: p.owner,
    batcher: p.batcher,
    promiseSigner: p.promiseSigner,
    proposer: p.proposer,
    challenger: p.challenger,
    l2ChainId: p.l2ChainId,
    rotationDelay: BigInt(p.challengePeriod),
    submissionInterval: p.submissionInterval,
    l2BlockTime: p.blockTime,
    startingTimestamp,
    challengePeriod: BigInt(p.challengePeriod),
    permissionlessDelay: p.permissionlessDelay,
  }
}

/** Takes the way through JSON that every node's config takes: what cannot be read again must not be paid for. */
function createConfig(plan: RollupPlan, l2Time: bigint): RollupConfig {
  const { l1ChainId, origin, parameters: p } = plan
  const contracts = predictL1(toL1Parameters(plan, l2Time))
  const config: RollupConfig = {
    genesis: { l1: origin, l2: { hash: ZERO_HASH, number: 0n }, l2Time },
    blockTime: p.blockTime,
    maxSequencerDrift: p.maxSequencerDrift,
    seqWindowSize: p.seqWindowSize,
    channelTimeout: p.channelTimeout,
    l1ChainId,
    l2ChainId: p.l2ChainId,
    batchInboxAddress: contracts.batchInbox,
    depositContractAddress: contracts.keystorePortal,
    l1SystemConfigAddress: contracts.systemConfig,
    outputOracleAddress: contracts.outputOracle,
    challengePeriod: p.challengePeriod,
    minRecoveryDelay: p.minRecoveryDelay,
    submissionInterval: p.submissionInterval,
  }
  const rollup = parseRollupConfig(rollupConfigToJson(config))
  const { block } = createGenesis(rollup)
  return { ...rollup, genesis: { ...rollup.genesis, l2: { hash: block.hash, number: 0n } } }
}

/** Reads the time of the L1 block with which a rollup begins. Throws when that is not on L1. */
async function readTimestamp(client: DeployingClient, origin: BlockId): Promise<bigint> {
  const found = await getBlock(client, { blockNumber: origin.number }).catch((error) => {
    if (error instanceof BlockNotFoundError) return undefined
    throw error
  })
  if (found?.hash !== origin.hash) throw new OriginLostError(origin, found?.hash)
  return found.timestamp
}

/** Reports a rollup that would begin at a block that is not on L1: no node could derive it. */
export class OriginLostError extends KeyrollError {
  override readonly name = 'OriginLostError'
  constructor(origin: BlockId, found: Hex | undefined) {
    super(
      `The rollup would begin at L1 block ${origin.number}, ${origin.hash}, where this L1 has ${found ?? 'none'} now: ` +
        'it is another one, its node is behind, or it reorganised; in the last case begin another rollup, ' +
        'the contracts so far are of no use',
    )
  }
}

/** Draws a chain id: signatures are bound to a rollup by nothing else, so it must be nobody else's. Fits a JSON number. */
export function drawChainId(): bigint {
  return 2n ** 40n + BigInt(`0x${randomBytes(5).toString('hex')}`)
}
