import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Address,
  createClient,
  createPublicClient,
  createWalletClient,
  type Hex,
  http,
  numberToHex,
  zeroAddress,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { waitForTransactionReceipt } from 'viem/actions'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { replicaActions } from '../../client/index.ts'
import { deployL2, type L2Contracts } from '../../contracts/index.ts'
import { devnetAccounts } from '../../devnet/accounts.ts'
import { BEACON_ROOTS_ADDRESS } from '../../devnet/BeaconRoots.ts'
import { deployRollup, drawChainId } from '../../devnet/deployRollup.ts'
import { type RealL1, startRealL1 } from '../../devnet/realL1/startRealL1.ts'
import { createL1Client, type L1Client } from '../../node/index.ts'
import { type RollupConfig, toHex, ZERO_HASH } from '../../protocol/index.ts'
import { createProver } from '../../prover/index.ts'
import { rpc, type StatusJson, until, untilReady } from '../sequencerWorld.ts'
import { createTestKeystore } from '../TestKeystore.ts'
import { createProcesses, type Processes, type RunningProcess } from './processes.ts'
import { expectSameChain } from './sameChain.ts'

const L1_CHAIN_ID = 900
const STAGES = ['pending', 'unsafe', 'safe', 'proposed', 'finalized']
/** Loading KZG takes seconds of a processor, in each process. */
const TIMEOUT = 420_000

const accounts = devnetAccounts()
let directory: string
let l1: RealL1
let strict: L1Client
let rollup: RollupConfig
let contracts: L2Contracts
let processes: Processes
let sequencer: RunningProcess
let node: RunningProcess

const walletOf = ({ privateKey }: { privateKey: Hex }) =>
  createWalletClient({
    account: privateKeyToAccount(privateKey),
    transport: http(l1.url),
    pollingInterval: 250,
  })

const trustingBeacon = () => [
  ...['--l1-beacon', l1.beaconUrl, '--l1-trust', 'beacon', '--l1-poll-interval', '500'],
]

async function startSequencer(dataAvailability: 'calldata' | 'blobs'): Promise<RunningProcess> {
  const started = await processes.startSequencer(
    'sequencer',
    ...trustingBeacon(),
    ...['--data-availability', dataAvailability, '--max-channel-duration', '2'],
  )
  await untilReady(started.url, TIMEOUT)
  return started
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keyroll-real-l1-'))
  l1 = await startRealL1({ directory, chainId: L1_CHAIN_ID })
  strict = createL1Client({ urls: [l1.url], beaconUrls: [l1.beaconUrl], trust: 'beacon' })
  const deployer = walletOf(accounts.deployer)
  ;({ rollup } = await deployRollup(deployer, {
    owner: accounts.deployer.address,
    batcher: accounts.batcher.address,
    promiseSigner: accounts.promiseSigner.address,
    proposer: accounts.proposer.address,
    challenger: accounts.challenger.address,
    l2ChainId: drawChainId(),
    blockTime: 2n,
    challengePeriod: 5,
    minRecoveryDelay: 2,
    submissionInterval: 3n,
    permissionlessDelay: 1_000n,
    maxSequencerDrift: 600n,
    seqWindowSize: 400n,
    channelTimeout: 200n,
  }))
  contracts = await deployL2(deployer, {
    l1ChainId: rollup.l1ChainId,
    outputOracle: rollup.outputOracleAddress,
    l2ChainId: rollup.l2ChainId,
    challengePeriod: rollup.challengePeriod,
    minRecoveryDelay: rollup.minRecoveryDelay,
    schedule: [{ fromSlot: 0n, untilSlot: 2n ** 64n - 1n, index: 6444n }],
    sourceAdmin: zeroAddress,
    staker: zeroAddress,
  })
  processes = await createProcesses({ rollup, accounts, l1Url: l1.url })
  ;[sequencer, node] = await Promise.all([
    startSequencer('calldata'),
    processes.startNode('node', ...trustingBeacon()),
  ])
}, 900_000)

afterAll(async () => {
  await processes?.stop()
  await strict?.close()
  await l1?.stop()
  await rm(directory, { recursive: true })
})

/** Waits for what L1 brings, as long as L1 goes on. */
const untilOnL1: typeof until = (question, accept, timeoutMs = TIMEOUT) =>
  Promise.race([until(question, accept, timeoutMs), l1.crashed])

/** Has the sequencer take an update of a new keystore, and waits until the independent node has it at a stage. */
async function update(name: string, stage: 'safe' | 'finalized') {
  const keystore = createTestKeystore(rollup.l2ChainId, name)
  const { raw, hash, config, configHash } = keystore.update({ data: '0x01' })
  await rpc(sequencer.url, 'keyroll_sendConfig', [toHex(raw)])
  const status = await untilOnL1(
    () => rpc<StatusJson>(node.url, 'keyroll_getStatus', [hash]),
    (answer) => STAGES.indexOf(answer.stage) >= STAGES.indexOf(stage),
  )
  expect(status.valid).toBe(true)
  return { id: keystore.id, config, configHash, status }
}

const carrierOf = ({ l1: carrier }: StatusJson) =>
  createPublicClient({ transport: http(l1.url) }).getTransaction({ hash: carrier?.transactionHash ?? '0x' })

describe('on an L1 of a real execution client', () => {
  it('a set-config becomes final, and a replica there confirms it by an EIP-4788 root and by block hash', async () => {
    const { id, config, configHash, status } = await update('relayed', 'finalized')
    const outputIndex = BigInt(status.output?.index ?? 0)
    const carrier = await carrierOf(status)
    expect(carrier.type).toBe('eip1559')

    const { beaconRootsSource, blockHashSource, keystoreReplica: replica } = contracts
    const relayer = walletOf(accounts.relayer).extend(replicaActions({ replica }))
    const prover = createProver({
      l1: relayer,
      l2: relayer,
      keyroll: createClient({ transport: http(node.url) }),
      beaconUrl: l1.beaconUrl,
      replica,
    })
    const confirmBy = async (source: Address, account: Address) => {
      const output = await untilOnL1(
        () => prover.proveOutput({ source, outputIndex }),
        ({ isFinal }) => isFinal,
      )
      const stored = await waitForTransactionReceipt(relayer, {
        hash: await relayer.updateRoot(output),
      })
      expect(stored.status).toBe('success')
      expect(await relayer.getRoot({ source, outputIndex })).toMatchObject({ finalized: true })
      const proof = await prover.proveConfig({ id, account, source, outputIndex })
      const confirmed = await waitForTransactionReceipt(relayer, {
        hash: await relayer.confirm(proof),
      })
      expect(confirmed.status).toBe('success')
      expect(await relayer.getRecord({ id, account })).toMatchObject({
        configHash,
        confirmedNonce: config.nonce,
      })
    }
    await confirmBy(beaconRootsSource, accounts.user.address)
    await confirmBy(blockHashSource, accounts.deployer.address)
  }, 900_000)

  it('batches come in blobs too', async () => {
    await sequencer.kill()
    sequencer = await startSequencer('blobs')
    const { status } = await update('in a blob', 'safe')
    expect(await carrierOf(status)).toMatchObject({ type: 'eip4844', input: '0x' })
    await expectSameChain([sequencer.url, node.url], Number(status.blockNumber))
  }, 900_000)

  it('every block is what its hash says, and EIP-4788 holds the root of the beacon block before it', async () => {
    await Promise.all([sequencer.kill(), node.kill()])
    const client = createPublicClient({ transport: http(l1.url), cacheTime: 0 })
    const head = await strict.header('latest')
    const forks = new Set<string>()
    const types = new Set<number>()
    for (let number = 0n; number <= (head?.number ?? 0n); number++) {
      const header = await strict.header(number)
      const beaconBlock = l1.beacon.byL1Number(number)
      if (header === undefined || beaconBlock === undefined) expect.unreachable()
      forks.add(beaconBlock.fork)
      expect(header.hash).toBe(beaconBlock.l1.hash)
      const transactions = await strict.transactions(header)
      expect(await strict.receipts(header)).toHaveLength(transactions.length)
      for (const { type } of transactions) types.add(type)
      const parent = l1.beacon.byL1Number(number - 1n)
      expect(header.parentBeaconBlockRoot).toBe(parent?.root ?? ZERO_HASH)
      if (parent === undefined) continue
      const { data } = await client.call({
        to: BEACON_ROOTS_ADDRESS,
        data: numberToHex(header.timestamp, { size: 32 }),
      })
      expect(data).toBe(parent.root)
    }
    expect([...forks]).toEqual(['deneb', 'electra'])
    expect([...types].sort()).toEqual([2, 3])
    expect(head?.number).toBeLessThan(l1.beacon.head().message.slot)
  }, 900_000)
})
