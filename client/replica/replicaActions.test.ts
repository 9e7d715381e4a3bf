import { type Address, type Hex, keccak256, toHex } from 'viem'
import { waitForTransactionReceipt } from 'viem/actions'
import { afterAll, beforeAll, expect, test } from 'vitest'
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

function rotate(current: Config, from: ConfigSigner, to: ConfigSigner) {
  const next = createNextConfig(current, { signers: createAuthority({ signers: [to] }) })
  return signSetConfig({
    ...{ rollup: world.rollup, kind: 0, id, current, next },
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
  const { logs } = await waitForTransactionReceipt(client, { hash })
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
