import { cp, readdir, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Hex } from 'viem'
import { afterAll, beforeAll, expect, it, onTestFailed } from 'vitest'
import { outputOracleAbi } from '../../contracts/index.ts'
import { openChainStore } from '../../node/index.ts'
import {
  rpc,
  type SequencerWorld,
  type StatusJson,
  startSequencerWorld,
  until,
  untilReady,
} from '../sequencerWorld.ts'
import { startFreshVerifier } from './freshVerifier.ts'
import { type Load, startLoad } from './load.ts'
import { postedBatches } from './postedBatches.ts'
import { createProcesses, type Processes, type RunningProcess } from './processes.ts'
import { expectSameChain, headOf } from './sameChain.ts'

const CLIENTS = 3
const KILLS = 6
const LONGEST_LIFE_MS = 3_000
/** Calldata: loading KZG would take much of each of these lives. */
const CALLDATA = ['--data-availability', 'calldata']

let world: SequencerWorld
let processes: Processes

beforeAll(async () => {
  // Finality close behind the head, so that what is final is forgotten while processes are killed.
  world = await startSequencerWorld({ slotsInAnEpoch: 4, parameters: { seqWindowSize: 400n } })
  processes = await createProcesses(world)
})

afterAll(async () => {
  await processes?.stop()
  await world?.stop()
})

it('loses nothing that was promised, and posts nothing twice, when its processes are killed at random moments', async () => {
  const seed = Number(process.env.KEYROLL_SEED ?? Date.now() % 2 ** 32)
  onTestFailed(() => {
    process.stderr.write(`crash.test.ts failed with KEYROLL_SEED=${seed}\n`)
  })
  const random = createRandom(seed)
  let sequencer = await processes.startSequencer('sequencer', ...CALLDATA)
  let node = await processes.startNode('node')
  await untilReady(sequencer.url)
  const loads = Array.from({ length: CLIENTS }, (_, i) =>
    startLoad({
      chainId: world.rollup.l2ChainId,
      name: `client ${i}`,
      urlOf: () => sequencer.url,
      pauseMs: 80,
    }),
  )
  for (let kill = 0; kill < KILLS; kill++) {
    // Counted from the moment it listens: it may still be reading L1.
    await pause(random() * LONGEST_LIFE_MS)
    const isNodeToo = random() < 0.5
    await Promise.all([sequencer.kill(), ...(isNodeToo ? [node.kill()] : [])])
    if (kill === 2) await expectTornWritesToHeal(random)
    sequencer = await processes.startSequencer('sequencer', ...CALLDATA)
    if (isNodeToo) node = await processes.startNode('node')
  }
  await untilReady(sequencer.url)
  await Promise.all(loads.map((load) => load.stop()))
  for (const load of loads) expect(load.promises.length).toBeGreaterThan(10)

  const last = await expectPromisesKept(sequencer, loads)
  const fresh = await startFreshVerifier(world)
  try {
    await expectSameChain([sequencer.url, node.url, fresh.url], last)
    await expectPostedOnce(fresh.url)
    expect(fresh.derivation.wrongOutputs()).toEqual([])
  } finally {
    await fresh.close()
  }
}, 300_000)

/** Every promise in the chain, valid, each client's in its order; by its block, or told to be late. Returns the last block. */
async function expectPromisesKept({ url }: RunningProcess, loads: readonly Load[]): Promise<number> {
  const { promises: told } = await rpc<{ promises: { outcome: string; promise: { txHash: Hex } }[] }>(
    url,
    'keyroll_getUnkeptPromises',
    [],
  )
  const late = new Set<Hex>()
  let last = 0
  for (const { promises } of loads) {
    const places: [block: number, index: number][] = []
    for (const { tx, byBlock } of promises) {
      const status = await until(
        () => rpc<StatusJson>(url, 'keyroll_getStatus', [tx.hash]),
        ({ stage }) => ['safe', 'proposed', 'finalized'].includes(stage),
        60_000,
      )
      expect(status.valid).toBe(true)
      const { blockNumber, transactionIndex, logs } = await rpc<{
        blockNumber: Hex
        transactionIndex: Hex
        logs: { data: Hex }[]
      }>(url, 'eth_getTransactionReceipt', [tx.hash])
      // The second word of ConfigSet is the hash of the config that took effect.
      expect(`0x${logs[0]?.data.slice(66, 130)}`).toBe(tx.configHash)
      places.push([Number(blockNumber), Number(transactionIndex)])
      if (Number(blockNumber) > byBlock) late.add(tx.hash)
      last = Math.max(last, Number(blockNumber))
    }
    expect(places).toEqual(places.toSorted(([a, i], [b, j]) => a - b || i - j))
  }
  expect(new Set(told.map(({ promise }) => promise.txHash))).toEqual(late)
  expect(told.every(({ outcome }) => outcome === 'late')).toBe(true)
  return last
}

/** Of all that was posted of a block, only what came first made it safe; and every output took one L1 transaction. */
async function expectPostedOnce(url: string): Promise<void> {
  const { rollup, l1, accounts } = world
  const posted = await postedBatches(world)
  const firstCarrier = new Map<Hex, Hex>()
  for (const { batch, transactionHash } of posted) {
    if (!firstCarrier.has(batch.parentHash)) firstCarrier.set(batch.parentHash, transactionHash)
  }
  // Without reorgs nothing even needs to be posted again.
  expect(posted).toHaveLength(firstCarrier.size)
  const safe = await headOf(url, 'safe')
  let checked = 0
  for (let number = 1; number <= safe; number++) {
    const block = await rpc<{ parentHash: Hex; transactions: Hex[] }>(url, 'eth_getBlockByNumber', [
      `0x${number.toString(16)}`,
      false,
    ])
    const [hash] = block.transactions
    if (hash === undefined) continue
    const { l1: carried } = await rpc<StatusJson>(url, 'keyroll_getStatus', [hash])
    expect(carried?.transactionHash).toBe(firstCarrier.get(block.parentHash))
    checked++
  }
  expect(checked).toBeGreaterThan(0)

  const [outputs, transactions] = await Promise.all([
    l1.readContract({
      address: rollup.outputOracleAddress,
      abi: outputOracleAbi,
      functionName: 'nextOutputIndex',
    }),
    l1.getTransactionCount({ address: accounts.proposer.address }),
  ])
  expect(outputs).toBeGreaterThan(0n)
  expect(BigInt(transactions)).toBe(outputs)
}

/** A power cut may leave half a record at the end of LevelDB's log: what is whole before it must open, with a chain in it. */
async function expectTornWritesToHeal(random: () => number): Promise<void> {
  const original = join(processes.directory, 'sequencer', 'chain')
  for (let copy = 0; copy < 5; copy++) {
    const path = join(processes.directory, `torn-${copy}`)
    await cp(original, path, { recursive: true })
    const logs = (await readdir(path)).filter((name) => name.endsWith('.log')).sort()
    const newest = join(path, logs.at(-1) ?? '')
    const { size } = await stat(newest)
    await truncate(newest, Math.max(0, size - 1 - Math.floor(random() * 2_000)))
    const store = await openChainStore(path, world.rollup)
    const { unsafe, safe, finalized } = store.heads()
    expect(unsafe.number).toBeGreaterThanOrEqual(safe.number)
    expect(safe.number).toBeGreaterThanOrEqual(finalized.number)
    for (let number = unsafe.number; number > finalized.number; number--) {
      const block = store.blockByNumber(number)
      expect(store.receiptsOf(block?.hash ?? '0x')).toHaveLength(block?.transactions.length ?? -1)
    }
    await store.close()
  }
}

/** Mulberry32: numbers from 0 to 1 that a seed brings back. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
