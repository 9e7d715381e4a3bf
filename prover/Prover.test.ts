import { type Address, encodeFunctionData, type Hex, keccak256, toHex } from 'viem'
import { getTransactionReceipt, readContract, sendTransaction } from 'viem/actions'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { keystoreReplicaAbi, l1BlockSourceAbi } from '../contracts/index.ts'
import { type Config, configHash, createSignerTree, NO_AUTHORITY } from '../protocol/index.ts'
import { startHttpServer } from '../test/httpServer.ts'
import { type ReplicaWorld, startReplicaWorld } from '../test/replicaWorld.ts'
import { createTestSigner } from '../test/testSigners.ts'
import {
  ConfigUnknownError,
  createProver,
  LaggingError,
  NotVouchedError,
  OutputStandsError,
  type Prover,
  type ProverContext,
  RootFinalizedError,
  RootUnknownError,
} from './index.ts'

const ACCOUNT: Address = '0x00000000000000000000000000000000000000aa'

let world: ReplicaWorld
let context: ProverContext
let prover: Prover

beforeAll(async () => {
  world = await startReplicaWorld()
  const { l1, l2, keyroll, beaconUrl, l2Contracts } = world
  context = { l1, l2, keyroll, beaconUrl, replica: l2Contracts.keystoreReplica }
  prover = createProver(context)
})

afterAll(() => world.stop())

function configOf(name: string, nonce: bigint): Config {
  return {
    nonce,
    signers: { root: createSignerTree([createTestSigner(1, name)]).root, threshold: 1 },
    guardians: NO_AUTHORITY,
    recoveryDelay: 0,
    maxStaleness: 0,
    data: toHex(name),
  }
}

const sourceOf = (kind: 'l1BlockSource' | 'beaconRootsSource') => world.l2Contracts[kind]

async function send(to: Address, data: Hex): Promise<void> {
  const { l2 } = world
  await world.mined(
    'l2',
    sendTransaction(l2, { to, data, gas: 3_000_000n, chain: l2.chain ?? null, account: l2.account }),
  )
}

/** Sends `checkpoint()`, and returns what it stored. */
async function checkpoint(source: Address): Promise<Hex> {
  const { l2 } = world
  const data = encodeFunctionData({ abi: l1BlockSourceAbi, functionName: 'checkpoint' })
  const hash = await sendTransaction(l2, {
    to: source,
    data,
    gas: 500_000n,
    chain: l2.chain ?? null,
    account: l2.account,
  })
  await world.step()
  const { logs } = await getTransactionReceipt(l2, { hash })
  return logs[0]?.topics[1] ?? '0x'
}

function rootOf(source: Address, outputIndex: bigint) {
  const { keystoreReplica: address } = world.l2Contracts
  const args = [source, outputIndex] as const
  return readContract(world.l2, { address, abi: keystoreReplicaAbi, functionName: 'root', args })
}

async function updateRoot(source: Address, outputIndex: bigint): Promise<void> {
  const proven = await prover.proveOutput({ source, outputIndex, checkpoint: await checkpoint(source) })
  await send(context.replica, proven.data)
}

describe.each(['l1BlockSource', 'beaconRootsSource'] as const)('by %s', (kind) => {
  test('a proposed output is proven to the replica, and again once it is final', async () => {
    const source = sourceOf(kind)
    const config = configOf(`proposed by ${kind}`, 1n)
    const outputIndex = await world.propose([{ id: keccak256(toHex(kind)), config }])
    await world.step()
    await world.step()

    const stored = await checkpoint(source)
    const proposed = await prover.proveOutput({ source, outputIndex, checkpoint: stored })
    expect(proposed.isFinal).toBe(false)
    await send(context.replica, proposed.data)
    const root = await rootOf(source, outputIndex)
    expect(root).toMatchObject({ keystoreRoot: proposed.proof.output.keystoreRoot, finalized: false })
    expect(BigInt(root.l1BlockNumber)).toBe(proposed.l1Block.number)

    await expect(prover.proveOutput({ source, outputIndex, checkpoint: stored })).rejects.toThrow(
      LaggingError,
    )

    await world.step(world.rollup.challengePeriod)
    await world.step()
    const final = await prover.proveOutput({ source, outputIndex, checkpoint: await checkpoint(source) })
    expect(final.isFinal).toBe(true)
    await send(context.replica, final.data)
    expect(await rootOf(source, outputIndex)).toMatchObject({ finalized: true })
    await expect(prover.proveOutput({ source, outputIndex })).rejects.toThrow(RootFinalizedError)
  })

  test('what a checkpoint stored may be given in capitals', async () => {
    const source = sourceOf(kind)
    const outputIndex = await world.propose([])
    await world.step()
    await world.step()
    const stored = await checkpoint(source)
    const inCapitals: Hex = `0x${stored.slice(2).toUpperCase()}`
    const { proof } = await prover.proveOutput({ source, outputIndex, checkpoint: stored })
    const same = await prover.proveOutput({ source, outputIndex, checkpoint: inCapitals })
    expect(same.proof).toEqual(proof)
  })

  test('an output that the source cannot know yet is not proven absent by mistake', async () => {
    const source = sourceOf(kind)
    const stored = await checkpoint(source)
    const outputIndex = await world.propose([])
    const proof = prover.proveOutput({ source, outputIndex, checkpoint: stored })
    await expect(proof).rejects.toMatchObject({ name: 'LaggingError', party: 'L2 node' })
  })

  test('an output that L1 no longer has is proven absent, and the replica forgets it', async () => {
    const source = sourceOf(kind)
    const outputIndex = await world.propose([])
    await world.step()
    await world.step()
    await updateRoot(source, outputIndex)
    const standing = { source, outputIndex, checkpoint: await checkpoint(source) }
    await expect(prover.proveOutputAbsence(standing)).rejects.toThrow(OutputStandsError)

    const blocksSince = 6
    await world.reorgL1(blocksSince)
    for (let i = 0; i < blocksSince + 2; i++) await world.step()
    const stored = await checkpoint(source)
    const absent = await prover.proveOutputAbsence({ source, outputIndex, checkpoint: stored })
    expect(absent.isFinal).toBe(false)
    await send(context.replica, absent.data)
    expect(await rootOf(source, outputIndex)).toMatchObject({ l1Timestamp: 0 })
  })

  test('a hash that no checkpoint stored is refused', async () => {
    const parameters = { source: sourceOf(kind), outputIndex: 0n, checkpoint: keccak256('0x01') }
    const fresh = { ...parameters, outputIndex: await world.propose([]) }
    await expect(prover.proveOutput(fresh)).rejects.toThrow(NotVouchedError)
  })
})

test('a beacon root needs no checkpoint: it stays in the EIP-4788 contract while the chain moves on', async () => {
  const source = sourceOf('beaconRootsSource')
  const outputIndex = await world.propose([])
  await world.step()
  await world.step()
  const proven = await prover.proveOutput({ source, outputIndex })
  await world.step()
  await world.step()
  await send(context.replica, proven.data)
  expect(await rootOf(source, outputIndex)).toMatchObject({ finalized: false, builtIn: true })
})

test('the beacon API may answer in JSON alone', async () => {
  const source = sourceOf('beaconRootsSource')
  const outputIndex = await world.propose([])
  await world.step()
  await world.step()
  const api = await startHttpServer(async (path) => {
    const answer = await fetch(world.beaconUrl + path, { headers: { accept: 'application/json' } })
    return new Response(await answer.text(), { headers: { 'content-type': 'application/json' } })
  })
  const proven = await createProver({ ...context, beaconUrl: api.url }).proveOutput({ source, outputIndex })
  const honest = await prover.proveOutput({ source, outputIndex })
  expect(proven.proof.sourceProof).toBe(honest.proof.sourceProof)
  await api.close()
})

describe('a config', () => {
  test('is confirmed from a finalized root, written or still the initial one', async () => {
    const source = sourceOf('beaconRootsSource')
    const [written, initial] = [configOf('written', 3n), configOf('initial', 0n)]
    const id = keccak256(toHex('written keystore'))
    const outputIndex = await world.propose([{ id, config: written }])
    await world.step(world.rollup.challengePeriod)
    await world.step()
    await world.step()
    await updateRoot(source, outputIndex)

    const proven = await prover.proveConfig({ id, account: ACCOUNT, source, outputIndex })
    expect(proven.isFinal).toBe(true)
    await send(context.replica, proven.data)
    const { keystoreReplica: address } = world.l2Contracts
    const contract = { address, abi: keystoreReplicaAbi, functionName: 'configHash' } as const
    expect(await readContract(world.l2, { ...contract, args: [id, ACCOUNT] })).toBe(configHash(written))

    const parameters = { id: configHash(initial), account: ACCOUNT, source, outputIndex }
    await expect(prover.proveConfig(parameters)).rejects.toThrow(ConfigUnknownError)
    const absent = await prover.proveConfig({ ...parameters, config: initial })
    await send(context.replica, absent.data)
  })

  test('is refused when it is not the one that is proven', async () => {
    const source = sourceOf('beaconRootsSource')
    const id = keccak256(toHex('wrong config'))
    const outputIndex = await world.propose([{ id, config: configOf('right', 1n) }])
    await world.step()
    await world.step()
    await updateRoot(source, outputIndex)
    const proof = prover.proveConfig({
      id,
      account: ACCOUNT,
      source,
      outputIndex,
      config: configOf('wrong', 1n),
    })
    await expect(proof).rejects.toThrow(ConfigUnknownError)
  })

  test('is not proven from a root that the replica does not know', async () => {
    const parameters = { id: keccak256('0x'), account: ACCOUNT, source: sourceOf('l1BlockSource') }
    await expect(prover.proveConfig({ ...parameters, outputIndex: 999n })).rejects.toThrow(RootUnknownError)
  })
})
