import {
  type Address,
  createWalletClient,
  custom,
  decodeErrorResult,
  type Hex,
  keccak256,
  numberToHex,
  toHex,
} from 'viem'
import { getTransaction, getTransactionCount } from 'viem/actions'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { awaitMined } from '../../contracts/awaitMined.ts'
import { keystoreReplicaAbi } from '../../contracts/index.ts'
import { type Config, configHash } from '../../protocol/index.ts'
import { createProver, type Prover } from '../../prover/index.ts'
import { type ReplicaWorld, startReplicaWorld } from '../../test/replicaWorld.ts'
import { createTestSigner } from '../../test/testSigners.ts'
import {
  type ConfigSigner,
  createAuthority,
  createKeystore,
  createNextConfig,
  findCheckpoint,
  findSkipped,
  replicaActions,
  signSetConfig,
} from '../index.ts'

const ACCOUNT: Address = '0x00000000000000000000000000000000000000aa'
const signerOf = (name: string): ConfigSigner => {
  const signer = createTestSigner(2, name)
  return { ...signer, sign: async ({ digest }) => signer.sign(digest) }
}
const [oldKey, newKey, thirdKey] = [signerOf('old'), signerOf('new'), signerOf('third')]
const { id, initial } = createKeystore({ signers: [oldKey], data: keccak256(toHex('replica actions')) })

let world: ReplicaWorld
let prover: Prover
let source: Address
let client: ReturnType<typeof extended>

const extended = ({ l2, l2Contracts }: ReplicaWorld) =>
  l2.extend(replicaActions({ replica: l2Contracts.keystoreReplica }))

beforeAll(async () => {
  world = await startReplicaWorld()
  const { l1, l2, keyroll, beaconUrl, l2Contracts } = world
  prover = createProver({ l1, l2, keyroll, beaconUrl, replica: l2Contracts.keystoreReplica })
  source = l2Contracts.l1BlockSource
  client = extended(world)
})

afterAll(() => world.stop())

function rotate(current: Config, from: ConfigSigner, to: ConfigSigner, of = id) {
  const next = createNextConfig(current, { signers: createAuthority({ signers: [to] }) })
  return signSetConfig({
    ...{ rollup: world.rollup, kind: 0, id: of, current, next },
    authority: [from],
    approvers: [from],
    nextSigners: [to],
    openers: [to],
  })
}

/** Sends `checkpoint`, and finds what it stored. */
async function storeCheckpoint(): Promise<Hex> {
  const hash = await client.checkpoint({ source, gas: 500_000n })
  await world.step()
  const { logs } = (await awaitMined(client, { hash })).receipt
  const stored = findCheckpoint(source, logs)
  if (stored === undefined) expect.fail('the receipt has no checkpoint')
  return stored
}

async function relayRoot(outputIndex: bigint): Promise<void> {
  const { proof } = await prover.proveOutput({ source, outputIndex, checkpoint: await storeCheckpoint() })
  await world.mined('l2', client.updateRoot({ proof, gas: 3_000_000n }))
}

test('an account follows its keystore: preconfirmed, confirmed from a proposed output, then from a final one', async () => {
  const blank = await client.getRecord({ id, account: ACCOUNT })
  expect(blank).toMatchObject({ headNonce: 0n, confirmedNonce: 0n, asOf: 0, configHash: id })

  const first = await rotate(initial, oldKey, newKey)
  const preconfirming = client.preconfirm({
    account: ACCOUNT,
    current: initial,
    raw: first.raw,
    gas: 3_000_000n,
  })
  await world.mined('l2', preconfirming)
  expect(await client.getRecord({ id, account: ACCOUNT })).toMatchObject({
    headNonce: 1n,
    confirmedNonce: 0n,
    configHash: configHash(first.tx.next),
  })

  const second = await rotate(first.tx.next, newKey, thirdKey)
  const outputIndex = await world.propose([{ id, config: second.tx.next }])
  expect(await client.getRoot({ source, outputIndex })).toBeUndefined()
  await relayRoot(outputIndex)
  expect(await client.getRoot({ source, outputIndex })).toMatchObject({ finalized: false })

  const rawSetConfigs = [first.raw, second.raw]
  const parameters = { id, account: ACCOUNT, source, outputIndex }
  const signed = await prover.proveSignedConfig({ ...parameters, confirmed: initial, rawSetConfigs })
  const proof = { proof: signed.proof, confirmed: initial, rawSetConfigs, gas: 5_000_000n }
  await world.mined('l2', client.confirmSigned(proof))
  expect(await client.getRecord({ id, account: ACCOUNT })).toMatchObject({
    headNonce: 2n,
    confirmedNonce: 2n,
  })

  await world.step(world.rollup.challengePeriod)
  await relayRoot(outputIndex)
  expect(await client.getRoot({ source, outputIndex })).toMatchObject({ finalized: true })
  const proven = await prover.proveConfig(parameters)
  await world.mined('l2', client.confirm({ proof: proven.proof, config: proven.config, gas: 3_000_000n }))
  expect(await client.getRecord({ id, account: ACCOUNT })).toMatchObject({
    confirmedNonce: 2n,
    configHash: configHash(second.tx.next),
  })
})

test('many accounts follow their keystores in one call, which leaves out the one that cannot', async () => {
  const others = ['a', 'b', 'c'].map((name, i) => {
    const keystore = createKeystore({ signers: [signerOf(name)], data: keccak256(toHex(name)) })
    const account: Address = `0x00000000000000000000000000000000000000b${i}`
    return { account, id: keystore.id, config: { ...keystore.initial, nonce: 3n } }
  })
  const untouched = createKeystore({ signers: [signerOf('d')], data: keccak256(toHex('untouched')) })
  const outputIndex = await world.propose(others)
  await world.step(world.rollup.challengePeriod)
  await relayRoot(outputIndex)
  const ofUntouched = { id: untouched.id, account: ACCOUNT, config: untouched.initial }
  const items = [...others.map(({ account, id }) => ({ account, id })), ofUntouched]
  const proven = await prover.proveConfigs({ source, outputIndex, items })
  expect(proven.isFinal).toBe(true)
  // All begin at the root, and the nodes right below it are shared too.
  expect(proven.items.map(({ kept }) => kept > 0)).toEqual([false, true, true, true])

  const [first, second, ...rest] = proven.items
  if (first === undefined || second === undefined) expect.fail('an item is missing')
  const spoilt = { ...second, config: { ...second.config, maxStaleness: 1 } }
  const call = { source, outputIndex, items: [first, spoilt, ...rest] }
  const hash = await client.confirmMany({ ...call, gas: 5_000_000n })
  await world.step()
  const { logs } = (await awaitMined(client, { hash })).receipt
  const [skipped, ...more] = findSkipped(world.l2Contracts.keystoreReplica, logs)
  expect(more).toEqual([])
  expect(skipped).toMatchObject({ item: 1, id: second.id })
  const data = skipped?.reason ?? '0x'
  expect(decodeErrorResult({ abi: keystoreReplicaAbi, data }).errorName).toBe('ConfigMismatch')
  for (const item of [first, ...rest]) {
    const record = await client.getRecord({ id: item.id, account: item.account })
    expect(record).toMatchObject({ confirmedNonce: item.config.nonce, configHash: configHash(item.config) })
    expect(record.asOf).toBeGreaterThan(0)
  }
  expect(await client.getRecord({ id: second.id, account: second.account })).toMatchObject({ asOf: 0 })
})

test('updates are preconfirmed one on top of the other, also when somebody sent the first alone', async () => {
  const own = createKeystore({ signers: [oldKey], data: keccak256(toHex('in sequence')) })
  const sign = (current: Config, from: ConfigSigner, to: ConfigSigner) => rotate(current, from, to, own.id)
  const first = await sign(own.initial, oldKey, newKey)
  const second = await sign(first.tx.next, newKey, thirdKey)
  const third = await sign(second.tx.next, thirdKey, oldKey)
  const sent = { account: ACCOUNT, current: own.initial, gas: 3_000_000n }
  await world.mined('l2', client.preconfirm({ ...sent, raw: first.raw }))
  const rawSetConfigs = [first.raw, second.raw, third.raw]
  await world.mined('l2', client.preconfirmMany({ ...sent, rawSetConfigs }))
  expect(await client.getRecord({ id: own.id, account: ACCOUNT })).toMatchObject({
    headNonce: 3n,
    configHash: configHash(third.tx.next),
  })
})

test('set-configs that do not lead to the proven config are refused before anything is sent', async () => {
  const first = await rotate(initial, oldKey, newKey)
  const outputIndex = await world.propose([{ id, config: first.tx.next }])
  await relayRoot(outputIndex)
  const parameters = { id, account: ACCOUNT, source, outputIndex, confirmed: initial }
  const refused = [
    [],
    [first.raw, first.raw],
    ['0x4b'],
    [(await rotate(first.tx.next, newKey, thirdKey)).raw],
  ] as const
  for (const rawSetConfigs of refused) {
    await expect(prover.proveSignedConfig({ ...parameters, rawSetConfigs })).rejects.toMatchObject({
      name: 'BrokenChainError',
    })
  }
})

test('what a checkpoint stored can be asked for', async () => {
  const stored = await storeCheckpoint()
  expect(await client.isCheckpoint({ source, value: stored })).toBe(true)
  expect(await client.isCheckpoint({ source, value: keccak256('0x') })).toBe(false)
  expect(findCheckpoint(world.l2Contracts.beaconRootsSource, [])).toBeUndefined()
})

test('a call that the replica refuses fails with the name of its error', async () => {
  const { raw } = await rotate(initial, oldKey, thirdKey)
  await expect(client.preconfirm({ account: ACCOUNT, current: initial, raw })).rejects.toThrow(
    /ConflictingConfig/,
  )
})

describe('by a node that estimates in its own way', () => {
  type Estimate = (call: Readonly<Record<string, unknown>>) => Promise<Hex>
  const askNode: Estimate = (call) => world.l2.request({ method: 'eth_estimateGas', params: [call] as never })

  function clientOf(estimate: Estimate) {
    const { account } = world.l2
    const request = ({ method, params }: { method: string; params: readonly [Record<string, unknown>] }) =>
      method === 'eth_estimateGas' ? estimate(params[0]) : world.l2.request({ method, params } as never)
    const transport = custom({ request })
    return createWalletClient({ account, transport }).extend(
      replicaActions({ replica: world.l2Contracts.keystoreReplica }),
    )
  }

  async function updateOf(name: string) {
    const own = createKeystore({ signers: [oldKey], data: keccak256(toHex(name)) })
    const { raw, tx } = await rotate(own.initial, oldKey, newKey, own.id)
    const isInForce = async () =>
      (await client.getRecord({ id: own.id, account: ACCOUNT })).configHash === configHash(tx.next)
    return { call: { account: ACCOUNT, current: own.initial, raw }, isInForce }
  }

  test('a call has gas enough where the node leaves out what it needs meanwhile', async () => {
    const { call, isInForce } = await updateOf('tight')
    const tight: Estimate = async (asked) => numberToHex((BigInt(await askNode(asked)) * 4n) / 5n)
    await world.mined('l2', clientOf(tight).preconfirm(call))
    expect(await isInForce()).toBe(true)
  })

  test('a call is estimated without fees, which some nodes take no estimate with', async () => {
    const { call, isInForce } = await updateOf('without fees')
    const asked: string[] = []
    const strict: Estimate = (request) => {
      asked.push(...Object.keys(request))
      return askNode(request)
    }
    await world.mined('l2', clientOf(strict).preconfirm(call))
    expect(asked.sort()).toEqual(['data', 'from', 'to'])
    expect(await isInForce()).toBe(true)
  })

  test('a call that would revert is not sent, though the node estimates it', async () => {
    const { raw } = await rotate(initial, oldKey, thirdKey)
    const { address } = world.l2.account
    const before = await getTransactionCount(client, { address, blockTag: 'pending' })
    const sending = clientOf(async () => '0x7530').preconfirm({ account: ACCOUNT, current: initial, raw })
    await expect(sending).rejects.toThrow(/ConflictingConfig/)
    expect(await getTransactionCount(client, { address, blockTag: 'pending' })).toBe(before)
  })

  test('a call that needs almost what a transaction may have gets no more than that', async () => {
    const { call } = await updateOf('large')
    const hash = clientOf(async () => numberToHex(16_000_000)).preconfirm(call)
    await world.mined('l2', hash)
    expect(await getTransaction(client, { hash: await hash })).toMatchObject({ gas: 16_777_216n })
  })

  test('gas that is given is what the call gets, and the node is not asked', async () => {
    const { call, isInForce } = await updateOf('given')
    const none: Estimate = () => Promise.reject(new RangeError('asked for an estimate'))
    const hash = clientOf(none).preconfirm({ ...call, gas: 1_234_567n })
    await world.mined('l2', hash)
    expect(await getTransaction(client, { hash: await hash })).toMatchObject({ gas: 1_234_567n })
    expect(await isInForce()).toBe(true)
  })
})
