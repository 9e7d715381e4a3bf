import { type Address, encodeErrorResult, zeroHash } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { getTransactionCount } from 'viem/actions'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { getOutputBridge, getRoot } from '../client/index.ts'
import { type DeployingClient, keystoreReplicaAbi } from '../contracts/index.ts'
import { devnetAccounts } from '../devnet/accounts.ts'
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

/** Has the chains go on until something is done. */
async function whileMining<T>(doing: Promise<T>): Promise<T> {
  let isDone = false
  const done = doing.finally(() => {
    isDone = true
  })
  done.catch(() => undefined)
  while (!isDone) await world.step()
  return done
}

const knownOn = (client: DeployingClient, source: Address, outputIndex: bigint) =>
  getRoot(client, { replica: replicaOf(), source, outputIndex })

const sentOn = (client: DeployingClient) => getTransactionCount(client, { address: RELAYER.address })

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
    await whileMining(relayerOn(world.l2).updateRoot({ source, outputIndex, final: false }))
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
    const relayer = relayerOn(world.l2, { chainUrl: forgetful.url })
    await whileMining(relayer.updateRoot({ source, outputIndex, final: false }))
    await forgetful.close()
    // One proof for each refusal, and the one that was taken.
    expect(estimates).toBe(refusals + 1)
    expect(await knownOn(world.l2, source, outputIndex)).toMatchObject({ finalized: false })
  })

  test('to L1 in one transaction', async () => {
    const source = world.l2Contracts.blockHashSource
    const outputIndex = await world.propose([])
    const before = await sentOn(world.l1)
    await whileMining(relayerOn(world.l1).updateRoot({ source, outputIndex, final: false }))
    expect(await knownOn(world.l1, source, outputIndex)).toMatchObject({ finalized: false })
    expect((await sentOn(world.l1)) - before).toBe(1)
  })

  test('to an L3 through its parent, from a checkpoint', async () => {
    const source = world.l2Contracts.parentL1BlockSource
    const outputIndex = await world.propose([])
    const relayer = relayerOn(l3, { parentUrl: world.l2.transport.url })
    await whileMining(relayer.updateRoot({ source, outputIndex, final: false }))
    expect(await knownOn(l3, source, outputIndex)).toMatchObject({ finalized: false })
  })

  test('by the bridge, to L1, to an L2, and from there to an L3, once it is final', async () => {
    const outputIndex = await world.propose([])
    const asked = { source: bridge, outputIndex, final: true }
    const onward = relayerOn(l3, { parentUrl: world.l2.transport.url, portal: world.portals.l3 })
    const forwarding = onward.updateRoot(asked)
    const sending = relayerOn(world.l2, { portal: world.portals.l2 }).updateRoot(asked)
    await world.step(world.rollup.challengePeriod)
    await whileMining(Promise.all([forwarding, sending]))
    for (const client of [world.l2, l3]) {
      expect(await knownOn(client, bridge, outputIndex)).toMatchObject({ finalized: true, builtIn: true })
    }
    await whileMining(relayerOn(world.l1).updateRoot(asked))
    expect(await knownOn(world.l1, bridge, outputIndex)).toMatchObject({ finalized: true })
  })
})

describe('a relayer gives up', () => {
  test('when the bridge lacks a portal, or shall send what is not final', async () => {
    const asked = { source: bridge, outputIndex: await world.propose([]), final: true }
    await expect(relayerOn(world.l2).updateRoot(asked)).rejects.toThrow('--portal')
    const parentUrl = world.l2.transport.url
    await expect(relayerOn(l3, { parentUrl }).updateRoot(asked)).rejects.toThrow('--portal')
    const proposed = relayerOn(world.l2, { portal: world.portals.l2 }).updateRoot({ ...asked, final: false })
    await expect(proposed).rejects.toThrow('--proposed')
  })

  test('after its time, and says what it was waiting for', async () => {
    const source = world.l2Contracts.blockHashSource
    const outputIndex = (await world.propose([])) + 10n
    const relaying = relayerOn(world.l1, { timeout: 400 }).updateRoot({ source, outputIndex, final: false })
    await expect(relaying).rejects.toThrow(CliError)
    await expect(relaying).rejects.toThrow(/in vain\. The L2 node lags: output \d+ does not stand/)
  })
})
