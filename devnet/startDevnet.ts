import { randomBytes } from 'node:crypto'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import {
  type Address,
  createPublicClient,
  createTestClient,
  createWalletClient,
  http,
  zeroAddress,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { deployL2, predictL2 } from '../contracts/index.ts'
import { rollupConfigToJson } from '../protocol/index.ts'
import type { DataAvailability } from '../sequencer/index.ts'
import { type DevnetAccount, devnetAccounts } from './accounts.ts'
import { type Anvil, startAnvil } from './anvil.ts'
import { createBeaconChain } from './BeaconChain.ts'
import { serveBeaconApi } from './beaconApi.ts'
import { startChildProcess } from './ChildProcess.ts'
import { DevnetError } from './DevnetError.ts'
import type { DevnetInfo } from './DevnetInfo.ts'
import { deployRollup, drawChainId } from './deployRollup.ts'
import { followL1 } from './followL1.ts'
import { keepInStep } from './keepInStep.ts'
import { createOpChain } from './OpChain.ts'
import { deployOptimismPortal } from './OptimismPortal.ts'
import { createWorld, type World } from './World.ts'

/** Settings of a devnet; every port may be 0 for any free one. Times are seconds. */
export type DevnetOptions = {
  ports: Record<'l1' | 'beacon' | 'chainA' | 'chainB' | 'sequencer' | 'admin' | 'node', number>
  chainIds: Record<'l1' | 'chainA' | 'chainB', number>
  l1BlockTime: number
  blockTime: number
  /** L2 blocks between two outputs. */
  submissionInterval: number
  challengePeriod: number
  /** What the sequencer posts its batches in. */
  dataAvailability: DataAvailability
  /** Where databases and logs go; a temporary directory, removed at the end, when undefined. */
  dataDir: string | undefined
  /** Where the {@link DevnetInfo} is written; into the data directory when undefined. */
  out: string | undefined
  /** How to run `keyroll`; the subcommand follows. */
  keyroll: { command: string; args: readonly string[] }
  /** Hears what is being done. */
  onProgress: (message: string) => void
  /** Gives up starting, or ends the devnet. */
  signal: AbortSignal
}

/** A running devnet. */
export interface Devnet {
  readonly info: DevnetInfo
  /** Rejects, saying which, when a part ends that should not; never resolves. */
  readonly crashed: Promise<never>
  /** Stops every part, and removes what was temporary. Safe to call twice. */
  stop(): Promise<void>
}

/** From Deneb to Fulu, where the execution block hash stands in a beacon block (protocol.md §7.1). */
const BLOCK_HASH_SCHEDULE = [{ fromSlot: 0n, untilSlot: 2n ** 64n - 1n, index: 6444n }]
/** Milliseconds; a sequencer is ready once its first batch is safe, which in blobs takes KZG in two processes. */
const READY_TIMEOUT = 120_000

/**
 * Starts L1 with its beacon chain, the OP-like chains A and B, the contracts, a sequencer and an independent node.
 *
 * @throws {DevnetError} when a part does not start; by then the others have been stopped.
 */
export async function startDevnet(options: DevnetOptions): Promise<Devnet> {
  const world = await createWorld(options.dataDir)
  try {
    const info = await startParts(options, world)
    return { info, crashed: world.crashed, stop: world.stop }
  } catch (error) {
    if (!options.signal.aborted) world.keepFiles()
    await world.stop()
    throw error
  }
}

async function startParts(options: DevnetOptions, world: World): Promise<DevnetInfo> {
  const step = (message: string) => {
    options.signal.throwIfAborted()
    options.onProgress(message)
  }
  step('starting L1 and the chains A and B')
  const chains = await startChains(options, world)
  step('deploying the contracts')
  const deployment = await deployContracts(options, world, chains)
  step('starting the beacon chain')
  const beaconUrl = await startFollowing(options, world, chains)
  step('starting the sequencer and the node')
  const keyroll = await startKeyroll(options, world, {
    l1Url: chains.l1.url,
    beaconUrl,
    configPath: deployment.configPath,
  })

  const { l1, a, b, portals } = chains
  const { contracts, rollup, configPath } = deployment
  const info: DevnetInfo = {
    l1: { chainId: l1.chainId, rpcUrl: l1.url, beaconUrl },
    chains: [
      {
        name: 'A',
        chainId: a.chainId,
        rpcUrl: a.url,
        portal: portals.a,
        source: { kind: 'L1Block', address: contracts.l2.l1BlockSource },
      },
      {
        name: 'B',
        chainId: b.chainId,
        rpcUrl: b.url,
        portal: portals.b,
        source: { kind: 'EIP-4788', address: contracts.l2.beaconRootsSource },
      },
    ],
    rollup: { l2ChainId: Number(rollup.l2ChainId), configPath, config: rollupConfigToJson(rollup) },
    ...keyroll,
    contracts,
    accounts: devnetAccounts(),
    dataDir: world.dataDir,
    path: resolve(options.out ?? join(world.dataDir, 'devnet.json')),
    pid: process.pid,
  }
  await mkdir(dirname(info.path), { recursive: true })
  // Whole or not at all: whoever waits for the file reads it as soon as it is there.
  const unfinished = `${info.path}.${process.pid}`
  await writeFile(unfinished, `${JSON.stringify(info, null, 2)}\n`)
  await rename(unfinished, info.path)
  world.onStop(() => rm(info.path, { force: true }))
  return info
}

type Chains = {
  l1: Anvil
  a: Anvil
  b: Anvil
  portals: { a: Address; b: Address }
  opChains: Awaited<ReturnType<typeof createOpChain>>[]
}

async function startChains({ ports, chainIds }: DevnetOptions, world: World): Promise<Chains> {
  const { logDirectory } = world
  const [l1, a, b] = await world.own([
    startAnvil({ name: 'anvil-l1', chainId: chainIds.l1, port: ports.l1, slotsInAnEpoch: 2, logDirectory }),
    startAnvil({ name: 'anvil-a', chainId: chainIds.chainA, port: ports.chainA, logDirectory }),
    startAnvil({ name: 'anvil-b', chainId: chainIds.chainB, port: ports.chainB, logDirectory }),
  ])
  const deployer = walletOf(l1, devnetAccounts().deployer)
  const portals = { a: await deployOptimismPortal(deployer), b: await deployOptimismPortal(deployer) }
  const opChains = await Promise.all([createOpChain(a, portals.a), createOpChain(b, portals.b)])
  return { l1, a, b, portals, opChains }
}

/** Anvil still mines a block per transaction, so that this takes no time. */
async function deployContracts(options: DevnetOptions, world: World, { l1, a, b }: Chains) {
  const { deployer, batcher, promiseSigner, proposer, challenger } = devnetAccounts()
  const { contracts, rollup } = await deployRollup(walletOf(l1, deployer), {
    owner: deployer.address,
    batcher: batcher.address,
    promiseSigner: promiseSigner.address,
    proposer: proposer.address,
    challenger: challenger.address,
    l2ChainId: drawChainId(),
    blockTime: BigInt(options.blockTime),
    challengePeriod: options.challengePeriod,
    submissionInterval: BigInt(options.submissionInterval),
    ...DEVNET_WINDOWS,
    minRecoveryDelay: 2 * Number(DEVNET_WINDOWS.seqWindowSize) * options.l1BlockTime,
  })
  const parameters = {
    l1ChainId: rollup.l1ChainId,
    outputOracle: rollup.outputOracleAddress,
    l2ChainId: rollup.l2ChainId,
    challengePeriod: rollup.challengePeriod,
    minRecoveryDelay: rollup.minRecoveryDelay,
    schedule: BLOCK_HASH_SCHEDULE,
    sourceAdmin: zeroAddress,
    staker: zeroAddress,
  }
  await Promise.all([l1, a, b].map((chain) => deployL2(walletOf(chain, deployer), parameters)))
  const configPath = join(world.dataDir, 'rollup.json')
  await writeFile(configPath, `${JSON.stringify(rollupConfigToJson(rollup), null, 2)}\n`)
  return { contracts: { l1: contracts, l2: predictL2(parameters) }, rollup, configPath }
}

/** From here on L1 has its beat, and the others follow it. */
async function startFollowing(
  { ports, l1BlockTime }: DevnetOptions,
  world: World,
  { l1, opChains }: Chains,
): Promise<string> {
  const from = await createPublicClient({ transport: http(l1.url) }).getBlock()
  const beacon = await createBeaconChain(l1.url, from)
  const api = await serveBeaconApi({ chain: beacon, port: ports.beacon })
  world.onStop(() => api.close())

  await Promise.all(opChains.map((chain) => chain.stopAutomine()))
  const l1Test = createTestClient({ mode: 'anvil', transport: http(l1.url) })
  await l1Test.setIntervalMining({ interval: l1BlockTime })
  const ending = new AbortController()
  const followed = followL1({
    l1Url: l1.url,
    from,
    follower: keepInStep({ l1Url: l1.url, beacon, chains: opChains }),
    signal: ending.signal,
  })
  world.watch(followed)
  world.onStop(async () => {
    ending.abort()
    await followed.catch(() => undefined)
  })
  return api.url
}

async function startKeyroll(
  { keyroll, ports, dataAvailability, signal }: DevnetOptions,
  world: World,
  { l1Url, beaconUrl, configPath }: Record<'l1Url' | 'beaconUrl' | 'configPath', string>,
): Promise<Pick<DevnetInfo, 'sequencer' | 'node'>> {
  const start = (name: string, args: readonly string[], env: Record<string, string> = {}) =>
    startChildProcess({
      name,
      command: keyroll.command,
      args: [
        ...keyroll.args,
        ...[name, '--l1-rpc', l1Url, '--l1-beacon', beaconUrl, '--l1-poll-interval', '200'],
        ...['--rollup-config', configPath],
        ...['--data-dir', join(world.dataDir, name), ...args],
      ],
      env,
      logFile: join(world.logDirectory, `${name}.log`),
      ready: /^\{"rpcUrl":.*\}$/,
    })
  const { batcher, proposer, promiseSigner } = devnetAccounts()
  const adminToken = randomBytes(32).toString('hex')
  const [sequencer, node] = await world.own([
    start(
      'sequencer',
      [
        '--port',
        `${ports.sequencer}`,
        '--admin-port',
        `${ports.admin}`,
        '--data-availability',
        dataAvailability,
        ...EAGER,
      ],
      {
        KEYROLL_ADMIN_TOKEN: adminToken,
        KEYROLL_BATCHER_KEY: batcher.privateKey,
        KEYROLL_PROPOSER_KEY: proposer.privateKey,
        KEYROLL_PROMISE_KEY: promiseSigner.privateKey,
      },
    ),
    start('node', ['--port', `${ports.node}`]),
  ])
  const urls = {
    sequencer: { ...JSON.parse(sequencer.match[0]), adminToken },
    node: JSON.parse(node.match[0]),
  }
  // When one fails, nobody may go on asking the other.
  const ending = new AbortController()
  const until = AbortSignal.any([signal, ending.signal])
  const ready = [
    untilReady(sequencer.name, urls.sequencer.rpcUrl, until),
    untilReady(node.name, urls.node.rpcUrl, until),
  ]
  await Promise.race([Promise.all(ready), world.crashed]).finally(() => ending.abort())
  return urls
}

/** A devnet's L1 never reorganises by itself, and costs nothing: nothing has to wait for company or for finality. */
const EAGER = ['--l1-confirmations', '0', '--max-channel-duration', '0', '--proposer-head', 'safe']

/** In L1 blocks where not said otherwise: short enough to watch, long enough for a laptop that stutters. */
const DEVNET_WINDOWS = {
  maxSequencerDrift: 600n,
  seqWindowSize: 60n,
  channelTimeout: 50n,
  /** Seconds. */
  permissionlessDelay: 259_200n,
}

function walletOf(anvil: Anvil, account: DevnetAccount) {
  return createWalletClient({
    account: privateKeyToAccount(account.privateKey),
    transport: http(anvil.url),
    pollingInterval: 50,
  })
}

async function untilReady(part: string, url: string, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT
  let last = 'no answer'
  while (Date.now() < deadline) {
    signal.throwIfAborted()
    try {
      const answer = await fetch(`${url}/readyz`, { signal })
      if (answer.ok) return
      last = `${answer.status} ${await answer.text()}`
    } catch (error) {
      last = error instanceof Error ? error.message : String(error)
    }
    await setTimeout(100)
  }
  throw new DevnetError(part, `not ready after ${READY_TIMEOUT} ms: ${last}`)
}
