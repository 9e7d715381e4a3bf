import { randomBytes } from 'node:crypto'
import { type Address, BlockNotFoundError, type Hex } from 'viem'
import { getBlock, getChainId } from 'viem/actions'
import { type DeployingClient, deployL1, type FeeLimits, type L1Contracts } from '../contracts/index.ts'
import { createGenesis, KeyrollError, type RollupConfig } from '../protocol/index.ts'

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

/** A rollup's L1 contracts, and the config that its nodes start from. */
export type DeployedRollup = { contracts: L1Contracts; rollup: RollupConfig }

const ZERO_HASH: Hex = `0x${'00'.repeat(32)}`

/** With which L1 block a rollup begins, the newest or the newest finalized one, and the most that a transaction pays per gas. */
export type DeployRollupOptions = { origin?: 'latest' | 'finalized'; feeLimits?: FeeLimits }

/**
 * Deploys a rollup's contracts to L1 and makes its config; the rollup begins at an L1 block before.
 *
 * @throws {OriginLostError} when L1 took that block back meanwhile.
 */
export async function deployRollup(
  client: DeployingClient,
  p: RollupParameters,
  { origin: blockTag = 'latest', feeLimits }: DeployRollupOptions = {},
): Promise<DeployedRollup> {
  const origin = await getBlock(client, { blockTag })
  const l1ChainId = BigInt(await getChainId(client))
  const parameters = {
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
    startingTimestamp: origin.timestamp,
    challengePeriod: BigInt(p.challengePeriod),
    permissionlessDelay: p.permissionlessDelay,
  }
  const contracts = await deployL1(client, parameters, feeLimits)
  await assertStands(client, origin)
  const rollup: RollupConfig = {
    genesis: {
      l1: { hash: origin.hash, number: origin.number },
      l2: { hash: ZERO_HASH, number: 0n },
      l2Time: origin.timestamp,
    },
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
  const { block } = createGenesis(rollup)
  return {
    contracts,
    rollup: { ...rollup, genesis: { ...rollup.genesis, l2: { hash: block.hash, number: 0n } } },
  }
}

async function assertStands(client: DeployingClient, origin: { number: bigint; hash: Hex }): Promise<void> {
  const found = await getBlock(client, { blockNumber: origin.number }).catch((error) => {
    if (error instanceof BlockNotFoundError) return undefined
    throw error
  })
  if (found?.hash !== origin.hash) throw new OriginLostError(origin, found?.hash)
}

/** Reports a rollup that would begin at a block that is not on L1: no node could derive it. */
export class OriginLostError extends KeyrollError {
  override readonly name = 'OriginLostError'
  constructor(origin: { number: bigint; hash: Hex }, found: Hex | undefined) {
    super(
      `The rollup would begin at L1 block ${origin.number}, ${origin.hash}, ` +
        `where L1 has ${found ?? 'none'} now: L1 reorganised; deploy again, the contracts so far are of no use`,
    )
  }
}

/** Draws a chain id: signatures are bound to a rollup by nothing else, so it must be nobody else's. Fits a JSON number. */
export function drawChainId(): bigint {
  return 2n ** 40n + BigInt(`0x${randomBytes(5).toString('hex')}`)
}
