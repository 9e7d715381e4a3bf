import { Command } from 'commander'
import {
  type Address,
  BaseError,
  ContractFunctionRevertedError,
  ContractFunctionZeroDataError,
  createClient,
  type Hex,
} from 'viem'
import { getBlock, readContract } from 'viem/actions'
import { replicaReadActions } from '../client/index.ts'
import { answered, ReplicaAbsentError } from '../prover/index.ts'
import { CliError } from './CliError.ts'
import { type FeeFlags, readFeeLimits, withFeeOptions } from './feeOptions.ts'
import { findFinalOutput } from './findFinalOutput.ts'
import { findKnownOutput, MOST_OUTPUTS } from './findKnownOutput.ts'
import { keyrollRpcOption } from './get.ts'
import { httpTransport } from './httpTransport.ts'
import { interruptibly } from './interruptibly.ts'
import {
  option,
  parseAddress,
  parseCount,
  parseHash,
  parseHttpUrl,
  parseQuantity,
  readAccount,
  readConfig,
} from './options.ts'
import { createRelayer, type Relayer } from './Relayer.ts'

type RelayFlags = FeeFlags & {
  l1Rpc: string
  l1Beacon?: string
  keyrollRpc: string
  rpc: string
  replica: Address
  /** `bridge` for the chain's own. */
  source: Address | 'bridge'
  portal?: Address
  parentRpc?: string
  outputIndex?: bigint
  relayerKeyFile?: string
  timeout: number
}

type RootFlags = RelayFlags & { proposed: boolean }
type ConfigFlags = RelayFlags & { id: Hex; account: Address; config?: string }
type Interruptible = { signal: AbortSignal }

/** Makes the command that carries proofs to a replica. */
export function createRelayCommand(): Command {
  return new Command('relay')
    .description('carry proofs from L1 to the replica of another chain')
    .addCommand(
      withRelayOptions(new Command('root'), 'the newest that is final, with --proposed the newest')
        .description('prove an output to the replica, once for all wallets of its chain')
        .option('--proposed', 'do not wait for the challenge period: the root will be a proposed one', false)
        .action((flags: RootFlags) => interruptibly((signal) => relayRoot({ ...flags, signal }))),
    )
    .addCommand(
      withRelayOptions(
        new Command('config'),
        'the newest finalized one that the replica knows, or else the newest',
      )
        .description('confirm the config of a keystore, from an output that the replica knows')
        .addOption(option('--id <id>', 'keystore id').argParser(parseHash).makeOptionMandatory())
        .addOption(
          option('--account <address>', 'the wallet that reads the keystore')
            .argParser(parseAddress)
            .makeOptionMandatory(),
        )
        .addOption(
          option(
            '--config <file>',
            'the config as JSON, where the Keyroll node does not know it: the initial one of a keystore that was never updated',
          ),
        )
        .action((flags: ConfigFlags) => interruptibly((signal) => relayConfig({ ...flags, signal }))),
    )
}

function withRelayOptions(command: Command, defaultOutput: string): Command {
  return withFeeOptions(command)
    .addOption(option('--l1-rpc <url>', 'JSON-RPC of L1').argParser(parseHttpUrl).makeOptionMandatory())
    .addOption(
      option('--l1-beacon <url>', "L1's beacon API, for sources that read EIP-4788").argParser(parseHttpUrl),
    )
    .addOption(keyrollRpcOption())
    .addOption(
      option('--rpc <url>', "JSON-RPC of the replica's chain").argParser(parseHttpUrl).makeOptionMandatory(),
    )
    .addOption(option('--replica <address>', 'the replica').argParser(parseAddress).makeOptionMandatory())
    .addOption(
      option(
        '--source <address>',
        "the L1 block-hash source to prove by, or `bridge` for the chain's own bridge",
      )
        .argParser(parseSource)
        .makeOptionMandatory(),
    )
    .addOption(
      option('--parent-rpc <url>', 'for an L3: JSON-RPC of the chain below it').argParser(parseHttpUrl),
    )
    .addOption(
      option(
        '--portal <address>',
        "for the bridge: the OptimismPortal of the replica's chain, on the chain below it",
      ).argParser(parseAddress),
    )
    .addOption(
      option('--output-index <index>', `which output (default: ${defaultOutput})`).argParser(parseQuantity),
    )
    .addOption(option('--relayer-key-file <file>', 'private key that pays (or KEYROLL_RELAYER_KEY)'))
    .addOption(
      option('--timeout <seconds>', 'how long to wait for what a proof needs')
        .argParser(parseCount)
        .default(600),
    )
}

function parseSource(text: string): Address | 'bridge' {
  return text === 'bridge' ? text : parseAddress(text)
}

async function relayRoot(flags: RootFlags & Interruptible): Promise<void> {
  const { relayer, source } = await startRelay(flags)
  const outputIndex = flags.outputIndex ?? (await outputToProve({ ...flags, source }))
  report(await relayer.updateRoot({ source, outputIndex, final: !flags.proposed }), outputIndex)
}

async function relayConfig(flags: ConfigFlags & Interruptible): Promise<void> {
  const { id, account } = flags
  const config = flags.config === undefined ? {} : { config: readConfig(flags.config) }
  const { relayer, source } = await startRelay(flags)
  const outputIndex = flags.outputIndex ?? (await outputToConfirmFrom({ ...flags, source }))
  report(await relayer.confirm({ id, account, source, outputIndex, ...config }), outputIndex)
}

async function startRelay(flags: RelayFlags & Interruptible): Promise<{ relayer: Relayer; source: Address }> {
  const { l1Rpc, l1Beacon, parentRpc, portal, keyrollRpc, rpc, replica, relayerKeyFile } = flags
  const relayer = await createRelayer({
    l1Url: l1Rpc,
    beaconUrl: l1Beacon,
    parentUrl: parentRpc,
    portal,
    keyrollUrl: keyrollRpc,
    chainUrl: rpc,
    replica,
    account: readAccount('relayer', relayerKeyFile),
    feeLimits: readFeeLimits(flags),
    timeout: flags.timeout * 1000,
    signal: flags.signal,
    tell: (text) => void process.stderr.write(`${text}\n`),
  })
  if (flags.source !== 'bridge') return { relayer, source: flags.source }
  const { source } = await replicaOf(flags).getOutputBridge()
  return { relayer, source }
}

type RelayFrom = RelayFlags & { source: Address }

function replicaOf({ rpc, replica }: RelayFlags) {
  return createClient({ transport: httpTransport(rpc) }).extend(replicaReadActions({ replica }))
}

async function outputToProve(flags: RelayFrom & { proposed: boolean }): Promise<bigint> {
  const oracle = await readOracle(flags)
  if (flags.proposed) return oracle.count - 1n
  // Of those that are not final yet, the oldest will be so first.
  return (await newestFinalOutput(flags, oracle)) ?? 0n
}

async function newestFinalOutput(
  { l1Rpc }: RelayFrom,
  { oracle, count }: Awaited<ReturnType<typeof readOracle>>,
): Promise<bigint | undefined> {
  const l1 = createClient({ transport: httpTransport(l1Rpc) })
  const [{ timestamp }, challengePeriod] = await Promise.all([
    getBlock(l1),
    readContract(l1, { ...oracle, functionName: 'finalizationPeriodSeconds' }),
  ])
  return findFinalOutput(count, async (index) => {
    const output = await readContract(l1, { ...oracle, functionName: 'getL2Output', args: [index] })
    return BigInt(output.timestamp) + challengePeriod <= timestamp
  })
}

async function readOracle({ l1Rpc, rpc, replica }: RelayFlags) {
  const { keystoreReplicaAbi, outputOracleAbi } = await import('../contracts/index.ts')
  const reading = readContract(createClient({ transport: httpTransport(rpc) }), {
    address: replica,
    abi: keystoreReplicaAbi,
    functionName: 'outputOracle',
  })
  const address = await answered('L2 node', 'outputOracle', reading).catch((cause) => {
    throw isOfOtherCode(cause) ? new ReplicaAbsentError(replica, { cause }) : cause
  })
  const oracle = { address, abi: outputOracleAbi } as const
  const counting = readContract(createClient({ transport: httpTransport(l1Rpc) }), {
    ...oracle,
    functionName: 'nextOutputIndex',
  })
  const length = await answered('L1 node', 'nextOutputIndex', counting).catch((cause) => {
    const message = `no OutputOracle stands at ${address}: is --l1-rpc a node of the rollup's L1?`
    throw isOfOtherCode(cause) ? new CliError(message, { cause }) : cause
  })
  if (length === 0n) throw new CliError(`the OutputOracle ${address} has no output yet`)
  return { oracle, count: length }
}

/** Tells whether a node answered, but nothing, or another contract, stands at the address. */
function isOfOtherCode({ cause }: Error): boolean {
  return (
    cause instanceof BaseError &&
    cause.walk(
      (each) =>
        each instanceof ContractFunctionZeroDataError || each instanceof ContractFunctionRevertedError,
    ) !== null
  )
}

async function outputToConfirmFrom(flags: RelayFrom): Promise<bigint> {
  const { replica, source } = flags
  const chain = replicaOf(flags)
  const oracle = await readOracle(flags)
  const final = await newestFinalOutput(flags, oracle)
  const outputs = { count: oracle.count, finalCount: final === undefined ? 0n : final + 1n }
  const known = await findKnownOutput(outputs, (outputIndex) => chain.getRoot({ source, outputIndex }))
  if (known !== undefined) return known
  const asked = oracle.count > MOST_OUTPUTS ? `newest ${MOST_OUTPUTS} of ${oracle.count}` : oracle.count
  throw new CliError(
    `the replica ${replica} knows none of the ${asked} outputs by source ${source}: ` +
      'run `keyroll relay root` first',
  )
}

/** Prints the receipt; nulls where the replica knew already what it was to be told. */
function report(
  receipt: { transactionHash: Hex; blockNumber: bigint; gasUsed: bigint } | undefined,
  outputIndex: bigint,
): void {
  const json = {
    transactionHash: receipt?.transactionHash ?? null,
    blockNumber: receipt === undefined ? null : Number(receipt.blockNumber),
    gasUsed: receipt === undefined ? null : Number(receipt.gasUsed),
    outputIndex: Number(outputIndex),
  }
  process.stdout.write(`${JSON.stringify(json, null, 2)}\n`)
}
