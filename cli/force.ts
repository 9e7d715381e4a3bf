import { Command } from 'commander'
import {
  type Address,
  BaseError,
  type Client,
  createClient,
  createWalletClient,
  formatEther,
  formatGwei,
  type Hex,
  hexToBigInt,
  isHex,
  type TransactionReceipt,
} from 'viem'
import { getBlock, getTransactionCount, getTransactionReceipt } from 'viem/actions'
import {
  type ForcedConfig,
  type ForceEstimate,
  findForced,
  findForceFault,
  getStatus,
  portalActions,
} from '../client/index.ts'
import { DepositLogError, fromHex, type RollupConfig, transactionHash } from '../protocol/index.ts'
import { awaitForced, DERIVED } from './awaitForced.ts'
import { awaitReceipt } from './awaitReceipt.ts'
import { CliError } from './CliError.ts'
import { callRpc } from './callRpc.ts'
import { type FeeFlags, readFeeLimits, withFeeOptions } from './feeOptions.ts'
import { findEarlierForce } from './findEarlierForce.ts'
import { httpTransport } from './httpTransport.ts'
import { interruptibly } from './interruptibly.ts'
import { option, parseCount, parseHttpUrl, readAccount, readRollupConfig } from './options.ts'
import { RAW_ARGUMENT, readRaw } from './readRaw.ts'

type ForceFlags = FeeFlags & {
  l1Rpc: string
  rollupConfig: string
  privateKeyFile?: string
  keyrollRpc?: string
  anyway: boolean
  dryRun: boolean
  wait: boolean
  timeout: number
}

/** Makes the command that forces a set-config through L1. */
export function createForceCommand(): Command {
  return withFeeOptions(new Command('force'))
    .description(
      'send a signed set-config to the rollup through L1, when the sequencer refuses it or is gone; ' +
        'it takes effect at the latest when the sequencing window closes',
    )
    .argument('<raw>', RAW_ARGUMENT)
    .addOption(option('--l1-rpc <url>', 'JSON-RPC of L1').argParser(parseHttpUrl).makeOptionMandatory())
    .addOption(option('--rollup-config <file>', 'the rollup config').makeOptionMandatory())
    .addOption(option('--private-key-file <file>', 'private key that pays on L1 (or KEYROLL_PRIVATE_KEY)'))
    .addOption(
      option(
        '--keyroll-rpc <url>',
        'JSON-RPC of a Keyroll node, to check first that the set-config would take effect; ' +
          'without it, forcing again what L1 has held for longer than the sequencing window pays again',
      ).argParser(parseHttpUrl),
    )
    .option(
      '--anyway',
      'force it although the node says that it would take no effect, or L1 holds it already or may soon',
      false,
    )
    .option('--dry-run', 'show what it costs, and send nothing', false)
    .option('--wait', 'wait until the node has derived it, and say whether it took effect', false)
    .addOption(option('--timeout <seconds>', 'how long to wait').argParser(parseCount).default(86_400))
    .action((argument: string, flags: ForceFlags) =>
      interruptibly((signal) => force(argument, flags, signal)),
    )
}

async function force(argument: string, flags: ForceFlags, signal: AbortSignal): Promise<void> {
  const { keyrollRpc, timeout } = flags
  if (flags.wait && keyrollRpc === undefined) {
    throw new CliError('--wait needs a node to ask: add --keyroll-rpc')
  }
  const raw = readRaw(argument)
  const rollup = readRollupConfig(flags.rollupConfig)
  const l1 = createWalletClient({
    account: readAccount('private', flags.privateKeyFile),
    transport: httpTransport(flags.l1Rpc),
    pollingInterval: 1_000,
  }).extend(portalActions({ rollup }))

  // What costs nothing comes first.
  const estimate = await l1.estimateForce({ raw, feeLimits: readFeeLimits(flags) })
  if (keyrollRpc !== undefined) {
    await assertNodeOf(rollup, keyrollRpc)
    const { timestamp } = await getBlock(l1)
    await checkEffect({ rollup, raw, timestamp, keyrollRpc, anyway: flags.anyway })
  }
  await checkWaiting(l1, l1.account.address, flags.anyway)
  await checkEarlier(l1, { rollup, raw, keyrollRpc, anyway: flags.anyway })
  tell(describeCost(raw, estimate))
  if (flags.dryRun) return print(estimateToJson(estimate))

  const sent = await l1.forceConfig({ raw, estimate })
  tell(`sent L1 transaction ${sent}`)
  const deadline = Date.now() + timeout * 1_000
  const receipt = await awaitReceipt(l1, { hash: sent, timeout: timeout * 1_000 })
  // Another one, where its owner sent it again for more.
  const l1TransactionHash = receipt.transactionHash
  const forced = readForced(rollup, receipt)
  print({ l1TransactionHash, ...forcedToJson(forced) })
  if (!flags.wait || keyrollRpc === undefined) return

  const find = async () => readForced(rollup, await getTransactionReceipt(l1, { hash: l1TransactionHash }))
  const left = Math.max(deadline - Date.now(), 1)
  const derived = await awaitForced({ keyrollRpc, forced, find, tell, timeout: left, signal })
  const { stage, blockNumber, blockHash, valid, invalidReason } = derived.status
  print({
    l1TransactionHash,
    ...forcedToJson(derived.forced),
    stage,
    blockNumber: Number(blockNumber),
    blockHash,
    valid,
    ...(invalidReason !== undefined && { invalidReason }),
  })
  if (valid !== true) {
    throw new CliError(
      `the set-config took no effect in block ${blockNumber}: ${invalidReason ?? 'no reason given'}`,
    )
  }
}

function readForced(rollup: RollupConfig, receipt: TransactionReceipt): ForcedConfig {
  const [forced] = findForced(rollup, receipt)
  if (forced !== undefined) return forced
  const { transactionHash, blockNumber } = receipt
  throw new CliError(`L1 transaction ${transactionHash} made no deposit in block ${blockNumber}`)
}

async function assertNodeOf({ l2ChainId }: RollupConfig, keyrollRpc: string): Promise<void> {
  const chainId = await callRpc(keyrollRpc, 'eth_chainId', [])
  if (typeof chainId === 'string' && isHex(chainId) && hexToBigInt(chainId) === l2ChainId) return
  throw new CliError(`${new URL(keyrollRpc).origin}: got a node of chain ${chainId}, expected ${l2ChainId}`)
}

type EffectCheck = {
  rollup: RollupConfig
  raw: Hex
  timestamp: bigint
  keyrollRpc: string
  anyway: boolean
}

async function checkEffect({ rollup, raw, timestamp, keyrollRpc, anyway }: EffectCheck): Promise<void> {
  const node = createClient({ transport: httpTransport(keyrollRpc) })
  const shown = await getStatus(node, { transactionHash: transactionHash(fromHex(raw)) })
  if (shown.stage === 'unsafe' && shown.valid === true) {
    tell(`the set-config took effect in block ${shown.blockNumber}, which L1 does not hold yet`)
  }
  const fault = await findForceFault(node, { rollup, raw, timestamp })
  if (fault === undefined) return
  const what =
    fault === 'ALREADY_IN_EFFECT'
      ? 'the set-config is already in effect'
      : `the set-config would take no effect on what L1 holds: ${fault} (protocol.md §3.3)`
  refuse(what, anyway)
}

/**
 * What waits is in no log yet, and not every node shows its bytes: only how many transactions of the payer do. Asked before the
 * logs, and in this order, so that none is overlooked that comes into a block meanwhile.
 */
async function checkWaiting(l1: Client, payer: Address, anyway: boolean): Promise<void> {
  const pending = await getTransactionCount(l1, { address: payer, blockTag: 'pending' })
  const mined = await getTransactionCount(l1, { address: payer, blockTag: 'latest' })
  if (pending <= mined) return
  refuse(`${pending - mined} of the transactions of ${payer} wait, one may hold the set-config`, anyway)
}

type EarlierCheck = { rollup: RollupConfig; raw: Hex; keyrollRpc: string | undefined; anyway: boolean }

/** A node knows of a deposit only once it has derived it, perhaps half a day later. */
async function checkEarlier(l1: Client, { rollup, raw, keyrollRpc, anyway }: EarlierCheck): Promise<void> {
  let earlier: Awaited<ReturnType<typeof findEarlierForce>>
  try {
    earlier = await findEarlierForce(l1, { rollup, raw })
  } catch (error) {
    if (!(error instanceof BaseError || error instanceof DepositLogError)) throw error
    return tell(
      'L1 does not show the deposits of the last sequencing window: whether one holds the set-config is unknown',
    )
  }
  if (earlier === undefined) return
  const { transactionHash: hash, blockNumber } = earlier
  const what = `L1 transaction ${hash} in block ${blockNumber} holds the set-config already`
  if (keyrollRpc !== undefined && !anyway) {
    const forced = findForced(rollup, await getTransactionReceipt(l1, { hash }))
    const deposit = forced.findLast((each) => each.raw === raw)?.transactionHash
    if (deposit !== undefined && (await hadNoEffect(keyrollRpc, deposit))) {
      return tell(`${what}, and had no effect then: forcing it again`)
    }
  }
  refuse(what, anyway)
}

/** Those before it are derived too, so what they changed is in the state that the set-config was checked against. */
async function hadNoEffect(keyrollRpc: string, deposit: Hex): Promise<boolean> {
  const node = createClient({ transport: httpTransport(keyrollRpc) })
  const { stage, valid } = await getStatus(node, { transactionHash: deposit })
  return DERIVED.includes(stage) && valid === false
}

/** Ends the command before it pays, unless it shall go on whatever there is against it. */
function refuse(what: string, anyway: boolean): void {
  if (!anyway) throw new CliError(`${what}; nothing was sent, --anyway forces it nevertheless`)
  tell(`${what}; forcing it nevertheless`)
}

function describeCost(raw: Hex, { gas, burnedGas, maxFeePerGas, cost }: ForceEstimate): string {
  return (
    `forcing ${raw.length / 2 - 1} bytes: at most ${gas} gas at ${formatGwei(maxFeePerGas)} gwei = ${formatEther(cost)} ETH; ` +
    `${burnedGas} gas of it are the portal's price, burned but for its work`
  )
}

function estimateToJson({ gas, burnedGas, maxFeePerGas, cost }: ForceEstimate) {
  return {
    gas: Number(gas),
    burnedGas: Number(burnedGas),
    maxFeePerGas: `${maxFeePerGas}`,
    cost: `${cost}`,
  }
}

function forcedToJson(forced: ForcedConfig) {
  const { depositIndex, sourceHash, transactionHash, setConfigHash, l1BlockNumber, latestL1Block } = forced
  return {
    depositIndex: Number(depositIndex),
    sourceHash,
    transactionHash,
    setConfigHash,
    l1BlockNumber: Number(l1BlockNumber),
    latestL1Block: Number(latestL1Block),
  }
}

/** Results go to standard output, a line of JSON each; everything for people to standard error. */
function print(json: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify(json)}\n`)
}

function tell(text: string): void {
  process.stderr.write(`${text}\n`)
}
