import { type Address, encodeFunctionData, type Hex, hexToBigInt, keccak256, numberToHex, toHex } from 'viem'
import { getBlock, getTransactionReceipt, readContract, sendTransaction } from 'viem/actions'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deliverOutput, forwardOutput, getOutputBridge, sendOutput, waitForRoot } from '../client/index.ts'
import { type DeployingClient, keystoreReplicaAbi, l1BlockSourceAbi } from '../contracts/index.ts'
import { createSignerTree, NO_AUTHORITY } from '../protocol/index.ts'
import { type ReplicaWorld, startReplicaWorld, withAnswers } from '../test/replicaWorld.ts'
import { createTestSigner } from '../test/testSigners.ts'
import {
  BlockTooOldError,
  BridgeProvesNothingError,
  createProver,
  DepositNotArrivedError,
  OutputDisputedError,
  OutputNotFinalError,
  ParentNodeMissingError,
  type ProverContext,
  RootFinalizedError,
  UnfitSourceError,
} from './index.ts'

const ACCOUNT: Address = '0x00000000000000000000000000000000000000aa'
const ID = keccak256(toHex('keystore'))
const OTHER_HASH = keccak256(toHex('something else'))

type ChainName = 'l1' | 'l2' | 'l3'

let world: ReplicaWorld
let replica: Address
let l3: DeployingClient

beforeAll(async () => {
  world = await startReplicaWorld({ withL3: true })
  replica = world.l2Contracts.keystoreReplica
  if (world.l3 === undefined) expect.unreachable()
  l3 = world.l3
})

afterAll(() => world.stop())

const clientOf = (chain: ChainName) => ({ l1: world.l1, l2: world.l2, l3 })[chain]

/** Of the prover that serves the replica on a chain. */
function contextOf(chain: ChainName, changes: Partial<ProverContext> = {}): ProverContext {
  const { l1, l2, keyroll, beaconUrl } = world
  return {
    l1,
    l2: clientOf(chain),
    keyroll,
    beaconUrl,
    replica,
    ...(chain === 'l3' && { parent: l2 }),
    ...changes,
  }
}

const proverOf = (chain: ChainName, changes: Partial<ProverContext> = {}) =>
  createProver(contextOf(chain, changes))

/** Proposes an output that later blocks follow, so that L2 and L3 know of it. */
async function propose(): Promise<bigint> {
  const signers = { root: createSignerTree([createTestSigner(1, 'signer')]).root, threshold: 1 }
  const rest = { guardians: NO_AUTHORITY, recoveryDelay: 0, maxStaleness: 0, data: '0x' } as const
  const outputIndex = await world.propose([{ id: ID, config: { nonce: 1n, signers, ...rest } }])
  await world.step()
  await world.step()
  return outputIndex
}

async function send(chain: ChainName, to: Address, data: Hex): Promise<Hex> {
  const client = clientOf(chain)
  const { account } = client
  const sending = sendTransaction(client, { to, data, gas: 3_000_000n, chain: client.chain ?? null, account })
  await world.mined(chain, sending)
  return sending
}

/** Sends `checkpoint()`, and returns what it stored. */
async function checkpoint(chain: ChainName, source: Address): Promise<Hex> {
  const data = encodeFunctionData({ abi: l1BlockSourceAbi, functionName: 'checkpoint' })
  const hash = await send(chain, source, data)
  const { logs } = await getTransactionReceipt(clientOf(chain), { hash })
  return logs[0]?.topics[1] ?? '0x'
}

const rootOf = (chain: ChainName, source: Address, outputIndex: bigint) =>
  readContract(clientOf(chain), {
    address: replica,
    abi: keystoreReplicaAbi,
    functionName: 'root',
    args: [source, outputIndex],
  })

describe('a replica on L1', () => {
  const sourceOf = () => world.l2Contracts.blockHashSource

  test('learns an output from a block that L1 still knows, blocks later and without a checkpoint', async () => {
    const outputIndex = await propose()
    const proven = await proverOf('l1').proveOutput({ source: sourceOf(), outputIndex })
    expect(proven.isFleeting).toBe(false)
    await world.step()
    await world.step()
    await send('l1', replica, proven.data)
    expect(await rootOf('l1', sourceOf(), outputIndex)).toMatchObject({ builtIn: true, finalized: false })
  })

  test('learns one from any recent block, and from a stored one', async () => {
    const outputIndex = await propose()
    const { hash } = await getBlock(world.l1)
    await world.step()
    const recent = await proverOf('l1').proveOutput({ source: sourceOf(), outputIndex, checkpoint: hash })
    expect(recent.l1Block.hash).toBe(hash)
    const stored = await checkpoint('l1', sourceOf())
    const proven = await proverOf('l1').proveOutput({ source: sourceOf(), outputIndex, checkpoint: stored })
    expect(proven.l1Block.hash).toBe(stored)
    await send('l1', replica, proven.data)
    expect(await rootOf('l1', sourceOf(), outputIndex)).toMatchObject({ builtIn: true })
  })

  test('a hash of no block of L1 is not known', async () => {
    const parameters = { source: sourceOf(), outputIndex: await propose(), checkpoint: OTHER_HASH }
    await expect(proverOf('l1').proveOutput(parameters)).rejects.toMatchObject({
      name: 'LaggingError',
      party: 'L1 node',
    })
  })
})

describe('a replica on an L3', () => {
  const sourceOf = () => world.l2Contracts.parentL1BlockSource

  test('learns an output through the block of its parent that a checkpoint stored', async () => {
    const outputIndex = await propose()
    const now = await proverOf('l3').proveOutput({ source: sourceOf(), outputIndex })
    expect(now.isFleeting).toBe(true)
    const stored = await checkpoint('l3', sourceOf())
    const proven = await proverOf('l3').proveOutput({ source: sourceOf(), outputIndex, checkpoint: stored })
    expect(proven.isFleeting).toBe(false)
    await send('l3', replica, proven.data)
    const root = await rootOf('l3', sourceOf(), outputIndex)
    expect(root).toMatchObject({ keystoreRoot: proven.proof.output.keystoreRoot, finalized: false })
    expect(BigInt(root.l1BlockNumber)).toBe(proven.l1Block.number)
  })

  test('asks for a node of its parent', async () => {
    const parameters = { source: sourceOf(), outputIndex: await propose() }
    const prover = proverOf('l3', { parent: undefined })
    await expect(prover.proveOutput(parameters)).rejects.toThrow(ParentNodeMissingError)
  })

  test.each([
    ['does not know the block', 'eth_getBlockByHash', () => null, 'LaggingError'],
    [
      'changes the header',
      'eth_getBlockByHash',
      (block: object) => ({ ...block, stateRoot: OTHER_HASH }),
      'WrongAnswerError',
    ],
    [
      'proves nothing',
      'eth_getProof',
      (proof: object) => ({ ...proof, accountProof: [] }),
      'WrongAnswerError',
    ],
    [
      'proves no slot',
      'eth_getProof',
      (proof: object) => ({ ...proof, storageProof: [] }),
      'WrongAnswerError',
    ],
  ])('names a parent node that %s', async (_what, lie, change, name) => {
    const parameters = { source: sourceOf(), outputIndex: await propose() }
    const parent = withAnswers(world.l2, async (method, _params, honest) => {
      const answer = await honest()
      return method === lie ? change(answer as object) : answer
    })
    const proof = proverOf('l3', { parent }).proveOutput(parameters)
    await expect(proof).rejects.toMatchObject({ name, party: 'parent node' })
  })
})

test.each([
  ['L1BlockSource', 'l1', 'l1BlockSource'],
  ['BlockHashSource', 'l2', 'blockHashSource'],
  ['ParentL1BlockSource', 'l1', 'parentL1BlockSource'],
  ['ParentL1BlockSource', 'l2', 'parentL1BlockSource'],
] as const)('the %s that stands on %s as well is told to be of no use there', async (kind, chain, name) => {
  const prover = proverOf(chain, { parent: world.l1 })
  const proof = prover.proveOutput({ source: world.l2Contracts[name], outputIndex: await propose() })
  await expect(proof).rejects.toThrow(UnfitSourceError)
  await expect(proof).rejects.toThrow(kind)
})

test('a chain without the EIP-4788 contract has no use for its source', async () => {
  const l2 = withAnswers(world.l2, async (method, params, honest) => {
    const [call] = params as [{ to?: string }]
    const isAsked = method === 'eth_call' && /^0x000f3df6/i.test(call.to ?? '')
    return isAsked ? '0x' : honest()
  })
  const parameters = { source: world.l2Contracts.beaconRootsSource, outputIndex: await propose() }
  await expect(proverOf('l2', { l2 }).proveOutput(parameters)).rejects.toThrow(UnfitSourceError)
})

describe('an EIP-4788 contract that does not hold the newest time', () => {
  /** Whoever is asked for the root is not whoever named the newest block. */
  const behind = (answer: (call: { data: Hex }) => Promise<unknown>) =>
    withAnswers(world.l2, async (method, params, honest) => {
      const [call] = params as [{ to?: string; data: Hex }]
      const isAsked = method === 'eth_call' && /^0x000f3df6/i.test(call.to ?? '')
      return isAsked ? answer(call) : honest()
    })
  const proving = async (l2: DeployingClient) =>
    proverOf('l2', { l2 }).proveOutput({
      source: world.l2Contracts.beaconRootsSource,
      outputIndex: await propose(),
    })

  test('lags: it reverts', async () => {
    const l2 = behind((call) => {
      const data = numberToHex(hexToBigInt(call.data) + 12n, { size: 32 })
      return world.l2.request({ method: 'eth_call', params: [{ ...call, data }, 'latest'] })
    })
    await expect(proving(l2)).rejects.toMatchObject({ name: 'LaggingError', party: 'L2 node' })
  })

  test.each([
    ['execution reverted', -32_000],
    ['VM execution error.', -32_015],
  ])('lags, in whatever words a node says so: %s', async (message, code) => {
    const l2 = behind(() => Promise.reject(Object.assign(new Error(message), { code })))
    await expect(proving(l2)).rejects.toMatchObject({ name: 'LaggingError', party: 'L2 node' })
  })

  test('is not what keeps a node from answering otherwise', async () => {
    const l2 = behind(() => Promise.reject(Object.assign(new Error('too many requests'), { code: -32_005 })))
    await expect(proving(l2)).rejects.toMatchObject({ name: 'UnansweredError', party: 'L2 node' })
  })
})

describe('the bridge of an L2', () => {
  test('brings an output once nobody can delete it, and the replica confirms from it', async () => {
    const prover = proverOf('l2')
    const { outputBridge, source } = await getOutputBridge(world.l2, { replica })
    expect(outputBridge).toBe(world.l1Contracts.outputBridge)
    const outputIndex = await propose()
    const asked = { id: ID, account: ACCOUNT, source, outputIndex }
    await expect(prover.proveOutput({ source, outputIndex })).rejects.toThrow(BridgeProvesNothingError)
    await expect(prover.getFinalOutput({ outputIndex })).rejects.toThrow(OutputNotFinalError)
    await expect(prover.getFinalOutput({ outputIndex: 999n })).rejects.toMatchObject({
      name: 'LaggingError',
      party: 'L1 node',
    })

    await world.step(world.rollup.challengePeriod)
    const output = await prover.getFinalOutput({ outputIndex })
    await expect(prover.proveConfig(asked)).rejects.toThrow(DepositNotArrivedError)
    const patience = { replica, source, outputIndex, timeout: 0 }
    await expect(waitForRoot(world.l2, patience)).rejects.toMatchObject({ name: 'RootTimeoutError' })

    const sending = { outputBridge, replica, output, gas: 1_000_000n }
    await expect(sendOutput(world.l1, { ...sending, portal: ACCOUNT })).rejects.toMatchObject({
      name: 'NotAContractError',
    })
    await world.mined('l1', sendOutput(world.l1, { ...sending, portal: world.portals.l2 }))
    const root = await waitForRoot(world.l2, patience)
    expect(root).toMatchObject({ keystoreRoot: output.keystoreRoot, finalized: true, builtIn: true })
    await expect(prover.getFinalOutput({ outputIndex })).rejects.toThrow(RootFinalizedError)

    const proven = await prover.proveConfig(asked)
    expect(proven.isFinal).toBe(true)
    await send('l2', replica, proven.data)
  })

  test('brings an output to L1 itself, and from the L2 on to an L3', async () => {
    const { outputBridge, source } = await getOutputBridge(world.l2, { replica })
    const outputIndex = await propose()
    await world.step(world.rollup.challengePeriod)
    const output = await proverOf('l2').getFinalOutput({ outputIndex })
    const bridge = { outputBridge, replica, gas: 1_000_000n }
    const known = { replica, source, outputIndex, timeout: 0 }

    await world.mined('l1', deliverOutput(world.l1, { ...bridge, output }))
    expect(await waitForRoot(world.l1, known)).toMatchObject({
      keystoreRoot: output.keystoreRoot,
      finalized: true,
    })

    await world.mined('l1', sendOutput(world.l1, { ...bridge, portal: world.portals.l2, output }))
    const onward = { ...bridge, portal: world.portals.l3, source, outputIndex }
    await world.mined('l2', forwardOutput(world.l2, onward))
    expect(await waitForRoot(l3, known)).toMatchObject({ keystoreRoot: output.keystoreRoot, finalized: true })
    const absent = { ...onward, outputBridge: ACCOUNT }
    await expect(forwardOutput(world.l2, absent)).rejects.toMatchObject({ name: 'NotAContractError' })
  })

  test('waits for an L1 node that is behind the block which it named', async () => {
    const outputIndex = await propose()
    const l1 = withAnswers(world.l1, async (method, _params, honest) => {
      if (method === 'eth_call') throw Object.assign(new Error('header not found'), { code: -32_000 })
      const answer = await honest()
      return method === 'eth_blockNumber' ? numberToHex(hexToBigInt(answer as Hex) - 1n) : answer
    })
    await expect(proverOf('l2', { l1 }).getFinalOutput({ outputIndex })).rejects.toMatchObject({
      name: 'LaggingError',
      party: 'L1 node',
    })
  })

  test('sends nothing that L1 or the Keyroll node contradict', async () => {
    const outputIndex = await propose()
    await world.step(world.rollup.challengePeriod)
    const l1 = withAnswers(world.l1, async (method, params, honest) => {
      const answer = (await honest()) as Hex
      const [call] = params as [{ data?: Hex }]
      // getL2Output, the longest of the answers.
      return method === 'eth_call' && answer.length > 66 && call.data ? `${answer.slice(0, -2)}77` : answer
    })
    await expect(proverOf('l2', { l1 }).getFinalOutput({ outputIndex })).rejects.toMatchObject({
      name: 'WrongAnswerError',
      party: 'L1 node',
    })
    const keyroll = withAnswers(world.keyroll, async (_method, _params, honest) => ({
      ...((await honest()) as object),
      stateRoot: OTHER_HASH,
    }))
    const disputed = proverOf('l2', { keyroll }).getFinalOutput({ outputIndex })
    await expect(disputed).rejects.toThrow(OutputDisputedError)
  })
})

describe('a block that is too old', () => {
  const later = (number: Hex, blocks: bigint) => numberToHex(hexToBigInt(number) + blocks)

  test('for L1 itself is refused, unless a checkpoint stored it', async () => {
    const source = world.l2Contracts.blockHashSource
    const outputIndex = await propose()
    const { hash } = await getBlock(world.l1)
    const l2 = withAnswers(world.l1, async (method, _params, honest) => {
      const answer = await honest()
      if (method !== 'eth_getBlockByNumber') return answer
      const block = answer as { number: Hex }
      return { ...block, number: later(block.number, 8_192n) }
    })
    const proof = proverOf('l1', { l2 }).proveOutput({ source, outputIndex, checkpoint: hash })
    await expect(proof).rejects.toThrow(BlockTooOldError)
    await expect(proof).rejects.toMatchObject({ age: 8_192n })
  })

  test('for a node that keeps no archive is told from one that does not answer', async () => {
    const parameters = { source: world.l2Contracts.blockHashSource, outputIndex: await propose() }
    const withoutState = (blocks: bigint) =>
      withAnswers(world.l1, async (method, _params, honest) => {
        if (method === 'eth_getProof') throw Object.assign(new Error('missing trie node'), { code: -32_000 })
        const answer = await honest()
        return method === 'eth_blockNumber' ? later(answer as Hex, blocks) : answer
      })
    const old = proverOf('l1', { l1: withoutState(200n) }).proveOutput(parameters)
    await expect(old).rejects.toThrow(BlockTooOldError)
    const recent = proverOf('l1', { l1: withoutState(0n) }).proveOutput(parameters)
    await expect(recent).rejects.toMatchObject({ name: 'UnansweredError', party: 'L1 node' })
  })
})
