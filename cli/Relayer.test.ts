import { setTimeout as pause } from 'node:timers/promises'
import {
  type Address,
  encodeErrorResult,
  encodeFunctionResult,
  type Hex,
  hexToNumber,
  numberToHex,
  toFunctionSelector,
  zeroHash,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { getTransactionCount } from 'viem/actions'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  checkpoint,
  createKeystore,
  getOutputBridge,
  getRecord,
  getRoot,
  toSecp256k1Signer,
} from '../client/index.ts'
import { type DeployingClient, FeeCeilingError, keystoreReplicaAbi } from '../contracts/index.ts'
import { devnetAccounts } from '../devnet/accounts.ts'
import { ConfigUnknownError } from '../prover/index.ts'
import { startHttpServer } from '../test/httpServer.ts'
import { type ReplicaWorld, startReplicaWorld } from '../test/replicaWorld.ts'
import { CliError } from './CliError.ts'
import { createRelayer, type RelayerOptions } from './Relayer.ts'

const RELAYER = privateKeyToAccount(devnetAccounts().relayer.privateKey)

let world: ReplicaWorld
let l3: DeployingClient
let keyroll: Awaited<ReturnType<typeof startHttpServer>>
let bridge: Address

beforeAll(async () => {
  world = await startReplicaWorld({ withL3: true })
  if (world.l3 === undefined) expect.unreachable()
  l3 = world.l3
  keyroll = await startHttpServer(async (_path, body) => {
    const { id, method, params } = JSON.parse(body)
    const result = await world.keyroll.request({ method, params } as never)
    return Response.json({ jsonrpc: '2.0', id, result })
  })
  bridge = (await getOutputBridge(world.l2, { replica: replicaOf() })).source
})

afterAll(async () => {
  await keyroll.close()
  await world.stop()
})

const replicaOf = () => world.l2Contracts.keystoreReplica

function relayerOn(client: DeployingClient, changes: Partial<RelayerOptions> = {}) {
  return createRelayer({
    l1Url: world.l1.transport.url,
    beaconUrl: world.beaconUrl,
    keyrollUrl: keyroll.url,
    chainUrl: client.transport.url,
    replica: replicaOf(),
    account: RELAYER,
    timeout: 30_000,
    signal: new AbortController().signal,
    ...changes,
  })
}

/** Has the chains go on until something is done, with a pause after each block, in milliseconds. */
async function whileMining<T>(doing: Promise<T>, interval = 0): Promise<T> {
  let isDone = false
  const done = doing.finally(() => {
    isDone = true
  })
  done.catch(() => undefined)
  while (!isDone) {
    await world.step()
    await pause(interval)
  }
  return done
}

const knownOn = (client: DeployingClient, source: Address, outputIndex: bigint) =>
  getRoot(client, { replica: replicaOf(), source, outputIndex })

const sentOn = (client: DeployingClient) => getTransactionCount(client, { address: RELAYER.address })

/** Passes a question on to a chain. */
const askOn = (client: DeployingClient, body: string) =>
  fetch(client.transport.url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })

/** An answer that is none, and that viem does not ask for again by itself. */
function refuse(body: string): Response {
  const { id } = JSON.parse(body)
  return Response.json({ jsonrpc: '2.0', id, error: { code: -32000, message: 'not now' } })
}

/** Whether a contract is asked something. */
function isCallOf(signature: string, body: string): boolean {
  const { method, params } = JSON.parse(body)
  return method === 'eth_call' && params[0].data.startsWith(toFunctionSelector(signature))
}

/** Whether a source is asked for a checkpoint. */
const isAboutCheckpoint = (body: string) => isCallOf('isCheckpoint(bytes32)', body)

const notVouched = (source: Address) =>
  encodeErrorResult({
    abi: keystoreReplicaAbi,
    errorName: 'L1BlockHashNotVouched',
    args: [source, zeroHash],
  })

describe('a root is relayed', () => {
  test.each([
    ['to an L2, from a checkpoint that outlives the transaction', 'l1BlockSource', 2],
    ['to an L2 by EIP-4788 in one transaction', 'beaconRootsSource', 1],
  ] as const)('%s', async (_how, name, transactions) => {
    const source = world.l2Contracts[name]
    const outputIndex = await world.propose([])
    const before = await sentOn(world.l2)
    await whileMining((await relayerOn(world.l2)).updateRoot({ source, outputIndex, final: false }))
    expect(await knownOn(world.l2, source, outputIndex)).toMatchObject({ finalized: false })
    expect((await sentOn(world.l2)) - before).toBe(transactions)
  })

  test('with another proof when the chain takes back what vouched for the first', async () => {
    const source = world.l2Contracts.beaconRootsSource
    const outputIndex = await world.propose([])
    let [estimates, refusals] = [0, 0]
    // Between proof and transaction, the node forgets for once what stood when it was proven.
    const forgetful = await startHttpServer(async (_path, body) => {
      const { id, method } = JSON.parse(body)
      const isEstimate = method === 'eth_estimateGas'
      if (isEstimate && estimates++ === 0) {
        refusals++
        const error = { code: 3, message: 'execution reverted', data: notVouched(source) }
        return Response.json({ jsonrpc: '2.0', id, error })
      }
      // Its refusals too: a chain that goes on may take back what vouched for the second proof.
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(world.l2.transport.url, { method: 'POST', headers, body })
      if (isEstimate && 'error' in ((await answer.clone().json()) as object)) refusals++
      return answer
    })
    const relayer = await relayerOn(world.l2, { chainUrl: forgetful.url })
    await whileMining(relayer.updateRoot({ source, outputIndex, final: false }))
    await forgetful.close()
    // One proof for each refusal, and the one that was taken.
    expect(estimates).toBe(refusals + 1)
    expect(await knownOn(world.l2, source, outputIndex)).toMatchObject({ finalized: false })
  })

  test('until the replica knows it, by a node that is behind the transaction', async () => {
    const source = world.l2Contracts.beaconRootsSource
    const outputIndex = await world.propose([])
    const before = await sentOn(world.l2)
    let looks = 0
    const behind = await startHttpServer(async (_path, body) => {
      const isLook = isCallOf('root(address,uint256)', body) && (await sentOn(world.l2)) > before
      if (!isLook || ++looks > 2) return askOn(world.l2, body)
      return Response.json({ jsonrpc: '2.0', id: JSON.parse(body).id, result: `0x${'00'.repeat(192)}` })
    })
    const relayer = await relayerOn(world.l2, { chainUrl: behind.url })
    await whileMining(relayer.updateRoot({ source, outputIndex, final: false }))
    await behind.close()
    expect(looks).toBe(3)
    expect((await sentOn(world.l2)) - before).toBe(1)
  })

  test('though L1 does not answer once, and once more when a checkpoint is paid for', async () => {
    const source = world.l2Contracts.l1BlockSource
    const outputIndex = await world.propose([])
    const before = await sentOn(world.l2)
    let failures = 0
    const failing = await startHttpServer(async (_path, body) => {
      const isPaid = (await sentOn(world.l2)) > before
      if (failures > (isPaid ? 1 : 0)) return askOn(world.l1, body)
      failures++
      return refuse(body)
    })
    const relayer = await relayerOn(world.l2, { l1Url: failing.url })
    await whileMining(relayer.updateRoot({ source, outputIndex, final: false }))
    await failing.close()
    expect(failures).toBe(2)
    expect((await sentOn(world.l2)) - before).toBe(2)
  })

  test('once it is final, with few questions until then', async () => {
    const source = world.l2Contracts.beaconRootsSource
    const outputIndex = await world.propose([])
    await world.step()
    let [blocks, heads] = [0, 0]
    const beacon = await startHttpServer(async (path) => {
      blocks++
      return fetch(world.beaconUrl + path, { headers: { accept: 'application/octet-stream' } })
    })
    const l1 = await startHttpServer(async (_path, body) => {
      if (JSON.parse(body).method === 'eth_getBlockByNumber') heads++
      return askOn(world.l1, body)
    })
    const relayer = await relayerOn(world.l2, { beaconUrl: beacon.url, l1Url: l1.url })
    const relaying = relayer.updateRoot({ source, outputIndex, final: true })
    await vi.waitFor(() => expect(heads).toBeGreaterThan(3), { timeout: 10_000 })
    expect(blocks).toBe(1)
    await world.step(world.rollup.challengePeriod)
    await whileMining(relaying)
    expect(await knownOn(world.l2, source, outputIndex)).toMatchObject({ finalized: true })

    // What is final is told once.
    const before = await sentOn(world.l2)
    expect(await relayer.updateRoot({ source, outputIndex, final: true })).toBeUndefined()
    expect(await sentOn(world.l2)).toBe(before)
    await Promise.all([beacon.close(), l1.close()])
  })

  test('from another checkpoint when the chain takes the first back', async () => {
    const source = world.l2Contracts.l1BlockSource
    const outputIndex = await world.propose([])
    const before = await sentOn(world.l2)
    let lost: string | undefined
    const forgetful = await startHttpServer(async (_path, body) => {
      if (!isAboutCheckpoint(body)) return askOn(world.l2, body)
      const { id, params } = JSON.parse(body)
      lost ??= params[0].data
      if (params[0].data !== lost) return askOn(world.l2, body)
      return Response.json({ jsonrpc: '2.0', id, result: zeroHash })
    })
    const relayer = await relayerOn(world.l2, { chainUrl: forgetful.url, renewAfter: 200 })
    await whileMining(relayer.updateRoot({ source, outputIndex, final: false }))
    await forgetful.close()
    expect(await knownOn(world.l2, source, outputIndex)).toMatchObject({ finalized: false })
    expect((await sentOn(world.l2)) - before).toBe(3)
  })

  test('from the same checkpoint when a node is only behind it', async () => {
    const source = world.l2Contracts.l1BlockSource
    const outputIndex = await world.propose([])
    const before = await sentOn(world.l2)
    let asked = 0
    const behind = await startHttpServer(async (_path, body) => {
      if (!isAboutCheckpoint(body) || ++asked > 3) return askOn(world.l2, body)
      return Response.json({ jsonrpc: '2.0', id: JSON.parse(body).id, result: zeroHash })
    })
    const changes = { chainUrl: behind.url, timeout: 120_000, renewAfter: 120_000 }
    const relayer = await relayerOn(world.l2, changes)
    await whileMining(relayer.updateRoot({ source, outputIndex, final: false }))
    await behind.close()
    expect(asked).toBeGreaterThan(3)
    expect((await sentOn(world.l2)) - before).toBe(2)
  })

  test('from a checkpoint, though somebody stored the same in the newest block', async () => {
    const source = world.l2Contracts.l1BlockSource
    const outputIndex = await world.propose([])
    await world.mined('l2', checkpoint(world.as('l2', 'user'), { source }))
    const before = await sentOn(world.l2)
    const relayer = await relayerOn(world.l2)
    const relaying = relayer.updateRoot({ source, outputIndex, final: false })
    relaying.catch(() => undefined)
    // The chain goes on only when the transaction waits: in its block, the source vouches for another hash.
    const pending = { address: RELAYER.address, blockTag: 'pending' } as const
    await vi.waitFor(
      async () => expect(await getTransactionCount(world.l2, pending)).toBe(before + 1),
      60_000,
    )
    await whileMining(relaying)
    expect(await knownOn(world.l2, source, outputIndex)).toBeDefined()
  })

  describe('once a checkpoint is paid for', () => {
    /** Relays by a node of the L2 that answers otherwise from then on, and counts the transactions. */
    async function relayBy(
      answer: (asked: { id: number; method: string }, honest: Response) => Promise<Response>,
      interval = 0,
    ) {
      const source = world.l2Contracts.l1BlockSource
      const outputIndex = await world.propose([])
      const before = await sentOn(world.l2)
      const odd = await startHttpServer(async (_path, body) => {
        const isPaid = (await sentOn(world.l2)) > before
        const honest = await askOn(world.l2, body)
        return isPaid ? answer(JSON.parse(body), honest) : honest
      })
      const relayer = await relayerOn(world.l2, { chainUrl: odd.url, timeout: 120_000 })
      const relaying = relayer.updateRoot({ source, outputIndex, final: false })
      await whileMining(relaying, interval).finally(() => odd.close())
      expect(await knownOn(world.l2, source, outputIndex)).toBeDefined()
      return (await sentOn(world.l2)) - before
    }

    test.each([
      ['eth_estimateGas fails once', 'eth_estimateGas', 0],
      ['the answer to eth_sendRawTransaction is lost', 'eth_sendRawTransaction', 0],
      ['it is lost while blocks take their time', 'eth_sendRawTransaction', 1500],
    ])('though %s', async (_what, asked, interval) => {
      let failures = 0
      const sent = await relayBy(async ({ id, method }, honest) => {
        if (method !== asked || failures > 0) return honest
        failures++
        return Response.json({ jsonrpc: '2.0', id, error: { code: -32000, message: 'not now' } })
      }, interval)
      expect(failures).toBe(1)
      expect(sent).toBe(2)
    })

    test.each([
      { code: -32000, message: 'insufficient funds for gas * price + value' },
      { code: 3, message: 'execution reverted', data: '0x' },
    ])('but not where the node says for good: $message', async (error) => {
      let refusals = 0
      const relaying = relayBy(async ({ id, method }, honest) => {
        if (method !== 'eth_estimateGas') return honest
        refusals++
        return Response.json({ jsonrpc: '2.0', id, error })
      })
      await expect(relaying).rejects.toThrow(/updateRoot/)
      expect(refusals).toBe(1)
    })

    test('though the price is too high for a while', async () => {
      let blocks = 0
      const sent = await relayBy(async ({ method }, honest) => {
        if (method !== 'eth_getBlockByNumber' || ++blocks > 4) return honest
        const answer = (await honest.json()) as { result: object }
        return Response.json({ ...answer, result: { ...answer.result, baseFeePerGas: '0x8bb2c97000' } })
      })
      expect(blocks).toBeGreaterThan(4)
      expect(sent).toBe(2)
    })

    test('though a node behind counts a transaction too few', async () => {
      let counts = 0
      const sent = await relayBy(async ({ method }, honest) => {
        if (method !== 'eth_getTransactionCount') return honest
        counts++
        const answer = (await honest.json()) as { result: Hex }
        return Response.json({ ...answer, result: numberToHex(hexToNumber(answer.result) - 1) })
      })
      expect(counts).toBeGreaterThan(0)
      expect(sent).toBe(2)
    })
  })

  describe('not again', () => {
    const user = devnetAccounts().user
    /** Has somebody else relay the same, when the relayer first asks for something. */
    async function relayLate(
      method: string,
      wanted: { source: Address; outputIndex: bigint; final: boolean },
    ) {
      let faster: Promise<unknown> | undefined
      const slow = await startHttpServer(async (_path, body) => {
        if (JSON.parse(body).method === method) {
          faster ??= relayerOn(world.l1, { account: privateKeyToAccount(user.privateKey) }).then((other) =>
            other.updateRoot(wanted),
          )
          await faster
        }
        return askOn(world.l1, body)
      })
      const before = await sentOn(world.l1)
      const relayer = await relayerOn(world.l1, { chainUrl: slow.url })
      const receipt = await whileMining(relayer.updateRoot(wanted))
      await slow.close()
      expect(await faster).toBeDefined()
      return { receipt, sent: (await sentOn(world.l1)) - before }
    }

    test('when another relayer was faster', async () => {
      const wanted = { source: world.l2Contracts.blockHashSource, outputIndex: await world.propose([]) }
      const { receipt, sent } = await relayLate('eth_getBlockByNumber', { ...wanted, final: false })
      expect(receipt).toBeUndefined()
      expect(sent).toBe(0)
    })

    test('when another relayer is faster than the transaction, which then changes nothing', async () => {
      const wanted = { source: world.l2Contracts.blockHashSource, outputIndex: await world.propose([]) }
      const { receipt, sent } = await relayLate('eth_sendRawTransaction', { ...wanted, final: false })
      expect(receipt).toMatchObject({ status: 'success', logs: [] })
      expect(sent).toBe(1)
      expect(await knownOn(world.l1, wanted.source, wanted.outputIndex)).toBeDefined()
    })

    test('while nothing has changed, but once more when it is final', async () => {
      const source = world.l2Contracts.beaconRootsSource
      const outputIndex = await world.propose([])
      const wanted = { source, outputIndex, final: false }
      const relayer = await relayerOn(world.l2)
      expect(await whileMining(relayer.updateRoot(wanted))).toBeDefined()
      const before = await sentOn(world.l2)
      expect(await whileMining(relayer.updateRoot(wanted))).toBeUndefined()
      expect(await sentOn(world.l2)).toBe(before)
      await world.step(world.rollup.challengePeriod)
      // EIP-4788 names the block before.
      await world.step()
      expect(await whileMining(relayer.updateRoot(wanted))).toBeDefined()
      expect(await knownOn(world.l2, source, outputIndex)).toMatchObject({ finalized: true })
    })
  })

  test('to L1 in one transaction', async () => {
    const source = world.l2Contracts.blockHashSource
    const outputIndex = await world.propose([])
    const before = await sentOn(world.l1)
    await whileMining((await relayerOn(world.l1)).updateRoot({ source, outputIndex, final: false }))
    expect(await knownOn(world.l1, source, outputIndex)).toMatchObject({ finalized: false })
    expect((await sentOn(world.l1)) - before).toBe(1)
  })

  test('to an L3 through its parent, from a checkpoint', async () => {
    const source = world.l2Contracts.parentL1BlockSource
    const outputIndex = await world.propose([])
    const relayer = await relayerOn(l3, { parentUrl: world.l2.transport.url })
    await whileMining(relayer.updateRoot({ source, outputIndex, final: false }))
    expect(await knownOn(l3, source, outputIndex)).toMatchObject({ finalized: false })
  })

  test('by the bridge, to L1, to an L2, and from there to an L3, once it is final', async () => {
    const outputIndex = await world.propose([])
    const asked = { source: bridge, outputIndex, final: true }
    const onward = await relayerOn(l3, { parentUrl: world.l2.transport.url, portal: world.portals.l3 })
    const forwarding = onward.updateRoot(asked)
    const sending = (await relayerOn(world.l2, { portal: world.portals.l2 })).updateRoot(asked)
    await world.step(world.rollup.challengePeriod)
    await whileMining(Promise.all([forwarding, sending]))
    for (const client of [world.l2, l3]) {
      expect(await knownOn(client, bridge, outputIndex)).toMatchObject({ finalized: true, builtIn: true })
    }
    await whileMining((await relayerOn(world.l1)).updateRoot(asked))
    expect(await knownOn(world.l1, bridge, outputIndex)).toMatchObject({ finalized: true })

    // What the replica has is not sent again.
    const before = await sentOn(world.l2)
    expect(await onward.updateRoot(asked)).toBeUndefined()
    expect(await sentOn(world.l2)).toBe(before)
  })
})

test('a root that the bridge sent is waited for, though the chain does not answer once', async () => {
  const outputIndex = await world.propose([])
  const before = await sentOn(world.l1)
  let failures = 0
  const failing = await startHttpServer(async (_path, body) => {
    const isSent = (await sentOn(world.l1)) > before
    if (!isSent || failures > 0) return askOn(world.l2, body)
    failures++
    return refuse(body)
  })
  await world.step(world.rollup.challengePeriod)
  const relayer = await relayerOn(world.l2, { chainUrl: failing.url, portal: world.portals.l2 })
  await whileMining(relayer.updateRoot({ source: bridge, outputIndex, final: true }))
  await failing.close()
  expect(failures).toBe(1)
  expect(await knownOn(world.l2, bridge, outputIndex)).toMatchObject({ finalized: true })
})

describe('a root that waits to be sent on by the bridge', () => {
  const asked = async () => {
    const root = { source: bridge, outputIndex: await world.propose([]), final: true }
    await world.step(world.rollup.challengePeriod)
    await whileMining((await relayerOn(world.l2, { portal: world.portals.l2 })).updateRoot(root))
    return root
  }
  const toL3 = (changes: Partial<RelayerOptions> = {}) =>
    relayerOn(l3, { portal: world.portals.l3, parentUrl: world.l2.transport.url, ...changes })

  test('is not paid for again when somebody else sends it on meanwhile', async () => {
    const root = await asked()
    const somebody = await toL3({ account: privateKeyToAccount(devnetAccounts().user.privateKey) })
    let isSent = false
    const proxy = await startHttpServer(async (_path, body) => {
      if (!isSent && isCallOf('root(address,uint256)', body)) await somebody.updateRoot(root)
      isSent ||= isCallOf('root(address,uint256)', body)
      return askOn(world.l2, body)
    })
    const before = await sentOn(world.l2)
    expect(await whileMining((await toL3({ parentUrl: proxy.url })).updateRoot(root))).toBeUndefined()
    await proxy.close()
    expect(isSent).toBe(true)
    expect(await sentOn(world.l2)).toBe(before)
  })

  test('is sent on though the chain does not answer once when it is there', async () => {
    const root = await asked()
    let questions = 0
    const failing = await startHttpServer(async (_path, body) => {
      const isSecond = isCallOf('root(address,uint256)', body) && ++questions === 2
      return isSecond ? refuse(body) : askOn(l3, body)
    })
    expect(await whileMining((await toL3({ chainUrl: failing.url })).updateRoot(root))).toBeDefined()
    await failing.close()
    expect(await knownOn(l3, bridge, root.outputIndex)).toMatchObject({ finalized: true })
  })
})

describe('a relayer gives up', () => {
  test('when the bridge lacks a portal, or shall send what is not final', async () => {
    const asked = { source: bridge, outputIndex: await world.propose([]), final: true }
    await expect((await relayerOn(world.l2)).updateRoot(asked)).rejects.toThrow('--portal')
    const parentUrl = world.l2.transport.url
    await expect((await relayerOn(l3, { parentUrl })).updateRoot(asked)).rejects.toThrow('--portal')
    const proposed = (await relayerOn(world.l2, { portal: world.portals.l2 })).updateRoot({
      ...asked,
      final: false,
    })
    await expect(proposed).rejects.toThrow('--proposed')
  })

  test('after its time, and says who did not answer', async () => {
    const source = world.l2Contracts.beaconRootsSource
    const outputIndex = await world.propose([])
    await world.step()
    const beacon = await startHttpServer(async () => new Response('', { status: 503 }))
    const told: string[] = []
    const tell = (text: string) => void told.push(text)
    const relayer = await relayerOn(world.l2, { beaconUrl: beacon.url, timeout: 400, tell })
    const relaying = relayer.updateRoot({ source, outputIndex, final: false })
    await expect(relaying).rejects.toThrow(/in vain\. The beacon node did not answer .*503/)
    await beacon.close()
    expect(told).toEqual([expect.stringMatching(/^waiting up to 0\.4 s for .*\. The beacon node did not/)])
  })

  test.each([
    ['no chain keeps', 5, false],
    ['no chain keeps, nor a node confirms', 7, true],
  ])('to pay for checkpoints that %s', async (_which, questions, isAnswerLost) => {
    const source = world.l2Contracts.l1BlockSource
    const outputIndex = await world.propose([])
    const before = await sentOn(world.l2)
    const stopping = new AbortController()
    let [asked, sends] = [0, 0]
    const forgetful = await startHttpServer(async (_path, body) => {
      if (!isAboutCheckpoint(body)) {
        const honest = await askOn(world.l2, body)
        const isSend = JSON.parse(body).method === 'eth_sendRawTransaction'
        return isSend && ++sends > 1 && isAnswerLost ? refuse(body) : honest
      }
      if (++asked === questions) stopping.abort(new Error('enough'))
      return Response.json({ jsonrpc: '2.0', id: JSON.parse(body).id, result: zeroHash })
    })
    const { signal } = stopping
    const changes = { chainUrl: forgetful.url, signal, timeout: 300_000, renewAfter: 0 }
    const relayer = await relayerOn(world.l2, changes)
    const relaying = relayer.updateRoot({ source, outputIndex, final: false })
    await expect(whileMining(relaying)).rejects.toThrow('enough')
    await forgetful.close()
    // The first one, and three instead of it.
    expect((await sentOn(world.l2)) - before).toBe(4)
  })

  test('when the output was deleted meanwhile, as the replica knows', async () => {
    const source = world.l2Contracts.beaconRootsSource
    const outputIndex = await world.propose([])
    const before = await sentOn(world.l2)
    const absent = encodeFunctionResult({
      abi: keystoreReplicaAbi,
      functionName: 'root',
      result: {
        keystoreRoot: zeroHash,
        l2BlockNumber: 0,
        l1Timestamp: 0,
        l1BlockNumber: 1_000_000,
        finalized: false,
        builtIn: false,
      },
    })
    const later = await startHttpServer(async (_path, body) => {
      const isLook = isCallOf('root(address,uint256)', body) && (await sentOn(world.l2)) > before
      if (!isLook) return askOn(world.l2, body)
      return Response.json({ jsonrpc: '2.0', id: JSON.parse(body).id, result: absent })
    })
    const relayer = await relayerOn(world.l2, { chainUrl: later.url, timeout: 10_000 })
    const relaying = relayer.updateRoot({ source, outputIndex, final: false })
    await expect(whileMining(relaying)).rejects.toThrow(
      `as of L1 block 1000000, the replica knows that output ${outputIndex} was deleted`,
    )
    await later.close()
  })

  test('when the chain asks for more than it may pay, and sends nothing', async () => {
    const feeLimits = { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n }
    const asked = {
      source: world.l2Contracts.blockHashSource,
      outputIndex: await world.propose([]),
      final: false,
    }
    const before = await sentOn(world.l1)
    const relaying = (await relayerOn(world.l1, { feeLimits })).updateRoot(asked)
    await expect(whileMining(relaying)).rejects.toThrow(FeeCeilingError)
    expect(await sentOn(world.l1)).toBe(before)
  })

  test('after its time, and says what it was waiting for', async () => {
    const source = world.l2Contracts.blockHashSource
    const outputIndex = (await world.propose([])) + 10n
    const relaying = (await relayerOn(world.l1, { timeout: 400 })).updateRoot({
      source,
      outputIndex,
      final: false,
    })
    await expect(relaying).rejects.toThrow(CliError)
    await expect(relaying).rejects.toThrow(/in vain\. The L2 node lags: output \d+ does not stand/)
  })
})

test('a keystore that nobody updated is confirmed with the config that is given', async () => {
  const source = world.l2Contracts.beaconRootsSource
  const outputIndex = await world.propose([])
  const relayer = await relayerOn(world.l2)
  await whileMining(relayer.updateRoot({ source, outputIndex, final: false }))
  const { id, initial } = createKeystore({ signers: [toSecp256k1Signer(RELAYER)] })
  const asked = { id, account: RELAYER.address, source, outputIndex }
  await expect(relayer.confirm(asked)).rejects.toThrow(ConfigUnknownError)
  await whileMining(relayer.confirm({ ...asked, config: initial }))
  const { confirmedNonce, asOf } = await getRecord(world.l2, { replica: replicaOf(), ...asked })
  expect(confirmedNonce).toBe(0n)
  expect(asOf).toBeGreaterThan(0)
})
