import {
  createClient,
  createTestClient,
  createWalletClient,
  type Hex,
  http,
  parseEther,
  publicActions,
  zeroAddress,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import {
  type ConfigSigner,
  createAuthority,
  createKeystore,
  createNextConfig,
  findCheckpoint,
  keyrollActions,
  replicaActions,
  type SignedSetConfig,
} from '../../client/index.ts'
import { deployL2, type L2Contracts } from '../../contracts/index.ts'
import { type Anvil, startAnvil } from '../../devnet/anvil.ts'
import { deployEntryPoint } from '../../devnet/EntryPoint.ts'
import { followL1 } from '../../devnet/followL1.ts'
import { followParent } from '../../devnet/followParent.ts'
import { createOpChain } from '../../devnet/OpChain.ts'
import { type Config, configHash } from '../../protocol/index.ts'
import { createProver, LaggingError, type Prover } from '../../prover/index.ts'
import { createSequencer, type Sequencer } from '../../sequencer/index.ts'
import { type SequencerWorld, startSequencerWorld, until, untilReady } from '../sequencerWorld.ts'
import { newPasskey, PATIENCE, signUpdate } from './flowsWorld.ts'
import { openFlowWallet } from './flowWallet.ts'

const DAY = 86_400
/** A rollup that is slow enough for a year to pass in it: two blocks a day, an output a month, a week to challenge it. */
const RARELY = {
  blockTime: BigInt(DAY / 2),
  submissionInterval: 60n,
  challengePeriod: 7 * DAY,
  permissionlessDelay: BigInt(90 * DAY),
  maxSequencerDrift: BigInt(2 * DAY),
  seqWindowSize: 3_600n,
  channelTimeout: 300n,
}
const PAYMENT = [{ to: '0x000000000000000000000000000000000000beef', value: 1n, data: '0x' }] as const

let world: SequencerWorld
let sequencer: Sequencer
let chain: Awaited<ReturnType<typeof startSleepyChain>>
/** Milliseconds by which this process and L1 are ahead of other clocks. */
let ahead = 0

beforeAll(async () => {
  const realNow = Date.now
  vi.spyOn(Date, 'now').mockImplementation(() => realNow() + ahead)
  world = await startSequencerWorld({ parameters: RARELY })
  sequencer = await createSequencer(world.optionsFor(await world.newDirectory()))
  chain = await startSleepyChain()
})

afterAll(async () => {
  await chain?.stop()
  await sequencer?.close()
  await world?.stop()
  vi.restoreAllMocks()
})

/** Lets days pass on L1, and for the sequencer, one L1 block a day. */
async function passDays(days: number): Promise<void> {
  for (let day = 0; day < days; day++) {
    ahead += DAY * 1000
    await world.l1.increaseTime({ seconds: DAY })
    await world.l1.mine({ blocks: 1 })
  }
}

/** A chain with a replica and an EntryPoint that has blocks only while it is awake. */
async function startSleepyChain() {
  const { rollup, accounts, l1Url } = world
  const anvil: Anvil = await startAnvil({
    ...{ name: 'sleepy', chainId: 901, port: 0 },
    logDirectory: await world.newDirectory(),
  })
  const deployer = createWalletClient({
    account: privateKeyToAccount(accounts.deployer.privateKey),
    transport: http(anvil.url),
    pollingInterval: 50,
  })
  const contracts: L2Contracts = await deployL2(deployer, {
    ...{ l1ChainId: rollup.l1ChainId, outputOracle: rollup.outputOracleAddress, l2ChainId: rollup.l2ChainId },
    ...{ challengePeriod: rollup.challengePeriod, minRecoveryDelay: rollup.minRecoveryDelay },
    schedule: [{ fromSlot: 0n, untilSlot: 2n ** 64n - 1n, index: 6444n }],
    ...{ sourceAdmin: zeroAddress, staker: zeroAddress },
  })
  await deployEntryPoint(deployer)
  const opChain = await createOpChain(anvil)
  await opChain.stopAutomine()

  const replica = contracts.keystoreReplica
  const clientOf = (account: ReturnType<typeof privateKeyToAccount>) =>
    createWalletClient({ account, transport: http(anvil.url), pollingInterval: 100, cacheTime: 0 })
      .extend(publicActions)
      .extend(replicaActions({ replica }))
  const client = clientOf(privateKeyToAccount(accounts.relayer.privateKey))
  let ending = new AbortController()
  let following: Promise<void> = Promise.resolve()
  const sleep = async () => {
    ending.abort()
    await following
  }
  return {
    chain: { name: 'sleepy', chainId: 901, url: anvil.url, source: contracts.l1BlockSource },
    client,
    replica,
    factory: contracts.walletFactory,
    // All bundlers are one, so that none needs money first.
    newPayer: async () => clientOf(privateKeyToAccount(accounts.user.privateKey)),
    async fund(address: Hex) {
      const test = createTestClient({ mode: 'anvil', transport: http(anvil.url) })
      await test.setBalance({ address, value: parseEther('10') })
    },
    /** Follows L1 from its next block on. */
    async wake() {
      const signal = new AbortController()
      ending = signal
      const from = await world.l1.getBlock()
      following = followL1({ l1Url, from, follower: followParent(opChain, l1Url), signal: signal.signal })
      await until(
        () => client.getBlock(),
        ({ timestamp }) => timestamp >= from.timestamp,
        PATIENCE,
      )
    },
    sleep,
    async stop() {
      await sleep()
      await anvil.stop()
    },
  }
}

test('a chain that slept for a year comes back to the newest config, and obeys no old key meanwhile', async () => {
  const { rollup, l1 } = world
  const { client, replica, chain: sleepy } = chain
  const keyrollNode = createClient({ transport: http(sequencer.url) }).extend(keyrollActions())
  const prover: Prover = createProver({
    ...{ l1, l2: client, keyroll: keyrollNode, beaconUrl: undefined, replica },
  })
  const { source } = sleepy
  const mined = async (sending: Promise<Hex>) => client.waitForTransactionReceipt({ hash: await sending })
  const outputOf = async ({ transactionHash }: SignedSetConfig) => {
    const { output } = await until(
      () => keyrollNode.getStatus({ transactionHash }),
      (status) => status.output !== undefined,
      PATIENCE,
    )
    if (output === undefined) expect.unreachable()
    return output.index
  }
  const storeCheckpoint = async () =>
    findCheckpoint(source, (await mined(client.checkpoint({ source }))).logs) ?? '0x'
  const relay = async (outputIndex: bigint) => {
    const proven = await prover.proveOutput({ source, outputIndex, checkpoint: await storeCheckpoint() })
    expect(proven.isFinal).toBe(true)
    await mined(client.updateRoot(proven))
  }

  // A keystore whose owner wants no config to count that is older than two months.
  const keys: ConfigSigner[] = [newPasskey()]
  const { id, initial } = createKeystore({ signers: keys.slice(0, 1), maxStaleness: 60 * DAY, rollup })
  const configs: Config[] = [initial]
  const updates: SignedSetConfig[] = []
  const rotate = async (): Promise<SignedSetConfig> => {
    const [current, by, to] = [configs.at(-1) ?? initial, keys.at(-1) ?? newPasskey(), newPasskey()]
    const next = createNextConfig(current, { signers: createAuthority({ signers: [to] }) })
    const update = await signUpdate({ rollup }, { id, current, next, by, nextSigners: [to] })
    await keyrollNode.sendConfig(update)
    keys.push(to)
    configs.push(next)
    updates.push(update)
    return update
  }
  const payment = (nonce: number) => ({
    calls: PAYMENT,
    current: configs[nonce] ?? initial,
    signer: keys[nonce] ?? newPasskey(),
  })

  // Before: the first rotation is confirmed on the chain, the second preconfirmed; the wallet obeys the second key.
  const wallet = await openFlowWallet(chain, sleepy, id)
  await chain.fund(wallet.address)
  await passDays(1)
  await untilReady(sequencer.url, PATIENCE)
  const first = await rotate()
  await passDays(32)
  const firstOutput = await outputOf(first)
  await passDays(8)
  await chain.wake()
  await relay(firstOutput)
  await mined(
    client.confirm(
      await prover.proveConfig({ id, account: wallet.address, source, outputIndex: firstOutput }),
    ),
  )
  const second = await rotate()
  await mined(client.preconfirm({ account: wallet.address, current: first.tx.next, raw: second.raw }))
  await wallet.operate(payment(2))
  const before = await wallet.record()
  expect(before).toMatchObject({ confirmedNonce: 1n, headNonce: 2n })
  const oldCheckpoint = await storeCheckpoint()
  await chain.sleep()

  // A year: eleven rotations, an output a month; on the chain not a block.
  for (let month = 0; month < 11; month++) {
    await passDays(30)
    await rotate()
    await until(
      () => keyrollNode.getStatus(updates.at(-2) ?? second),
      ({ stage }) => stage === 'safe' || stage === 'proposed' || stage === 'finalized',
      PATIENCE,
    )
  }
  await passDays(35)
  const newestOutput = await outputOf(updates.at(-1) ?? second)
  await passDays(8)

  // It wakes up with what it believed a year ago, which is too old for the wallet to obey any key at all.
  await chain.wake()
  expect(await wallet.record()).toEqual(before)
  expect(await wallet.refusal(payment(2))).toBe('AA22 expired or not due')
  expect(await wallet.refusal(payment(13))).toBe('AA23 reverted')

  // Who has an old key can still preconfirm a branch of its own, and gains nothing: nothing makes the record younger but a proof.
  const thief = newPasskey()
  const stolen = createNextConfig(second.tx.next, { signers: createAuthority({ signers: [thief] }) })
  const theft = await signUpdate(
    { rollup },
    { id, current: second.tx.next, next: stolen, by: payment(2).signer, nextSigners: [thief] },
  )
  await mined(client.preconfirm({ account: wallet.address, current: second.tx.next, raw: theft.raw }))
  expect(await wallet.record()).toMatchObject({
    headNonce: 3n,
    configHash: configHash(stolen),
    asOf: before.asOf,
  })
  const byThief = { calls: PAYMENT, current: stolen, signer: thief }
  expect(await wallet.refusal(byThief)).toBe('AA22 expired or not due')

  // The checkpoint of a year ago is vouched for still. But in that block the newest output does not stand.
  expect(await client.isCheckpoint({ source, value: oldCheckpoint })).toBe(true)
  await expect(
    prover.proveOutput({ source, outputIndex: newestOutput, checkpoint: oldCheckpoint }),
  ).rejects.toThrow(LaggingError)

  // One proof leads from nonce 1 to nonce 13, over the thief's branch and eleven configs that the chain never saw.
  await relay(newestOutput)
  const proof = { id, account: wallet.address, source }
  await mined(client.confirm(await prover.proveConfig({ ...proof, outputIndex: newestOutput })))
  const after = await wallet.record()
  expect(after).toMatchObject({
    ...{ confirmedNonce: 13n, headNonce: 13n },
    configHash: configHash(configs[13] ?? initial),
  })
  expect(after.asOf - before.asOf).toBeGreaterThan(300 * DAY)
  await wallet.operate(payment(13))
  expect(await wallet.refusal(byThief)).toBe('AA23 reverted')

  // Nothing old comes back: not a set-config, not an output.
  const replayed = client.preconfirm({
    ...{ account: wallet.address, current: configs[13] ?? initial, raw: updates[4]?.raw ?? '0x' },
  })
  await expect(replayed).rejects.toThrow('ConflictingConfig')
  await relay(newestOutput - 1n)
  const older = await prover.proveConfig({ ...proof, outputIndex: newestOutput - 1n })
  await expect(client.confirm(older)).rejects.toThrow('RootOlderThanConfirmed')
}, 600_000)
