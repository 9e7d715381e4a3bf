import { Command, InvalidArgumentError } from 'commander'
import { type Address, createWalletClient, isAddressEqual, zeroAddress } from 'viem'
import { CodeDiffersError } from '../contracts/errors.ts'
import type { BlockHashPeriod, DeployingClient } from '../contracts/index.ts'
import type { RollupPlan } from '../devnet/deployRollup.ts'
import { CliError } from './CliError.ts'
import { type FeeFlags, readFeeLimits, withFeeOptions } from './feeOptions.ts'
import { httpTransport } from './httpTransport.ts'
import {
  option,
  parseAddress,
  parseCount,
  parseHttpUrl,
  parseQuantity,
  readAccount,
  readRollupConfig,
} from './options.ts'
import { readPlan, type WantedRollup, writePlan, writeRollup } from './RollupFile.ts'

/** Makes the command that deploys contracts to any chain. */
export function createDeployCommand(): Command {
  return new Command('deploy')
    .description(
      'deploy the contracts of a rollup to L1, or the replica set to a chain that shall read keystores',
    )
    .addCommand(createDeployL1Command())
    .addCommand(createDeployReplicaCommand())
}

type DeployL1Flags = FeeFlags & {
  rpc: string
  deployerKeyFile?: string
  owner: Address
  batcher: Address
  promiseSigner: Address
  proposer: Address
  challenger: Address
  l2ChainId?: bigint
  blockTime: number
  challengePeriod: number
  minRecoveryDelay: number
  submissionInterval: number
  permissionlessDelay: number
  maxSequencerDrift: number
  seqWindowSize: number
  channelTimeout: number
  allowShortRecovery: boolean
  out: string
}

const DAY = 86_400
const L1_SLOT_SECONDS = 12

function createDeployL1Command(): Command {
  const address = (flag: string, who: string) =>
    option(`--${flag} <address>`, who).argParser(parseRole).makeOptionMandatory()
  const count = (flags: string, description: string, value: number) =>
    option(flags, description).argParser(parseCount).default(value)

  return withFeeOptions(new Command('l1'))
    .description('deploy the contracts of a new rollup to L1, and write its rollup config')
    .addOption(option('--rpc <url>', 'JSON-RPC of L1').argParser(parseHttpUrl).makeOptionMandatory())
    .addOption(option('--deployer-key-file <file>', 'private key that pays (or KEYROLL_DEPLOYER_KEY)'))
    .addOption(address('owner', 'may rotate the others'))
    .addOption(address('batcher', 'posts batches'))
    .addOption(address('promise-signer', 'signs promises'))
    .addOption(address('proposer', 'posts outputs'))
    .addOption(address('challenger', 'may delete outputs within the challenge period'))
    .addOption(
      option('--l2-chain-id <id>', 'unique chain id of the rollup (default: drawn at random)').argParser(
        parseQuantity,
      ),
    )
    .addOption(count('--block-time <seconds>', 'time between blocks', 6))
    .addOption(count('--challenge-period <seconds>', 'time until an output is final', 7 * DAY))
    .addOption(
      count(
        '--min-recovery-delay <seconds>',
        'least delay of a recovery, at least 2 sequencing windows',
        2 * DAY,
      ),
    )
    .addOption(count('--submission-interval <blocks>', 'blocks between two outputs', 600))
    .addOption(
      count('--permissionless-delay <seconds>', 'age from which on anybody may propose a block', 3 * DAY),
    )
    .addOption(count('--max-sequencer-drift <seconds>', 'how far block time may run ahead of L1', 1800))
    .addOption(count('--seq-window-size <blocks>', 'L1 blocks in which a batch must follow its origin', 3600))
    .addOption(
      count(
        '--channel-timeout <blocks>',
        'written to the config for tools of the OP Stack; no effect here',
        50,
      ),
    )
    .addOption(
      option(
        '--allow-short-recovery',
        'take a --min-recovery-delay that a censored owner cannot answer in time, for tests',
      ).default(false),
    )
    .addOption(
      option(
        '--out <file>',
        'where to write the rollup config: a new file, or one of an unfinished run, which goes on',
      ).default('rollup.json'),
    )
    .action(runDeployL1)
}

async function runDeployL1(flags: DeployL1Flags): Promise<void> {
  checkRecoveryDelay(flags)
  checkRoles(flags)
  const client = deployingClient(flags)
  const feeLimits = readFeeLimits(flags)
  const { deployPlanned, OriginLostError } = await import('../devnet/deployRollup.ts')
  const plan = await planOnce(client, flags)
  const { contracts, rollup } = await deployPlanned(client, plan, feeLimits).catch((error) => {
    // They end the deployment for good, or say themselves what is to be done.
    if (error instanceof OriginLostError || error instanceof CodeDiffersError) throw error
    process.stderr.write(
      `${flags.out} holds what was begun: once no transaction of ${client.account.address} waits, the same command ` +
        'goes on, and pays only for what does not stand yet\n',
    )
    throw error
  })
  writeRollup(flags.out, rollup)
  process.stdout.write(`${JSON.stringify({ ...contracts, rollupConfig: flags.out }, null, 2)}\n`)
}

/** What all addresses follow from cannot be had again: it must be in the file before anything is paid for. */
async function planOnce(client: DeployingClient, flags: DeployL1Flags): Promise<RollupPlan> {
  const { drawChainId, planRollup } = await import('../devnet/deployRollup.ts')
  const wanted = wantedRollup(flags)
  const begun = readPlan(flags.out, wanted)
  if (begun !== undefined) return begun
  const parameters = { ...wanted, l2ChainId: wanted.l2ChainId ?? drawChainId() }
  const plan = await planRollup(client, parameters, 'finalized')
  if (parameters.l2ChainId === plan.l1ChainId) {
    throw new CliError(`--l2-chain-id ${plan.l1ChainId}: got that of L1, expected one of the rollup's own`)
  }
  writePlan(flags.out, plan)
  return plan
}

/** An owner whom the sequencer ignores needs a window to answer a recovery through L1, and may notice it late by another. */
function checkRecoveryDelay({ minRecoveryDelay, seqWindowSize, allowShortRecovery }: DeployL1Flags): void {
  const needed = 2 * seqWindowSize * L1_SLOT_SECONDS
  if (allowShortRecovery || minRecoveryDelay >= needed) return
  throw new CliError(
    `--min-recovery-delay ${minRecoveryDelay}: expected at least ${needed} seconds, two sequencing windows of ` +
      `${seqWindowSize} L1 blocks; --allow-short-recovery takes less`,
  )
}

/** A sequencer refuses one key for both, since each role gives out the nonces of its account by itself. */
function checkRoles({ batcher, proposer }: DeployL1Flags): void {
  if (!isAddressEqual(batcher, proposer)) return
  throw new CliError(`--batcher and --proposer: got ${batcher} twice, expected two accounts`)
}

function wantedRollup(flags: DeployL1Flags): WantedRollup {
  return {
    owner: flags.owner,
    batcher: flags.batcher,
    promiseSigner: flags.promiseSigner,
    proposer: flags.proposer,
    challenger: flags.challenger,
    l2ChainId: flags.l2ChainId,
    blockTime: BigInt(flags.blockTime),
    challengePeriod: flags.challengePeriod,
    minRecoveryDelay: flags.minRecoveryDelay,
    submissionInterval: BigInt(flags.submissionInterval),
    permissionlessDelay: BigInt(flags.permissionlessDelay),
    maxSequencerDrift: BigInt(flags.maxSequencerDrift),
    seqWindowSize: BigInt(flags.seqWindowSize),
    channelTimeout: BigInt(flags.channelTimeout),
  }
}

type DeployReplicaFlags = FeeFlags & {
  rpc: string
  deployerKeyFile?: string
  rollupConfig: string
  schedule: readonly BlockHashPeriod[]
  sourceAdmin: Address
  staker: Address
}

function createDeployReplicaCommand(): Command {
  return withFeeOptions(new Command('replica'))
    .description(
      'deploy sources, replica and wallet factory to a chain; the same flags give the same addresses everywhere',
    )
    .addOption(option('--rpc <url>', 'JSON-RPC of the chain').argParser(parseHttpUrl).makeOptionMandatory())
    .addOption(option('--deployer-key-file <file>', 'private key that pays (or KEYROLL_DEPLOYER_KEY)'))
    .addOption(
      option('--rollup-config <file>', 'rollup config of the rollup to follow').makeOptionMandatory(),
    )
    .addOption(
      option(
        '--schedule <from:until:index>',
        "slots of L1's beacon chain, and the generalized index of the L1 block hash in their blocks (Deneb to Fulu: 6444); separated by commas or repeated; the last ends where the next fork is not known",
      )
        .argParser(parsePeriods)
        .makeOptionMandatory(),
    )
    .addOption(
      option('--source-admin <address>', 'may append sources')
        .argParser(parseAddress)
        .default(zeroAddress, 'nobody'),
    )
    .addOption(
      option('--staker <address>', "may take back the wallet factory's stake in the ERC-4337 EntryPoint")
        .argParser(parseAddress)
        .default(zeroAddress, 'nobody'),
    )
    .action(runDeployReplica)
}

async function runDeployReplica(flags: DeployReplicaFlags): Promise<void> {
  const { deployL2 } = await import('../contracts/index.ts')
  const rollup = readRollupConfig(flags.rollupConfig)
  const parameters = {
    l1ChainId: rollup.l1ChainId,
    outputOracle: rollup.outputOracleAddress,
    l2ChainId: rollup.l2ChainId,
    challengePeriod: rollup.challengePeriod,
    minRecoveryDelay: rollup.minRecoveryDelay,
    schedule: flags.schedule,
    sourceAdmin: flags.sourceAdmin,
    staker: flags.staker,
  }
  const contracts = await deployL2(deployingClient(flags), parameters, readFeeLimits(flags))
  process.stdout.write(`${JSON.stringify(contracts, null, 2)}\n`)
}

/** Parses the address of a role, which somebody must have. */
function parseRole(text: string): Address {
  const address = parseAddress(text)
  if (address === zeroAddress) throw new InvalidArgumentError('expected an account, not the zero address.')
  return address
}

/** Parses one of several periods, each in its own flag or separated by commas, as BeaconRootsSource takes them. */
function parsePeriods(text: string, previous: readonly BlockHashPeriod[] = []): readonly BlockHashPeriod[] {
  const periods = [...previous]
  for (const each of text.split(',')) {
    if (!/^\d{1,20}:\d{1,20}:\d{1,20}$/.test(each)) {
      throw new InvalidArgumentError('expected FROM:UNTIL:INDEX, for example 8626176:15000000:6444.')
    }
    const [fromSlot = 0n, untilSlot = 0n, index = 0n] = each.split(':').map(BigInt)
    if (fromSlot < (periods.at(-1)?.untilSlot ?? 0n) || fromSlot >= untilSlot || untilSlot >= 2n ** 64n) {
      throw new InvalidArgumentError(
        'expected ascending slots of at most 64 bits, each period after the one before.',
      )
    }
    if (index < 2n || index >= 2n ** 64n) {
      throw new InvalidArgumentError('expected a generalized index of at least 2 and at most 64 bits.')
    }
    periods.push({ fromSlot, untilSlot, index })
  }
  return periods
}

function deployingClient({
  rpc,
  deployerKeyFile,
}: {
  rpc: string
  deployerKeyFile?: string
}): DeployingClient {
  return createWalletClient({
    pollingInterval: 500,
    account: readAccount('deployer', deployerKeyFile),
    transport: httpTransport(rpc),
  })
}
