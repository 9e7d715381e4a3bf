import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import type { Hex } from 'viem'
import { describe, expect, it } from 'vitest'
import { createL1Client, type L1ClientOptions } from '../node/index.ts'
import { type Block, encodeBatcherData, encodeBlob } from '../protocol/index.ts'
import { createTestKeystore } from './chainFixtures.ts'
import {
  blockToBatch,
  createFakeL1Rollup,
  openTestNode,
  safeChain,
  type TestNode,
} from './derivationWorld.ts'
import type { FakeL1Action } from './FakeL1.ts'
import { createHashedL1, createHashKzg, type HashedL1, type L1Lie } from './HashedL1.ts'
import { createLiar, createRandom, type Random, tellsOf } from './l1Lies.ts'

const L1_SECONDS = 6n
const URLS = ['http://rpc1', 'http://rpc2', 'http://rpc3']
const BEACON_URLS = ['http://beacon1', 'http://beacon2']
const from: Hex = `0x${'0f'.repeat(20)}`

const createL1 = () => createHashedL1({ chainId: 31_337n, number: 100n, timestamp: 1_000_000n })
const rollup = createFakeL1Rollup(createL1())
const raws = ['alice', 'bob'].flatMap((name) => createTestKeystore(rollup, name, 3).raws)
const rawAt = (index: number) => raws[index % raws.length] as Uint8Array

type Step = {
  blocks: number
  picks: readonly number[]
  post: 'calldata' | 'blob' | 'nothing' | 'garbage'
  deposits: readonly number[]
  /** L1 blocks taken back before. */
  depth: number
  /** Steps of the node that is lied to. */
  steps: number
}

const step: fc.Arbitrary<Step> = fc.record({
  blocks: fc.integer({ min: 0, max: 3 }),
  picks: fc.array(fc.nat(20), { maxLength: 2 }),
  post: fc.constantFrom('calldata', 'calldata', 'blob', 'blob', 'nothing', 'garbage'),
  deposits: fc.array(fc.nat(20), { maxLength: 1 }),
  depth: fc.constantFrom(0, 0, 0, 0, 1, 2, 4),
  steps: fc.nat(12),
})
const story = fc.record({
  steps: fc.array(step, { minLength: 4, maxLength: 14 }),
  seed: fc.nat(),
  liar: fc.nat(2),
})

/** Nodes that nobody else asks, and that tell the truth. */
const honestly = { urls: ['http://truth'], beaconUrls: ['http://beacon-truth'] }

type Liars = (random: Random, fork: HashedL1) => Readonly<Record<string, L1Lie>>

/** Plays L1's story to a node that believes `trust`, while some of its L1 nodes lie. */
async function play(
  { steps, seed }: { steps: readonly Step[]; seed: number },
  trust: Partial<L1ClientOptions>,
  liars: Liars,
) {
  const l1 = createL1()
  const fork = createL1()
  const lies = liars(createRandom(seed), fork)
  l1.lie = (question, truth) =>
    lies[question.host]?.(question, truth) ?? (question.host in lies ? undefined : truth)
  const common = { http: l1.http, kzg: createHashKzg(), retryPauseMs: 0, now: () => 0 }
  const honest = createL1Client({ ...common, ...honestly })
  const sequencer = await openTestNode(rollup, honest)
  const follower = await openTestNode(rollup, honest)
  const victim = await openTestNode(
    rollup,
    createL1Client({ ...common, urls: URLS, beaconUrls: BEACON_URLS, ...trust }),
  )
  /** Every block that L1 ever led to. */
  const derived = new Set<Hex | undefined>()

  async function follow(): Promise<void> {
    await follower.catchUp()
    for (const { hash } of safeChain(follower.store).blocks) derived.add(hash)
  }

  for (const each of steps) {
    if (each.depth > 0) {
      l1.takeBack(Math.min(each.depth, Number(l1.head().number - 100n)))
      await follow()
    }
    const blocks: Block[] = []
    await sequencer.catchUp()
    for (let i = 0; i < each.blocks; i++) {
      const block = await sequencer.build(i === 0 ? each.picks.map(rawAt) : [])
      if (block !== undefined) blocks.push(block)
    }
    l1.mine(actionsOf(each, blocks), L1_SECONDS)
    // The liars' fork has the same times, other deposits, and lacks batches: it would lead to other blocks.
    fork.mine(
      [{ kind: 'deposit', from, data: rawAt(each.steps) }, ...actionsOf(each, blocks.slice(1))],
      L1_SECONDS,
    )
    await follow()
    for (let i = 0; i < each.steps; i++) await victim.step()
    for (const { hash } of safeChain(victim.store).blocks) expect(derived).toContain(hash)
  }
  // However far L1 was taken back, it grows beyond what anybody has seen.
  for (let i = 0; i < 6; i++) l1.mine([], L1_SECONDS)
  await follow()
  return { l1, follower, victim, derived }
}

function actionsOf({ post, deposits }: Step, blocks: readonly Block[]): FakeL1Action[] {
  const data = encodeBatcherData(blocks.map(blockToBatch))
  const posted: Record<Step['post'], FakeL1Action[]> = {
    calldata: [{ kind: 'batch', data }],
    blob: [{ kind: 'blobs', blobs: [encodeBlob(data), encodeBlob(Uint8Array.of(7))] }],
    nothing: [],
    garbage: [{ kind: 'batch', data: Uint8Array.of(0, 1, 2) }],
  }
  return [
    ...deposits.map((pick): FakeL1Action => ({ kind: 'deposit', from, data: rawAt(pick) })),
    ...posted[post],
  ]
}

/**
 * Steps until the node has what another has; false when it does not get there. Equal safe heads are not enough:
 * the same empty blocks may come from a branch of L1 that the node does not know to be gone.
 */
async function reaches(node: TestNode, other: TestNode): Promise<boolean> {
  for (let i = 0; i < 600; i++) {
    if (isDeepStrictEqual(safeChain(node.store), safeChain(other.store))) return true
    await node.step()
  }
  return false
}

describe('a node some of whose L1 nodes lie', { timeout: 180_000 }, () => {
  it('derives the same chain as one that nobody lies to, though one of three RPCs and one of two beacon nodes lie', async () => {
    await fc.assert(
      fc.asyncProperty(story, async (told) => {
        const { follower, victim } = await play(told, { quorum: 2 }, (random, fork) => ({
          [`rpc${told.liar + 1}`]: createLiar(random, fork),
          [`beacon${1 + (told.liar % 2)}`]: createLiar(random, fork),
        }))
        expect(await reaches(victim, follower)).toBe(true)
        expect(safeChain(victim.store)).toEqual(safeChain(follower.store))
      }),
      { numRuns: 15 },
    )
  })

  it('derives the same chain though two of five RPCs tell of the same other L1, consistent in itself', async () => {
    await fc.assert(
      fc.asyncProperty(story, async (told) => {
        const urls = [1, 2, 3, 4, 5].map((number) => `http://rpc${number}`)
        const { follower, victim } = await play(told, { urls, quorum: 3 }, (_, fork) => ({
          [`rpc${told.liar + 1}`]: tellsOf(fork),
          [`rpc${told.liar + 3}`]: tellsOf(fork),
          beacon1: tellsOf(fork),
        }))
        expect(await reaches(victim, follower)).toBe(true)
        expect(safeChain(victim.store)).toEqual(safeChain(follower.store))
      }),
      { numRuns: 10 },
    )
  })

  it('trusting a beacon node, derives the same chain as long as one RPC is honest', async () => {
    await fc.assert(
      fc.asyncProperty(story, async (told) => {
        const { follower, victim } = await play(told, { trust: 'beacon' }, (random, fork) => ({
          rpc1: createLiar(random, fork),
          rpc2: tellsOf(fork),
        }))
        expect(await reaches(victim, follower)).toBe(true)
        expect(safeChain(victim.store)).toEqual(safeChain(follower.store))
      }),
      { numRuns: 15 },
    )
  })

  it('trusting a beacon node, derives no other chain though all RPCs lie', async () => {
    await fc.assert(
      fc.asyncProperty(story, async (told) => {
        const { victim, derived } = await play(told, { trust: 'beacon' }, (random, fork) => ({
          rpc1: createLiar(random, fork),
          rpc2: createLiar(random, fork),
          rpc3: tellsOf(fork),
        }))
        for (let i = 0; i < 40; i++) await victim.step()
        for (const { hash } of safeChain(victim.store).blocks) expect(derived).toContain(hash)
      }),
      { numRuns: 15 },
    )
  })

  it('leaves a block whose blobs nobody kept after L1 took it back', async () => {
    const empty: Step = { blocks: 0, picks: [], post: 'nothing', deposits: [], depth: 0, steps: 0 }
    const steps: readonly Step[] = [
      { ...empty, post: 'blob', steps: 1 },
      { ...empty, depth: 1 },
    ]
    const { follower, victim } = await play({ steps, seed: 0 }, {}, () => ({}))
    expect(await reaches(victim, follower)).toBe(true)
    expect(safeChain(victim.store)).toEqual(safeChain(follower.store))
  })

  it('derives another chain where it trusts the one node that tells of another L1', async () => {
    // Twelve silent L1 blocks close the first sequencing windows: there are blocks then, with their origins' hashes.
    const steps = Array.from({ length: 12 }, (): Step => {
      return { blocks: 0, picks: [], post: 'nothing', deposits: [], depth: 0, steps: 12 }
    })
    const deceived = play({ steps, seed: 0 }, { urls: ['http://rpc1'] }, (_, fork) => ({
      rpc1: tellsOf(fork),
    }))
    await expect(deceived).rejects.toThrow(/to include/)
  })
})
