import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Address, encodeFunctionData, parseAbi, parseEther, zeroAddress } from 'viem'
import { getBlock } from 'viem/actions'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Call,
  createAuthority,
  createKeystore,
  createNextConfig,
  getWalletDeployment,
  preconfirm,
} from '../../client/index.ts'
import { deployL2, keystoreReplicaAbi } from '../../contracts/index.ts'
import { startAnvil } from '../../devnet/anvil.ts'
import { deployEntryPoint } from '../../devnet/EntryPoint.ts'
import { followL1 } from '../../devnet/followL1.ts'
import { followParent } from '../../devnet/followParent.ts'
import { createOpChain } from '../../devnet/OpChain.ts'
import { configHash, toShortConfig } from '../../protocol/index.ts'
import { joinNodes } from '../../prover/index.ts'
import { until } from '../sequencerWorld.ts'
import {
  type FlowChain,
  type FlowsWorld,
  newPasskey,
  PATIENCE,
  signUpdate,
  startFlowsWorld,
} from './flowsWorld.ts'
import { openFlowWallet } from './flowWallet.ts'
import { keyroll } from './keyroll.ts'

let world: FlowsWorld

beforeAll(async () => {
  world = await startFlowsWorld()
})
afterAll(() => world?.stop())

/** What a wallet does to show whom it obeys. */
const PAYMENT = [{ to: '0x000000000000000000000000000000000000beef', value: 1n, data: '0x' }] as const
/** What the EntryPoint says of an operation under a config that the chain's replica does not have in force. */
const NOT_IN_FORCE = 'AA23 reverted'
const PORTAL_ABI = parseAbi([
  'function depositTransaction(address to, uint256 value, uint64 gasLimit, bool isCreation, bytes data) payable',
])

/** One of `signers`, as a keystore's authority. */
const anyOf = (...signers: Parameters<typeof createAuthority>[0]['signers']) => ({
  signers: createAuthority({ signers }),
})

// Each has a keystore of its own, and they wait for the same blocks.
describe.concurrent('a change of keys', { timeout: 2 * PATIENCE }, () => {
  test('is set, preconfirmed and synced by the wallet vendor, who pays for everything', async () => {
    const { a, b } = world.chains
    const [phone, laptop] = [newPasskey(), newPasskey()]
    const { id, initial } = createKeystore({ signers: [phone] })

    // The owner signs once, with the phone: the laptop may act as well.
    const next = createNextConfig(initial, anyOf(phone, laptop))
    const update = await signUpdate(world, {
      id,
      current: initial,
      next,
      by: phone,
      nextSigners: [phone, laptop],
    })

    // Set: the vendor hands it to the sequencer, which asks no fee and answers with a promise.
    const { promise } = await world.sequencer.sendConfig(update)
    expect(promise).toMatchObject({ id, nonce: 1n, configHash: configHash(next) })

    for (const chain of [a, b]) {
      // The vendor deploys the wallet and preconfirms, in two transactions of its own; L1 knows nothing yet.
      const vendor = await world.newPayer(chain)
      const wallet = await openFlowWallet(world, chain, id)
      const { factory: to, factoryData: data } = getWalletDeployment(world.factory, id)
      await vendor.waitForTransactionReceipt({
        hash: await vendor.sendTransaction({ to, data, chain: null }),
      })
      expect(await wallet.record()).toMatchObject({ headNonce: 0n, configHash: id })
      await vendor.waitForTransactionReceipt({
        hash: await vendor.preconfirm({ account: wallet.address, current: initial, raw: update.raw }),
      })
      const preconfirmed = { headNonce: 1n, confirmedNonce: 0n, asOf: 0, configHash: configHash(next) }
      expect(await wallet.record()).toMatchObject(preconfirmed)
    }

    // Sync: when the output with the update is final, the vendor's relayer proves it to each chain.
    const outputIndex = await world.outputOf(update)
    for (const chain of [a, b]) {
      const wallet = await openFlowWallet(world, chain, id)
      await world.relayRoot(chain, outputIndex)
      const relayer = await world.newRelayer(chain)
      await relayer.confirm({ id, account: wallet.address, source: chain.source, outputIndex })
      const confirmed = { headNonce: 1n, confirmedNonce: 1n, configHash: configHash(next) }
      expect(await wallet.record()).toMatchObject(confirmed)

      // So far the wallet had nothing to pay with. With money it obeys the laptop.
      expect(await wallet.balance()).toBe(0n)
      await world.fund(chain, wallet.address)
      await wallet.operate({ calls: PAYMENT, signer: laptop, signers: [phone, laptop], current: next })
    }
  })

  test('is synced and preconfirmed by an existing signer with assets on the replica, in one user operation', async () => {
    const { a } = world.chains
    const source = world.info.contracts.l2.beaconRootsSource
    const [phone, laptop, tablet] = [newPasskey(), newPasskey(), newPasskey()]
    const { id, initial } = createKeystore({ signers: [phone] })
    const wallet = await openFlowWallet(world, a, id)
    await world.fund(a, wallet.address)

    // The laptop became a signer, and nobody told A, which believes in the phone alone.
    const second = createNextConfig(initial, anyOf(phone, laptop))
    const forLaptop = await signUpdate(world, {
      ...{ id, current: initial, next: second, by: phone },
      nextSigners: [phone, laptop],
    })
    await world.sequencer.sendConfig(forLaptop)
    const outputIndex = await world.outputOf(forLaptop)

    // Set: the phone makes the tablet a signer.
    const third = createNextConfig(second, anyOf(phone, laptop, tablet))
    const forTablet = await signUpdate(world, {
      ...{ id, current: second, next: third, by: phone, signers: [phone, laptop] },
      nextSigners: [phone, laptop, tablet],
    })
    await world.sequencer.sendConfig(forTablet)
    expect(await wallet.record()).toMatchObject({ headNonce: 0n, confirmedNonce: 0n })

    // Sync and preconfirm: the phone approves one operation under the old config; the wallet pays for all of it.
    const prover = world.proverOf(a)
    const { proof } = await until(
      () => prover.proveOutput({ source, outputIndex }),
      ({ isFinal }) => isFinal,
      PATIENCE,
    )
    const { l2BlockNumber } = proof.output
    const { storageProof } = await world.node.getConfigProof({ id, block: l2BlockNumber })
    const { address: account } = wallet
    const config = toShortConfig(second)
    const onReplica = { to: world.replica, value: 0n }
    const abi = keystoreReplicaAbi
    const calls: Call[] = [
      { ...onReplica, data: encodeFunctionData({ abi, functionName: 'updateRoot', args: [proof] }) },
      {
        ...onReplica,
        data: encodeFunctionData({
          ...{ abi, functionName: 'confirm' },
          args: [{ source, outputIndex, id, account, storageProof: joinNodes(storageProof) }, config],
        }),
      },
      {
        ...onReplica,
        data: encodeFunctionData({
          ...{ abi, functionName: 'preconfirm' },
          args: [account, config, forTablet.raw],
        }),
      },
    ]
    const before = await wallet.balance()
    await wallet.operate({ calls, signer: phone, current: initial })
    expect(await wallet.balance()).toBeLessThan(before)
    expect(await wallet.record()).toMatchObject({
      ...{ headNonce: 2n, confirmedNonce: 1n },
      configHash: configHash(third),
    })
    await wallet.operate({
      ...{ calls: PAYMENT, signer: tablet, current: third },
      signers: [phone, laptop, tablet],
    })
  })

  test('is preconfirmed by an existing signer with assets elsewhere: from L1, by a deposit', async () => {
    const { l1, b } = world.chains
    const { portal } = b
    const [phone, laptop] = [newPasskey(), newPasskey()]
    const { id, initial } = createKeystore({ signers: [phone] })
    const [onL1, onB] = [await openFlowWallet(world, l1, id), await openFlowWallet(world, b, id)]
    expect(onL1.address).toBe(onB.address)
    await world.fund(l1, onL1.address)

    // Set: with the sequencer, as ever.
    const next = createNextConfig(initial, anyOf(phone, laptop))
    const update = await signUpdate(world, {
      id,
      current: initial,
      next,
      by: phone,
      nextSigners: [phone, laptop],
    })
    await world.sequencer.sendConfig(update)

    // Preconfirm: the wallet on L1 pays for a deposit that preconfirms on B, and sends along what the laptop will spend there.
    const abi = keystoreReplicaAbi
    const args = [onB.address, toShortConfig(initial), update.raw] as const
    const deposit = (to: Address, value: bigint, gas: bigint, data: `0x${string}`): Call => ({
      to: portal,
      value,
      data: encodeFunctionData({
        abi: PORTAL_ABI,
        functionName: 'depositTransaction',
        args: [to, value, gas, false, data],
      }),
    })
    const preconfirmation = encodeFunctionData({ abi, functionName: 'preconfirm', args })
    expect(await onB.balance()).toBe(0n)
    await onL1.operate({
      calls: [
        deposit(world.replica, 0n, 1_000_000n, preconfirmation),
        deposit(onB.address, parseEther('1'), 100_000n, '0x'),
      ],
      ...{ signer: phone, current: initial },
    })

    // B takes the deposits over with the L1 block. Nobody had anything there, and nobody was asked.
    const record = await until(onB.record, ({ headNonce }) => headNonce === 1n, PATIENCE)
    expect(record).toMatchObject({ confirmedNonce: 0n, configHash: configHash(next) })
    expect(await onB.balance()).toBe(parseEther('1'))
    await onB.operate({ calls: PAYMENT, signer: laptop, signers: [phone, laptop], current: next })
    expect(await onL1.record()).toMatchObject({ headNonce: 0n })
  })

  test('is preconfirmed by the new signer itself, in its first user operation', async () => {
    const { a } = world.chains
    const { wallet, initial, update, byPhone, byLaptop } = await handOver(a)
    await world.fund(a, wallet.address)

    // The laptop's first operation deploys the wallet, brings its own set-config along, and pays somebody.
    expect(await wallet.record()).toMatchObject({ headNonce: 0n })
    expect(await wallet.refusal(byLaptop)).toBe(NOT_IN_FORCE)
    await wallet.operate({ ...byLaptop, preconfirm: { head: initial, raw: update.raw } })
    expect(await wallet.record()).toMatchObject({ headNonce: 1n, confirmedNonce: 0n })

    // From now on it signs alone, and the phone signs nothing.
    await wallet.operate(byLaptop)
    expect(await wallet.refusal(byPhone)).toBe(NOT_IN_FORCE)
  })

  test('that conflicts with one preconfirmed by a thief gives way to what the keystore says', async () => {
    const { a, b } = world.chains
    const [phone, laptop, thief, accomplice] = [newPasskey(), newPasskey(), newPasskey(), newPasskey()]
    const { id, initial } = createKeystore({ signers: [phone] })
    const [onA, onB] = [await openFlowWallet(world, a, id), await openFlowWallet(world, b, id)]
    await world.fund(a, onA.address)
    await world.fund(b, onB.address)

    // The owner moves to the laptop, with the sequencer and on A.
    const next = createNextConfig(initial, anyOf(laptop))
    const update = await signUpdate(world, { id, current: initial, next, by: phone, nextSigners: [laptop] })
    await world.sequencer.sendConfig(update)
    await onA.operate({
      ...{ calls: PAYMENT, current: next, signer: laptop },
      preconfirm: { head: initial, raw: update.raw },
    })

    // Who found the phone is faster on B, and hands on to somebody else at once.
    const stolen = createNextConfig(initial, anyOf(thief))
    const fenced = createNextConfig(stolen, anyOf(accomplice))
    const theft = await signUpdate(world, {
      id,
      current: initial,
      next: stolen,
      by: phone,
      nextSigners: [thief],
    })
    const handover = await signUpdate(world, {
      ...{ id, current: stolen, next: fenced, by: thief },
      nextSigners: [accomplice],
    })
    const rawSetConfigs = [theft.raw, handover.raw]
    const criminal = await world.newPayer(b)
    const robbing = criminal.preconfirmMany({ account: onB.address, current: initial, rawSetConfigs })
    await criminal.waitForTransactionReceipt({ hash: await robbing })
    await expect(world.sequencer.sendConfig(theft)).rejects.toMatchObject({ name: 'KeyrollRefusedError' })

    // B believes the thief: that is what preconfirming means for whoever holds a key.
    expect(await onB.record()).toMatchObject({
      headNonce: 2n,
      confirmedNonce: 0n,
      configHash: configHash(fenced),
    })
    const [byOwner, byAccomplice] = [
      { calls: PAYMENT, current: next, signer: laptop },
      { calls: PAYMENT, current: fenced, signer: accomplice },
    ]
    expect(await onB.refusal(byAccomplice)).toBeUndefined()
    expect(await onB.refusal(byOwner)).toBe(NOT_IN_FORCE)
    const vendor = await world.newPayer(b)
    const conflicting = { replica: world.replica, account: onB.address, current: initial, raw: update.raw }
    await expect(preconfirm(vendor, conflicting)).rejects.toThrow('ConflictingConfig')

    // As soon as an output has the owner's update, its signatures and that proof together end it: nobody waits for finality.
    const source = world.info.contracts.l2.l1BlockSource
    const outputIndex = await world.outputOf(update)
    await (await world.newRelayer(b)).updateRoot({ source, outputIndex, final: false })
    const signed = { confirmed: initial, rawSetConfigs: [update.raw] }
    const { proof } = await world.proverOf(b).proveSignedConfig({
      ...{ id, account: onB.address, source, outputIndex },
      ...signed,
    })
    await vendor.waitForTransactionReceipt({ hash: await vendor.confirmSigned({ proof, ...signed }) })
    expect(await onB.record()).toMatchObject({
      headNonce: 1n,
      confirmedNonce: 1n,
      configHash: configHash(next),
    })
    expect(await onB.refusal(byAccomplice)).toBe(NOT_IN_FORCE)
    await onB.operate(byOwner)

    // On A nothing conflicts: what was preconfirmed there is confirmed, in place.
    await world.relayRoot(a, outputIndex)
    const relayer = await world.newRelayer(a)
    await relayer.confirm({ id, account: onA.address, source: a.source, outputIndex })
    expect(await onA.record()).toMatchObject({
      headNonce: 1n,
      confirmedNonce: 1n,
      configHash: configHash(next),
    })
  })

  test('reaches an L3 through its parent', async () => {
    const l3 = await startL3()
    try {
      const { id, wallet, update, byPhone, byLaptop } = await handOver(l3.chain)
      await world.fund(l3.chain, wallet.address)

      // Nobody preconfirms. The L3 names blocks of A, and A names the blocks of L1 that hold the outputs.
      const outputIndex = await world.outputOf(update)
      const { source } = l3.chain
      const relayer = await world.newRelayer(l3.chain)
      await relayer.updateRoot({ source, outputIndex, final: true })
      expect(await wallet.record()).toMatchObject({ headNonce: 0n })
      await relayer.confirm({ id, account: wallet.address, source, outputIndex })
      expect(await wallet.record()).toMatchObject({ headNonce: 1n, confirmedNonce: 1n })
      await wallet.operate(byLaptop)
      expect(await wallet.refusal(byPhone)).toBe(NOT_IN_FORCE)
    } finally {
      await l3.stop()
    }
  })

  test('reaches a replica on L1 by the block hashes that L1 knows itself, or by the bridge', async () => {
    const { l1 } = world.chains
    const { id, wallet, update } = await handOver(l1)
    const outputIndex = await world.outputOf(update)
    await world.relayRoot(l1, outputIndex)
    const relayer = await world.newRelayer(l1)
    const proof = { id, account: wallet.address, outputIndex }
    await relayer.confirm({ ...proof, source: l1.source })
    const record = await wallet.record()
    expect(record).toMatchObject({ headNonce: 1n, confirmedNonce: 1n })

    // The bridge could have told it as well, in one call and without a proof; it says the same.
    const { source } = await (await world.newPayer(l1)).getOutputBridge()
    await relayer.updateRoot({ source, outputIndex, final: true })
    await relayer.confirm({ ...proof, source })
    expect(await wallet.record()).toEqual(record)
  })

  test("reaches a chain by the chain's own bridge, without header, trie or beacon block", async () => {
    const { b } = world.chains
    const { id, wallet, update } = await handOver(b)
    const outputIndex = await world.outputOf(update)

    // Anybody pays on L1 for a deposit; on B nobody pays for the root.
    const directory = await mkdtemp(join(tmpdir(), 'keyroll-flows-'))
    const keyFile = join(directory, 'key')
    await writeFile(keyFile, world.info.accounts.user.privateKey)
    const common = [
      ...['--l1-rpc', world.info.l1.rpcUrl, '--keyroll-rpc', world.info.node.rpcUrl, '--rpc', b.url],
      ...['--replica', world.replica, '--source', 'bridge', '--output-index', `${outputIndex}`],
      ...['--relayer-key-file', keyFile, '--timeout', `${PATIENCE / 1000}`],
    ]
    const portal = ['--portal', b.portal]
    const early = keyroll('relay', 'config', ...common, '--id', id, '--account', wallet.address)
    expect(await early.exited).toBe(1)
    expect(early.stderr()).toContain('has not received output')
    const root = keyroll('relay', 'root', ...common, ...portal)
    expect(await root.exited, root.stderr()).toBe(0)
    expect(await wallet.record()).toMatchObject({ headNonce: 0n })
    const config = keyroll('relay', 'config', ...common, '--id', id, '--account', wallet.address)
    expect(await config.exited, config.stderr()).toBe(0)
    await rm(directory, { recursive: true })
    expect(await wallet.record()).toMatchObject({ headNonce: 1n, confirmedNonce: 1n })
  })
})

/**
 * A keystore whose owner hands over from the phone to the laptop, with the sequencer alone: the wallet on a chain knows nothing
 * of it. Operations that either could sign come along.
 */
async function handOver(chain: FlowChain) {
  const [phone, laptop] = [newPasskey(), newPasskey()]
  const { id, initial } = createKeystore({ signers: [phone] })
  const wallet = await openFlowWallet(world, chain, id)
  const next = createNextConfig(initial, anyOf(laptop))
  const update = await signUpdate(world, { id, current: initial, next, by: phone, nextSigners: [laptop] })
  await world.sequencer.sendConfig(update)
  const byPhone = { calls: PAYMENT, current: initial, signer: phone }
  const byLaptop = { calls: PAYMENT, current: next, signer: laptop }
  return { id, initial, wallet, update, byPhone, byLaptop }
}

/** Starts an L3 on A: a block per block of A, the replica and the EntryPoint at the addresses they have everywhere. */
async function startL3(): Promise<{ chain: FlowChain; stop(): Promise<void> }> {
  const { info, rollup, chains } = world
  const logDirectory = join(info.dataDir, 'logs')
  const anvil = await startAnvil({ name: 'anvil-l3', chainId: 903, port: 0, logDirectory })
  const { parentL1BlockSource: source } = info.contracts.l2
  const chain = { name: 'L3', chainId: 903, url: anvil.url, source, parentUrl: chains.a.url }
  const deployer = await world.newPayer(chain)
  await deployEntryPoint(deployer)
  const contracts = await deployL2(deployer, {
    ...{ l1ChainId: rollup.l1ChainId, outputOracle: rollup.outputOracleAddress, l2ChainId: rollup.l2ChainId },
    ...{ challengePeriod: rollup.challengePeriod, minRecoveryDelay: rollup.minRecoveryDelay },
    schedule: [{ fromSlot: 0n, untilSlot: 2n ** 64n - 1n, index: 6444n }],
    ...{ sourceAdmin: zeroAddress, staker: zeroAddress },
  })
  expect(contracts).toEqual(info.contracts.l2)

  const opChain = await createOpChain(anvil)
  await opChain.stopAutomine()
  const ending = new AbortController()
  const following = followL1({
    l1Url: chains.a.url,
    from: await getBlock(await world.newPayer(chains.a)),
    follower: followParent(opChain, chains.a.url),
    signal: ending.signal,
  })
  return {
    chain,
    async stop() {
      ending.abort()
      await following
      await anvil.stop()
    },
  }
}
