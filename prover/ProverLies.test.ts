import { ssz } from '@lodestar/types'
import {
  type Address,
  type Client,
  createClient,
  type Hex,
  hexToBigInt,
  http,
  keccak256,
  numberToHex,
  toFunctionSelector,
  toHex,
} from 'viem'
import { getBlock, sendTransaction } from 'viem/actions'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DeployingClient } from '../contracts/index.ts'
import { createSignerTree, NO_AUTHORITY } from '../protocol/index.ts'
import { startHttpServer } from '../test/httpServer.ts'
import { type ReplicaWorld, startReplicaWorld, withAnswers } from '../test/replicaWorld.ts'
import { createTestSigner } from '../test/testSigners.ts'
import {
  BeaconApiMissingError,
  BlockTooOldError,
  createProver,
  LaggingError,
  OutputDisputedError,
  type ProveOutputParameters,
  type ProverContext,
  ReplicaAbsentError,
  SourceNotActiveError,
  UnansweredError,
  UnknownForkError,
  UnknownSourceError,
  WrongAnswerError,
} from './index.ts'

const ID = keccak256(toHex('keystore'))
const OTHER_HASH = keccak256(toHex('something else'))

let world: ReplicaWorld
let context: ProverContext
let parameters: ProveOutputParameters

beforeAll(async () => {
  world = await startReplicaWorld()
  const { l1, l2, keyroll, beaconUrl, l2Contracts } = world
  context = { l1, l2, keyroll, beaconUrl, replica: l2Contracts.keystoreReplica }
  const { root } = createSignerTree([createTestSigner(1, 'signer')])
  const signers = { root, threshold: 1 }
  const rest = { guardians: NO_AUTHORITY, recoveryDelay: 0, maxStaleness: 0, data: '0x' } as const
  const outputIndex = await world.propose([{ id: ID, config: { nonce: 1n, signers, ...rest } }])
  await world.step()
  await world.step()
  parameters = { source: l2Contracts.beaconRootsSource, outputIndex }
})

afterAll(() => world.stop())

const prove = (changes: Partial<ProverContext>) =>
  createProver({ ...context, ...changes }).proveOutput(parameters)

/** A party that changes its answers to one method. */
function liar(client: Client, lie: string, change: (honest: never) => unknown) {
  return withAnswers(client, async (method, _params, honest) => {
    const answer = await honest()
    return method === lie ? change(answer as never) : answer
  })
}

test('honest parties are believed', async () => {
  await expect(prove({})).resolves.toMatchObject({ isFinal: false })
})

describe('an L1 node', () => {
  const wrong = { name: 'WrongAnswerError', party: 'L1 node' }

  test.each(['stateRoot', 'timestamp', 'number', 'extraData', 'requestsHash', 'blobGasUsed'])(
    'that changes a header in %s is found out',
    async (field) => {
      const change = (block: object) => ({
        ...block,
        [field]: field.endsWith('t') || field.endsWith('h') ? OTHER_HASH : '0x7777',
      })
      await expect(prove({ l1: liar(world.l1, 'eth_getBlockByHash', change) })).rejects.toMatchObject(wrong)
    },
  )

  test('that drops a header field is found out', async () => {
    const change = ({ parentBeaconBlockRoot: _, ...block }: { parentBeaconBlockRoot: Hex }) => block
    await expect(prove({ l1: liar(world.l1, 'eth_getBlockByHash', change) })).rejects.toMatchObject(wrong)
  })

  test.each([
    ['no account node', { accountProof: [] }],
    ['no storage proof', { storageProof: [] }],
    ['a storage proof without nodes', { storageProof: [{ proof: [] }] }],
    ['a node that is no hex', { accountProof: ['node'] }],
    ['a foreign node', { accountProof: [`0xc88320646f8320646f`] }],
  ])('that proves with %s is found out', async (_name, change) => {
    const l1 = liar(world.l1, 'eth_getProof', (proof: object) => ({ ...proof, ...change }))
    await expect(prove({ l1 })).rejects.toMatchObject(wrong)
  })

  test('that claims another oracle state of the same block is found out', async () => {
    const l1 = withAnswers(world.l1, async (method, params, honest) => {
      if (method !== 'eth_getProof') return honest()
      return world.l1.request({ method, params: [params[0], params[1], '0x1'] } as never)
    })
    await expect(prove({ l1 })).rejects.toMatchObject(wrong)
  })

  test('that changes what the oracle says is found out', async () => {
    const l1 = liar(world.l1, 'eth_call', (answer: Hex) => `${answer.slice(0, -2)}77`)
    await expect(prove({ l1 })).rejects.toMatchObject(wrong)
  })

  test('that does not know the block lags', async () => {
    const l1 = liar(world.l1, 'eth_getBlockByHash', () => null)
    await expect(prove({ l1 })).rejects.toMatchObject({ name: 'LaggingError', party: 'L1 node' })
  })

  /** Another node of the same provider, blocks apart from the one that found the block. */
  const apart = (silent: string, blocks: bigint, head: (answer: Hex) => unknown = (answer) => answer) =>
    withAnswers(world.l1, async (method, _params, honest) => {
      if (method === silent) throw Object.assign(new Error('header not found'), { code: -32000 })
      const answer = await honest()
      return method === 'eth_blockNumber' ? head(numberToHex(hexToBigInt(answer as Hex) + blocks)) : answer
    })

  test.each(['eth_getProof', 'eth_call'])('that is behind the block when asked %s lags', async (silent) => {
    const proof = prove({ l1: apart(silent, -3n) })
    await expect(proof).rejects.toMatchObject({ name: 'LaggingError', party: 'L1 node' })
  })

  test.each(['eth_getProof', 'eth_call'])(
    'that has forgotten the block when asked %s is told so',
    async (silent) => {
      await expect(prove({ l1: apart(silent, 200n) })).rejects.toThrow(BlockTooOldError)
    },
  )

  test.each([
    ['has the block', 0n, undefined],
    ['says nothing of its head either', -3n, () => '0x'],
  ])('that %s and does not answer is named', async (_name, blocks, head) => {
    const l1 = apart('eth_call', blocks, head)
    await expect(prove({ l1 })).rejects.toMatchObject({ name: 'UnansweredError', party: 'L1 node' })
  })

  test('that cannot be reached is named', async () => {
    const l1 = createClient({ transport: http('http://127.0.0.1:1', { retryCount: 0 }) })
    await expect(prove({ l1 })).rejects.toMatchObject({ name: 'UnansweredError', party: 'L1 node' })
  })
})

describe('a Keyroll node', () => {
  /** A node that shows a changed block of the output, and has derived so many blocks above it. */
  const showing = (change: () => object, above: bigint) =>
    withAnswers(world.keyroll, async (_method, [block], honest) =>
      block === 'safe'
        ? { number: numberToHex(parameters.outputIndex + 1n + above) }
        : { ...((await honest()) as object), ...change() },
    )

  test.each(['stateRoot', 'withdrawalsRoot', 'hash'])(
    'that derived another %s disputes the output',
    async (field) => {
      const keyroll = showing(() => ({ [field]: OTHER_HASH }), 0n)
      await expect(prove({ keyroll })).rejects.toThrow(OutputDisputedError)
    },
  )

  test.each([
    ['the very block', {}],
    ['another block', { stateRoot: OTHER_HASH }],
  ])('that has %s only by the word of a sequencer lags', async (_name, changes) => {
    const keyroll = showing(() => changes, -1n)
    await expect(prove({ keyroll })).rejects.toMatchObject({ name: 'LaggingError', party: 'Keyroll node' })
  })

  test('that says nothing of its safe head is found out', async () => {
    const keyroll = withAnswers(world.keyroll, async (_method, [block], honest) =>
      block === 'safe' ? null : honest(),
    )
    await expect(prove({ keyroll })).rejects.toThrow(WrongAnswerError)
  })

  test('that does not have the block lags', async () => {
    const keyroll = withAnswers(world.keyroll, async (_method, [block], honest) =>
      block === 'safe' ? honest() : null,
    )
    await expect(prove({ keyroll })).rejects.toMatchObject({ name: 'LaggingError', party: 'Keyroll node' })
  })

  test('that answers with something else is found out', async () => {
    const keyroll = liar(world.keyroll, 'eth_getBlockByNumber', () => ({ hash: 7 }))
    await expect(prove({ keyroll })).rejects.toThrow(WrongAnswerError)
  })
})

describe('a beacon node', () => {
  async function proveWithBeacon(answer: (honest: Response) => Promise<Response>) {
    const server = await startHttpServer(async (path) =>
      answer(await fetch(world.beaconUrl + path, { headers: { accept: 'application/octet-stream' } })),
    )
    try {
      return await prove({ beaconUrl: server.url })
    } finally {
      await server.close()
    }
  }

  const answerWith = (honest: Response, body: Uint8Array, fork = 'fulu') =>
    new Response(new Uint8Array(body), {
      headers: { 'content-type': honest.headers.get('content-type') ?? '', 'eth-consensus-version': fork },
    })

  test('that changes the block is found out by its root', async () => {
    const proof = proveWithBeacon(async (honest) => {
      const block = ssz.fulu.SignedBeaconBlock.deserialize(new Uint8Array(await honest.arrayBuffer()))
      block.message.body.executionPayload.blockHash = new Uint8Array(32).fill(7)
      return answerWith(honest, ssz.fulu.SignedBeaconBlock.serialize(block))
    })
    await expect(proof).rejects.toMatchObject({ name: 'WrongAnswerError', party: 'beacon node' })
  })

  test('that sends garbage is found out', async () => {
    const proof = proveWithBeacon(async (honest) => answerWith(honest, new Uint8Array(100)))
    await expect(proof).rejects.toMatchObject({ name: 'WrongAnswerError', party: 'beacon node' })
  })

  test('that names a fork unknown here is refused', async () => {
    const proof = proveWithBeacon(async (honest) => answerWith(honest, new Uint8Array(100), 'verkle'))
    await expect(proof).rejects.toThrow(UnknownForkError)
  })

  test('that does not have the block lags', async () => {
    const proof = proveWithBeacon(async () => new Response('{"code":404}', { status: 404 }))
    await expect(proof).rejects.toThrow(LaggingError)
  })

  test('that fails is named', async () => {
    const proof = proveWithBeacon(async () => new Response('', { status: 503 }))
    await expect(proof).rejects.toMatchObject({ name: 'UnansweredError', party: 'beacon node' })
    await expect(prove({ beaconUrl: 'http://127.0.0.1:1' })).rejects.toThrow(UnansweredError)
  })

  test('is missed when the source needs one', async () => {
    await expect(prove({ beaconUrl: undefined })).rejects.toThrow(BeaconApiMissingError)
  })
})

describe('a Keyroll node asked for a config', () => {
  const account: Address = '0x00000000000000000000000000000000000000aa'

  beforeAll(async () => {
    const { l2 } = world
    const proven = await createProver(context).proveOutput(parameters)
    const call = {
      to: context.replica,
      data: proven.data,
      gas: 3_000_000n,
      chain: l2.chain ?? null,
      account: l2.account,
    }
    await world.mined('l2', sendTransaction(l2, call))
  })

  const proveConfig = (keyroll: Client) =>
    createProver({ ...context, keyroll }).proveConfig({ ...parameters, id: ID, account })

  test('is believed when it is honest', async () => {
    await expect(proveConfig(world.keyroll)).resolves.toMatchObject({ config: { nonce: 1n } })
  })

  test.each([
    ['no proof', { storageProof: [] }],
    ['a foreign proof', { storageProof: ['0xc88320646f8320646f'] }],
    ['a config that is none', { config: { nonce: 1 } }],
  ])('with %s is found out', async (_name, change) => {
    const keyroll = liar(world.keyroll, 'keyroll_getConfigProof', (proof: object) => ({
      ...proof,
      ...change,
    }))
    await expect(proveConfig(keyroll)).rejects.toMatchObject({
      name: 'WrongAnswerError',
      party: 'Keyroll node',
    })
  })

  test('that refuses with a code for absent things lags', async () => {
    const keyroll = withAnswers(world.keyroll, async () => {
      throw Object.assign(new Error('block not found'), { code: -32001 })
    })
    await expect(proveConfig(keyroll)).rejects.toMatchObject({ name: 'LaggingError', party: 'Keyroll node' })
  })
})

describe('where no replica stands', () => {
  const account: Address = '0x00000000000000000000000000000000000000aa'
  const proverOf = (changes: Partial<ProverContext>) => createProver({ ...context, ...changes })

  test('nothing is proven, however long one waits', async () => {
    const prover = proverOf({ replica: account })
    const absent = { name: 'ReplicaAbsentError', replica: account }
    await expect(prover.proveOutput(parameters)).rejects.toMatchObject(absent)
    await expect(prover.proveConfig({ ...parameters, id: ID, account })).rejects.toMatchObject(absent)
    await expect(prover.getFinalOutput(parameters)).rejects.toMatchObject(absent)
  })

  test('another contract is not taken for one', async () => {
    const prover = proverOf({ replica: world.l2Contracts.beaconRootsSource })
    await expect(prover.proveOutput(parameters)).rejects.toThrow(ReplicaAbsentError)
  })

  test('is not what a node says that fails', async () => {
    const failing = (error: object) =>
      withAnswers(world.l2, async () => {
        throw Object.assign(new Error('internal error'), error)
      })
    for (const error of [{}, { code: -32_603 }]) {
      const prover = proverOf({ l2: failing(error) })
      await expect(prover.proveOutput(parameters)).rejects.toThrow(UnansweredError)
    }
  })
})

describe('a source', () => {
  /** A replica that says of every source that it is active from some time on. */
  const knownFrom = (activeAt: bigint) =>
    withAnswers(world.l2, async (method, params, honest) => {
      const [call] = params as [{ data?: Hex }]
      const isAsked = method === 'eth_call' && call.data?.startsWith(toFunctionSelector('activeAt(address)'))
      return isAsked ? numberToHex(activeAt, { size: 32 }) : honest()
    })
  const proveBy = (source: Address, l2: DeployingClient = world.l2) =>
    createProver({ ...context, l2 }).proveOutput({ ...parameters, source })

  test('of another kind is refused', async () => {
    await expect(proveBy(world.l2Contracts.keystoreReplica, knownFrom(1n))).rejects.toThrow(
      UnknownSourceError,
    )
  })

  test('that the replica does not know is refused before anything is proven', async () => {
    const proof = proveBy(world.l2Contracts.keystoreReplica)
    await expect(proof).rejects.toMatchObject({ name: 'SourceNotActiveError', activeAt: 0 })
  })

  test('that was appended is refused until the replica takes its proofs', async () => {
    const { timestamp } = await getBlock(world.l2)
    const waiting = proveBy(parameters.source, knownFrom(timestamp + 1n))
    await expect(waiting).rejects.toThrow(SourceNotActiveError)
    await expect(waiting).rejects.toMatchObject({ activeAt: Number(timestamp + 1n) })
    await expect(proveBy(parameters.source, knownFrom(timestamp))).resolves.toBeDefined()
  })
})
