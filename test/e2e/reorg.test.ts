import { encodeFunctionData, type Hex, hexToBigInt, slice } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keystorePortalAbi } from '../../contracts/index.ts'
import { KEYSTORE_ADDRESS, toHex } from '../../protocol/index.ts'
import {
  rpc,
  type SequencerWorld,
  type StatusJson,
  startSequencerWorld,
  until,
  untilReady,
} from '../sequencerWorld.ts'
import { createTestKeystore, type SignedSetConfig } from '../TestKeystore.ts'
import { startFreshVerifier } from './freshVerifier.ts'
import { type Load, startLoad } from './load.ts'
import { createProcesses, type Processes, type RunningProcess } from './processes.ts'
import { expectSameChain } from './sameChain.ts'

// What anvil does in a reorg: every transaction of the replaced blocks is forgotten, in the chain and in the pool, and nonces
// go back; the new blocks all have the time of the block they stand on, and a random prevRandao, so that their hashes
// are new; the old ones cannot be asked for any more. It lets a reorg go below what it calls finalized, which here never
// happens: finality is 80 blocks behind, beyond the deepest reorg. What L1 finalizes and then takes back is no chain to follow.

const SLOTS_IN_AN_EPOCH = 40
const L1_BLOCK_MS = 1_000
/** So many blocks are there at the start: an L2 block moves its origin by one, so that no L1 may be faster than the rollup. */
const HISTORY = 100

let world: SequencerWorld
let processes: Processes
let sequencer: RunningProcess
let node: RunningProcess
let miner: ReturnType<typeof startMiner>
let load: Load
/** Promises that cannot have been kept: the test itself has seen to it. */
const excused = new Set<Hex>()

beforeAll(async () => {
  world = await startSequencerWorld({
    slotsInAnEpoch: SLOTS_IN_AN_EPOCH,
    history: HISTORY,
    // Windows far beyond the deepest reorg.
    parameters: { seqWindowSize: 400n, maxSequencerDrift: 600n, submissionInterval: 10n },
  })
  miner = startMiner()
  processes = await createProcesses(world)
  sequencer = await processes.startSequencer('sequencer', '--resubmit-after', '1')
  node = await processes.startNode('node')
  await untilReady(sequencer.url)
  load = startLoad({
    chainId: world.rollup.l2ChainId,
    name: 'reorg',
    urlOf: () => sequencer.url,
    pauseMs: 150,
  })
})

afterAll(async () => {
  await load?.stop()
  await miner?.stop()
  await processes?.stop()
  await world?.stop()
})

/** Mines a block every so often at the time of the clock; anvil's own clock falls back with every reorg. */
function startMiner() {
  let isStopping = false
  let turn: Promise<unknown> = Promise.resolve()
  const request = (method: string, params: readonly unknown[]) =>
    world.l1.request({ method, params } as never) as Promise<unknown>
  /** One thing at a time happens to L1. */
  const inTurn = <T>(deed: () => Promise<T>): Promise<T> => {
    const done = turn.then(deed)
    turn = done.catch(() => undefined)
    return done
  }
  const mine = () =>
    inTurn(async () => {
      await request('evm_setTime', [Math.floor(Date.now() / 1000)])
      await request('evm_mine', [])
    })
  const running = (async () => {
    while (!isStopping) {
      await mine()
      await new Promise((resolve) => setTimeout(resolve, L1_BLOCK_MS))
    }
  })()
  return {
    mine,
    /** Replaces the newest blocks, with raw transactions at places counted from the first new block. */
    reorg: (depth: number, transactions: readonly [raw: Hex, at: number][] = []) =>
      inTurn(() => request('anvil_reorg', [depth, transactions])),
    /** Takes the newest blocks away: until it is mined again, L1 is shorter than it was. */
    rollback: (depth: number) => inTurn(() => request('anvil_rollback', [depth])),
    async stop() {
      isStopping = true
      await running
    },
  }
}

const l1Head = () => world.l1.getBlockNumber({ cacheTime: 0 })

/** Lets L1 and the load go on until so many more promises were given, and L1 has some more blocks. */
async function goOn(promises: number): Promise<void> {
  const [before, head] = [load.promises.length, await l1Head()]
  await until(
    async () => load.promises.length,
    (count) => count >= before + promises,
  )
  await until(l1Head, (now) => now >= head + 2n)
}

/** The raw transactions to an address in the newest blocks of L1, in order. */
async function rawTransactions(depth: number, to: Hex): Promise<Hex[]> {
  const head = await l1Head()
  const raws: Hex[] = []
  for (let number = head - BigInt(depth) + 1n; number <= head; number++) {
    const block = await world.l1.getBlock({ blockNumber: number, includeTransactions: true })
    for (const { hash, to: receiver } of block.transactions) {
      if (receiver?.toLowerCase() !== to.toLowerCase()) continue
      const raw = (await world.l1.request({
        method: 'eth_getRawTransactionByHash',
        params: [hash],
      } as never)) as Hex
      raws.push(raw)
    }
  }
  return raws
}

const statusOf = (hash: Hex) =>
  rpc<StatusJson & { displacedReason?: string }>(sequencer.url, 'keyroll_getStatus', [hash])
const isSafe = ({ stage }: StatusJson) => ['safe', 'proposed', 'finalized'].includes(stage)
const untilSafe = (hash: Hex) => until(() => statusOf(hash), isSafe, 60_000)

type Unkept = { promise: { txHash: Hex }; outcome: string; reason: string | null; void: boolean }

async function unkept(): Promise<Unkept[]> {
  return (await rpc<{ promises: Unkept[] }>(sequencer.url, 'keyroll_getUnkeptPromises', [])).promises
}

/** Waits until sequencer and node have read on from the L1 of now: before, they may speak of what a reorg has taken back. */
async function untilFollowed(): Promise<void> {
  const head = Number(await l1Head())
  for (const { url } of [sequencer, node]) {
    await until(
      async () => {
        const { current_l1: current } = await rpc<{ current_l1: { number: number; hash: Hex } }>(
          url,
          'optimism_syncStatus',
          [],
        )
        const { hash } = await world.l1.getBlock({ blockNumber: BigInt(current.number) })
        return current.number > head && hash === current.hash
      },
      (isThere) => isThere,
      60_000,
    )
  }
}

/** Expects every promise of the load kept, in the order in which they were given, and three nodes to know the same chain. */
async function expectAllKept(): Promise<void> {
  await untilFollowed()
  const places: [block: number, index: number][] = []
  for (const { tx, byBlock } of [...load.promises]) {
    const status = await untilSafe(tx.hash)
    expect(status.valid).toBe(true)
    const { blockNumber, transactionIndex } = await rpc<{ blockNumber: Hex; transactionIndex: Hex }>(
      sequencer.url,
      'eth_getTransactionReceipt',
      [tx.hash],
    )
    expect(Number(blockNumber), `promised by block ${byBlock}`).toBeLessThanOrEqual(byBlock)
    places.push([Number(blockNumber), Number(transactionIndex)])
  }
  expect(places).toEqual(places.toSorted(([a, i], [b, j]) => a - b || i - j))
  expect((await unkept()).filter(({ promise }) => !excused.has(promise.txHash))).toEqual([])
  const fresh = await startFreshVerifier(world)
  try {
    await expectSameChain([sequencer.url, node.url, fresh.url], places.at(-1)?.[0] ?? 0)
  } finally {
    await fresh.close()
  }
}

let names = 0
const newKeystore = () => createTestKeystore(world.rollup.l2ChainId, `reorg, own ${names++}`)
const promise = ({ raw }: SignedSetConfig) => rpc(sequencer.url, 'keyroll_sendConfig', [toHex(raw)])

/** Signs, but does not send, the L1 transaction that forces a set-config, with the user's nonce after a reorg of some depth. */
async function signForced({ raw }: SignedSetConfig, depth: number): Promise<Hex> {
  const account = privateKeyToAccount(world.accounts.user.privateKey)
  const at = (await l1Head()) - BigInt(depth)
  return account.signTransaction({
    type: 'eip1559',
    chainId: Number(world.rollup.l1ChainId),
    nonce: await world.l1.getTransactionCount({ address: account.address, blockNumber: at }),
    to: world.rollup.depositContractAddress,
    data: encodeFunctionData({
      abi: keystorePortalAbi,
      functionName: 'depositTransaction',
      args: [KEYSTORE_ADDRESS, 0n, 0n, false, toHex(raw)],
    }),
    gas: 1_000_000n,
    maxFeePerGas: 100_000_000_000n,
    maxPriorityFeePerGas: 1_000_000_000n,
  })
}

async function force(tx: SignedSetConfig): Promise<void> {
  await world.l1.sendRawTransaction({ serializedTransaction: await signForced(tx, 0) })
  await until(
    () => statusOf(tx.hash),
    ({ blockNumber }) => blockNumber !== undefined,
  )
}

/** How many blocks deep a reorg must be to take back what a block of the rollup stands on. */
async function depthTo(hash: Hex): Promise<number> {
  const { blockNumber } = await statusOf(hash)
  const { extraData } = await rpc<{ extraData: Hex }>(sequencer.url, 'eth_getBlockByNumber', [
    blockNumber,
    false,
  ])
  return Number((await l1Head()) - hexToBigInt(slice(extraData, 0, 8))) + 1
}

describe('after a reorg of L1', () => {
  it.each([1, 4])('of %i blocks, every promise is kept in order, and all nodes agree', async (depth) => {
    await goOn(8)
    await miner.reorg(depth)
    await goOn(8)
    await expectAllKept()
  })

  it('that brings the batches back elsewhere, in another order, and some not at all', async () => {
    await goOn(15)
    const raws = await rawTransactions(12, world.rollup.batchInboxAddress)
    expect(raws.length).toBeGreaterThan(1)
    await miner.reorg(
      12,
      raws.slice(0, -1).map((raw, i) => [raw, Math.min(2 + 3 * Math.floor(i / 2), 11)]),
    )
    await goOn(8)
    await expectAllKept()
  })

  it('that leaves L1 shorter for a while', async () => {
    await goOn(8)
    await miner.rollback(10)
    await goOn(8)
    await expectAllKept()
  })

  it('that comes twice in a row, again once the node has noticed, and again once it derives anew', async () => {
    await goOn(8)
    const untilLogged = async (message: string, reorganise: () => Promise<unknown>) => {
      const times = () => node.log().split(`"msg":"${message}`).length
      const before = times()
      await reorganise()
      await until(
        async () => times(),
        (count) => count > before,
      )
    }
    await untilLogged('L1 moved', async () => {
      await miner.reorg(9)
      await miner.reorg(3)
    })
    await untilLogged('deriving', () => miner.reorg(14))
    await miner.mine()
    await miner.reorg(6)
    await goOn(8)
    await expectAllKept()
  })

  it('of 64 blocks', async () => {
    await goOn(8)
    await miner.reorg(64)
    await goOn(8)
    await expectAllKept()
    const metrics = await (await fetch(`${sequencer.url}/metrics`)).text()
    expect(metrics).toMatch(/keyroll_pool_resequenced_total [1-9]/)
  })

  it('under a deposit that comes back later, what was promised on top of it is kept', async () => {
    const keystore = newKeystore()
    const forced = keystore.update({ data: '0x01' })
    await force(forced)
    const onTop = keystore.update({ data: '0x02' })
    await promise(onTop)
    // How late its deposit comes again is for L1 to say.
    excused.add(onTop.hash)
    await untilSafe(onTop.hash)
    const depth = (await depthTo(forced.hash)) + 2
    const [raw] = await rawTransactions(depth, world.rollup.depositContractAddress)
    if (raw === undefined) expect.unreachable()
    await miner.reorg(depth, [[raw, depth - 1]])
    const [first, second] = [await untilSafe(forced.hash), await untilSafe(onTop.hash)]
    expect([first.valid, second.valid]).toEqual([true, true])
    expect(Number(second.blockNumber)).toBeGreaterThanOrEqual(Number(first.blockNumber))
    await goOn(5)
    await expectAllKept()
  })

  it('under a deposit that never comes back, what was promised on it waits, and is kept when its config comes', async () => {
    const keystore = newKeystore()
    const forced = keystore.update({ data: '0x01' })
    await force(forced)
    const onTop = keystore.update({ data: '0x02' })
    await promise(onTop)
    // How late its deposit comes again is for L1 to say.
    excused.add(onTop.hash)
    await untilSafe(onTop.hash)
    await miner.reorg((await depthTo(forced.hash)) + 2)
    await until(
      () => statusOf(onTop.hash),
      ({ stage }) => stage === 'pending',
    )
    await goOn(5)
    expect((await statusOf(onTop.hash)).stage).toBe('pending')
    await promise(forced)
    await untilSafe(forced.hash)
    expect((await untilSafe(onTop.hash)).valid).toBe(true)
    await expectAllKept()
  })

  it('that brings a deposit which overtakes a promise, the sequencer says plainly that it is void', async () => {
    const keystore = newKeystore()
    const promised = keystore.update({ data: '0x01' })
    const rival = keystore.update({ previous: keystore.initial, data: '0x02' })
    await promise(promised)
    await untilSafe(promised.hash)
    const depth = (await depthTo(promised.hash)) + 3
    await miner.reorg(depth, [[await signForced(rival, depth), 0]])
    expect((await untilSafe(rival.hash)).valid).toBe(true)
    expect(await statusOf(promised.hash)).toMatchObject({
      stage: 'unknown',
      displacedReason: 'NONCE_TOO_LOW',
      promise: { txHash: promised.hash },
    })
    expect((await unkept()).find(({ promise: { txHash } }) => txHash === promised.hash)).toMatchObject({
      outcome: 'displaced',
      reason: 'NONCE_TOO_LOW',
      void: true,
      signature: expect.stringMatching(/^0x/),
    })
    excused.add(promised.hash)
    await goOn(5)
    await expectAllKept()
  })
})
