import type { Hex } from 'viem'
import type { L1Header } from '../../node/index.ts'
import type { FakeL1Action } from '../FakeL1.ts'
import { hasBlobs, type PooledTransaction } from '../l1Pool.ts'
import type { Random } from './Random.ts'
import { isCalm, type World } from './World.ts'

/** A transaction of anybody that waits for a block of L1. */
export type PublicAction = FakeL1Action & { name: string }

/** Makes L1's blocks, and unmakes them. */
export interface Miner {
  start(): void
  /** Hands in what somebody wants on L1; it may be mined late, and after a reorg again or not. */
  offer(action: FakeL1Action, name: string): void
  /** Hears what the batcher was seen to post. */
  readonly seenData: readonly Hex[]
  /** Counts the blocks of the deepest reorganisation. */
  deepest(): number
}

/** What strangers put into the next block. */
export type Strangers = (head: L1Header) => readonly FakeL1Action[]

const GWEI = 1_000_000_000n

/** Makes the miner of a world. */
export function createMiner(world: World, strangers: Strangers): Miner {
  const { scenario, timeline, l1, mempool } = world
  const random = world.random('miner')
  const blobRandom = world.random('blob fees')
  const genesis = l1.view()[0]?.number ?? 0n
  const waiting: FakeL1Action[] = []
  /** The public actions of each block, as they may come again after a reorg. */
  const offeredIn = new Map<Hex, FakeL1Action[]>()
  const seenData: Hex[] = []
  let stalledSlots = 0
  let deepest = 0

  const head = () => l1.view().at(-1) as L1Header

  function moveBaseFees(): void {
    const { baseFee, blobBaseFee } = world.baseFees
    world.baseFees = isCalm(world)
      ? { baseFee: GWEI, blobBaseFee: GWEI }
      : { baseFee: moved(baseFee, random, GWEI / 10n), blobBaseFee: moved(blobBaseFee, blobRandom, 1n) }
  }

  /** Up, down, or far up at once. */
  function moved(fee: bigint, by: Random, least: bigint): bigint {
    const isSpike = by.chance(scenario.l1.feeSpikes)
    const next = isSpike ? fee * 50n : (fee * BigInt(by.integer(80, 112))) / 100n
    return clamp(next, least, 2_000n * GWEI)
  }

  /** Of each account the first few in the order of nonces. */
  function chooseTransactions(): PooledTransaction[] {
    const held = new Set<Hex>()
    return mempool.includable(l1.stateOf(head()), world.baseFees).filter(({ from }) => {
      if (!isCalm(world) && random.chance(scenario.l1.delays)) held.add(from)
      return !held.has(from)
    })
  }

  function mine(timestamp: bigint): void {
    moveBaseFees()
    const offered = waiting.splice(0).filter((action) => {
      const isTaken = isCalm(world) || !random.chance(scenario.l1.delays)
      if (!isTaken) waiting.push(action)
      return isTaken
    })
    const transactions = chooseTransactions()
    const actions = isCalm(world) ? offered : shuffled([...offered, ...strangers(head())])
    const header = l1.mine({ seconds: timestamp - head().timestamp, actions, transactions })
    offeredIn.set(header.hash, offered)
    for (const { data } of transactions.filter((each) => !hasBlobs(each))) seenData.push(data)
    mempool.prune(l1.stateOf(header))
    const what = [
      ...actions.map(({ kind }) => kind),
      ...l1
        .stateOf(header)
        .executed.map(({ transaction: { from, nonce }, status }) => `${from.slice(0, 6)}:${nonce} ${status}`),
    ]
    world.trace('L1', `mined ${header.number} ${header.hash.slice(0, 10)} [${what.join(', ')}]`)
  }

  function shuffled<T>(list: readonly T[]): T[] {
    return list
      .map((item) => ({ item, order: random.next() }))
      .sort((a, b) => a.order - b.order)
      .map(({ item }) => item)
  }

  function reorganise(now: bigint): void {
    const most = head().number - (l1.finalized() > genesis ? l1.finalized() : genesis)
    const depth = Math.min(random.integer(1, scenario.l1.reorgDepth), Number(most))
    if (depth === 0) return
    deepest = Math.max(deepest, depth)
    const gone = l1.view().slice(-depth)
    world.trace('L1', `takes back ${depth} blocks, down to ${head().number - BigInt(depth)}`)
    const returning = l1.takeBack(depth).filter((transaction) => {
      const returns = random.chance(scenario.l1.returns)
      if (!returns) world.trace('L1', `loses ${transaction.from.slice(0, 6)}:${transaction.nonce}`)
      return returns
    })
    mempool.restore(returning, l1.stateOf(head()))
    for (const { hash } of gone) {
      waiting.push(...(offeredIn.get(hash) ?? []).filter(() => random.chance(scenario.l1.returns)))
    }
    const slot = BigInt(scenario.slotSeconds)
    for (let time = head().timestamp + slot; time < now; time += slot) {
      if (!random.chance(0.3)) mine(time)
    }
  }

  /** What the slowest node does not know yet is not final. */
  function finalize(): void {
    if (!isCalm(world) && random.chance(0.6)) return
    const known = world.viewAt(timeline.now() - scenario.node.lag - scenario.slotSeconds * 1_000)
    const last = l1.view().length - 1 - scenario.l1.finality
    const final = l1.view()[Math.min(last, known.length - 1)]
    if (final === undefined || final.number <= l1.finalized()) return
    if (known[Number(final.number - genesis)]?.hash === final.hash) l1.finalize(final.number)
  }

  function slot(): void {
    if (world.phase === 'still') return
    timeline.after(scenario.slotSeconds * 1_000, slot)
    const now = BigInt(Math.floor(timeline.now() / 1_000))
    if (!isCalm(world)) {
      if (stalledSlots > 0) stalledSlots--
      else if (random.chance(scenario.l1.stalls)) stalledSlots = random.integer(1, scenario.l1.stallSlots)
      if (stalledSlots > 0 || random.chance(scenario.l1.missesSlot)) {
        world.trace('L1', 'no block')
        return
      }
      if (random.chance(scenario.l1.reorgs)) reorganise(now)
      const lost = random.any(mempool.all())
      if (lost !== undefined && random.chance(scenario.l1.losesTransaction)) {
        world.trace('L1', `the pool loses ${lost.from.slice(0, 6)}:${lost.nonce}`)
        mempool.lose(lost)
      }
    }
    mine(now)
    finalize()
  }

  return {
    start: () => timeline.after(scenario.slotSeconds * 1_000, slot),
    offer(action, name) {
      world.trace('L1', `is offered ${name}`)
      waiting.push(action)
    },
    seenData,
    deepest: () => deepest,
  }
}

function clamp(value: bigint, low: bigint, high: bigint): bigint {
  return value < low ? low : value > high ? high : value
}
