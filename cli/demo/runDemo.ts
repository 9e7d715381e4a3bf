import { createClient, type Hex, http, numberToHex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { readContract } from 'viem/actions'
import {
  type ConfigSigner,
  createAuthority,
  createKeystore,
  createNextConfig,
  findPromiseFault,
  keyrollActions,
  type SignedSetConfig,
  signSetConfig,
  toWebAuthnSigner,
} from '../../client/index.ts'
import { systemConfigAbi } from '../../contracts/index.ts'
import { createAuthenticator, type DevnetInfo } from '../../devnet/index.ts'
import { type Config, configHash, parseRollupConfig, toJsonObject } from '../../protocol/index.ts'
import { CliError } from '../CliError.ts'
import { callRpc } from '../callRpc.ts'
import { createRelayer } from '../Relayer.ts'
import type { StageTable } from '../StageTable.ts'
import { openWallet, type WalletOnChain } from './WalletOnChain.ts'

/** What the demo found out; numbers that fit are JSON numbers. */
export type DemoResult = {
  id: Hex
  nonce: number
  configHash: Hex
  /** Milliseconds from sending the set-config to holding the signed promise. */
  promiseMs: number
  unsafeBlock: number
  batchTx: Hex
  safeBlock: number
  outputIndex: number
  outputRoot: Hex
  /** By the independent node, from L1 alone. */
  derivedOutputRoot: Hex
  replicas: ReplicaResult[]
}

/** What happened on one chain. */
export type ReplicaResult = {
  chain: string
  source: string
  /** Gas of the whole `updateRoot` transaction, shared by all wallets of the chain. */
  rootGas: number
  /** Gas of the whole `confirm` transaction. */
  confirmGas: number
  /** The config in force, by the replica. */
  configHash: Hex
  /** Whether a finalized output proved it. */
  confirmed: boolean
}

/** The stages of the demo, in the order in which they usually end. */
export const DEMO_STAGES = {
  create: 'keystore and wallets created',
  before: 'old passkey pays on A and B',
  preconfirm: 'rotation preconfirmed on A',
  promise: 'sequencer signs a promise',
  unsafe: 'in an unsafe block',
  batch: 'batch on L1',
  safe: 'safe: derived from L1',
  output: 'output proposed on L1',
  agreed: 'independent node agrees',
  rootA: 'root proven on A',
  rootB: 'root proven on B',
  confirmA: 'config confirmed on A',
  confirmB: 'config confirmed on B',
  refused: 'old passkey refused on A and B',
  accepted: 'new passkey pays on A and B',
} as const

type Stage = keyof typeof DEMO_STAGES
type Context = { info: DevnetInfo; table: StageTable; signal: AbortSignal }

/** Milliseconds to wait for what L1 and the rollup do in their own time. */
function patience({ rollup }: DevnetInfo): number {
  const { challenge_period, submission_interval, block_time } = rollup.config
  return 60_000 + 1000 * (challenge_period + submission_interval * block_time)
}

/**
 * Takes one rotation the whole way: from a passkey's signature to two wallets on two chains that obey the new passkey.
 *
 * @throws {CliError} when a stage fails; the table shows which.
 */
export async function runDemo(context: Context): Promise<DemoResult> {
  const { info } = context
  const oldKey = createPasskey()
  const newKey = createPasskey()
  const { id, initial } = createKeystore({ signers: [oldKey] })
  const next = createNextConfig(initial, { signers: createAuthority({ signers: [newKey] }) })
  const rotation = await signSetConfig({
    rollup: parseRollupConfig(info.rollup.config),
    kind: 0,
    id,
    current: initial,
    next,
    authority: [oldKey],
    approvers: [oldKey],
    nextSigners: [newKey],
    openers: [newKey],
  })

  const wallets = await stage(context, 'create', async () => {
    const opened = await Promise.all(info.chains.map((chain) => openWallet(info, chain, id)))
    await Promise.all(opened.map((wallet) => wallet.create()))
    return { value: opened, detail: `id ${brief(id)}, wallet ${brief(opened[0]?.address ?? '')} on both` }
  })
  await stage(context, 'before', () => expectPaid(wallets, oldKey, initial))
  await stage(context, 'preconfirm', () => preconfirm(wallets, { initial, next, raw: rotation.raw, newKey }))

  const promiseMs = await stage(context, 'promise', () => getPromise(info, rotation))
  const progress = await followSetConfig(context, rotation.transactionHash)
  const replicas = await Promise.all(
    wallets.map((wallet) => relay(context, wallet, { id, next, outputIndex: BigInt(progress.outputIndex) })),
  )

  await stage(context, 'refused', () => expectRefused(wallets, oldKey, { initial, next }))
  await stage(context, 'accepted', () => expectPaid(wallets, newKey, next))
  return { id, nonce: Number(next.nonce), configHash: configHash(next), promiseMs, ...progress, replicas }
}

/** A passkey of the demo's imaginary wallet, on a software authenticator. */
function createPasskey(): ConfigSigner {
  return toWebAuthnSigner(createAuthenticator('https://wallet.example'))
}

/** Runs a stage and keeps the table informed. */
async function stage<T>(
  { table, signal }: Context,
  name: Stage,
  run: () => Promise<{ value: T; detail: string }>,
  waiting = '',
): Promise<T> {
  signal.throwIfAborted()
  table.start(name, waiting)
  try {
    const { value, detail } = await Promise.race([run(), rejection(signal)])
    table.done(name, detail)
    return value
  } catch (error) {
    table.fail(name, error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error))
    throw error
  }
}

/** Rejects when the signal aborts, with its reason. */
function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

async function expectPaid(wallets: readonly WalletOnChain[], passkey: ConfigSigner, config: Config) {
  await Promise.all(
    wallets.map(async (wallet) => {
      const payment = await wallet.pay(passkey, config)
      if (payment.accepted) return
      throw new CliError(`the wallet on ${wallet.chain.name} refused its passkey: ${payment.reason}`)
    }),
  )
  return { value: undefined, detail: 'accepted on both' }
}

async function expectRefused(
  wallets: readonly WalletOnChain[],
  passkey: ConfigSigner,
  { initial, next }: { initial: Config; next: Config },
) {
  const reasons = await Promise.all(
    wallets.flatMap((wallet) =>
      // Whether it names the old config or the new one, the old passkey must not pass.
      [initial, next].map(async (config) => {
        const payment = await wallet.pay(passkey, config)
        if (!payment.accepted) return payment.reason.replace(/\(.*$/, '')
        throw new CliError(`the wallet on ${wallet.chain.name} still obeys the old passkey`)
      }),
    ),
  )
  return { value: undefined, detail: [...new Set(reasons)].join(', ') }
}

async function preconfirm(
  [wallet]: readonly WalletOnChain[],
  { initial, next, raw, newKey }: { initial: Config; next: Config; raw: Hex; newKey: ConfigSigner },
) {
  if (!wallet) throw new CliError('the devnet has no chain A')
  const { gasUsed } = await wallet.preconfirm(initial, raw)
  const payment = await wallet.pay(newKey, next)
  if (!payment.accepted) throw new CliError(`preconfirmed, yet the new passkey is refused: ${payment.reason}`)
  return { value: undefined, detail: `${gas(gasUsed)}; the new passkey pays on A already` }
}

async function getPromise(info: DevnetInfo, { raw, tx }: SignedSetConfig) {
  const promiseSigner = await readContract(createClient({ transport: http(info.l1.rpcUrl) }), {
    address: info.contracts.l1.systemConfig,
    abi: systemConfigAbi,
    functionName: 'promiseSigner',
  })
  const sequencer = keyrollClient(info.sequencer.rpcUrl)
  const sentAt = performance.now()
  const signed = await sequencer.sendConfig({ raw })
  const promiseMs = Math.round((performance.now() - sentAt) * 10) / 10
  const fault = findPromiseFault({ signed, l2ChainId: BigInt(info.rollup.l2ChainId), promiseSigner, tx })
  if (fault !== undefined) throw new CliError(`the promise is worth nothing: ${fault}`)
  return { value: promiseMs, detail: `by block ${signed.promise.byBlock}, held after ${promiseMs} ms` }
}

/** Follows a set-config from the sequencer's block to the output on L1 that carries it. */
async function followSetConfig(context: Context, transactionHash: Hex) {
  const { info, signal } = context
  const waiting = { transactionHash, timeout: patience(info), signal, pollingInterval: 100 }
  const sequencer = keyrollClient(info.sequencer.rpcUrl)
  const node = keyrollClient(info.node.rpcUrl)

  const unsafeBlock = await stage(context, 'unsafe', async () => {
    const status = await sequencer.waitForStatus({ ...waiting, stage: 'unsafe' })
    const value = known(status.blockNumber)
    return { value: Number(value), detail: `block ${value}` }
  })
  const batchTx = await stage(context, 'batch', async () => {
    const status = await sequencer.waitForStatus({ ...waiting, stage: 'safe' })
    const { transactionHash: batch, blockNumber } = known(status.l1)
    return { value: known(batch), detail: `L1 block ${blockNumber}, transaction ${brief(known(batch))}` }
  })
  const safeBlock = await stage(context, 'safe', async () => {
    const status = await node.waitForStatus({ ...waiting, stage: 'safe' })
    const value = known(status.blockNumber)
    return { value: Number(value), detail: `block ${value}, by the independent node` }
  })
  const output = await stage(context, 'output', async () => {
    const status = await node.waitForStatus({ ...waiting, stage: 'proposed' })
    const value = known(status.output)
    return { value, detail: `output ${value.index}, root ${brief(value.outputRoot)}` }
  })
  const derivedOutputRoot = await stage(context, 'agreed', async () => {
    const derived = await getDerivedOutputRoot(info.node.rpcUrl, output.l2BlockNumber)
    if (derived === output.outputRoot)
      return { value: derived, detail: 'the same output root, from L1 alone' }
    throw new CliError(`the independent node derived ${derived}, the output is ${output.outputRoot}`)
  })
  const { index, outputRoot } = output
  return { unsafeBlock, batchTx, safeBlock, outputIndex: Number(index), outputRoot, derivedOutputRoot }
}

function keyrollClient(url: string) {
  return createClient({ transport: http(url) }).extend(keyrollActions())
}

async function getDerivedOutputRoot(url: string, blockNumber: bigint): Promise<Hex> {
  const output = await callRpc(url, 'optimism_outputAtBlock', [numberToHex(blockNumber)])
  const refuse = (details: string) =>
    new CliError(`${url} answered optimism_outputAtBlock wrongly: ${details}`)
  return toJsonObject(output, refuse).hex('outputRoot', 32)
}

/** Takes what belongs to a stage that was reached. */
function known<T>(value: T | undefined): T {
  if (value !== undefined) return value
  throw new CliError('the node says that a stage is reached, but not where')
}

async function relay(
  context: Context,
  wallet: WalletOnChain,
  { id, next, outputIndex }: { id: Hex; next: Config; outputIndex: bigint },
): Promise<ReplicaResult> {
  const { info, signal } = context
  const { chain, address: account } = wallet
  const source = chain.source.address
  const suffix = chain.name === 'A' ? 'A' : 'B'
  const relayer = createRelayer({
    l1Url: info.l1.rpcUrl,
    beaconUrl: info.l1.beaconUrl,
    keyrollUrl: info.node.rpcUrl,
    chainUrl: chain.rpcUrl,
    replica: info.contracts.l2.keystoreReplica,
    account: privateKeyToAccount(info.accounts.relayer.privateKey),
    timeout: patience(info),
    signal,
  })
  const rootGas = await stage(context, `root${suffix}`, async () => {
    const { gasUsed } = await relayer.updateRoot({ source, outputIndex, final: true })
    return {
      value: Number(gasUsed),
      detail: `${gas(gasUsed)}, once for all wallets, by ${chain.source.kind}`,
    }
  })
  return stage(context, `confirm${suffix}`, async () => {
    const { gasUsed } = await relayer.confirm({ id, account, source, outputIndex })
    const { configHash: inForce, confirmedNonce } = await wallet.record()
    const confirmed = confirmedNonce === next.nonce
    if (!confirmed || inForce !== configHash(next)) {
      throw new CliError(`the replica on ${chain.name} holds ${inForce} at nonce ${confirmedNonce}`)
    }
    const result = {
      chain: chain.name,
      source: chain.source.kind,
      rootGas,
      confirmGas: Number(gasUsed),
      configHash: inForce,
      confirmed,
    }
    return { value: result, detail: `${gas(gasUsed)}, nonce ${confirmedNonce}` }
  })
}

function gas(used: bigint): string {
  return `${Number(used).toLocaleString('en-US')} gas`
}

function brief(hex: string): string {
  return `${hex.slice(0, 8)}…${hex.slice(-6)}`
}
