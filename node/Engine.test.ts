import { pino } from 'pino'
import { beforeEach, describe, expect, it } from 'vitest'
import { BlockAttributesError, transactionHash, verifySignature } from '../protocol/index.ts'
import {
  attributesOn,
  createTestKeystore,
  createTestRollup,
  fakeHash,
  nextOriginOn,
} from '../test/chainFixtures.ts'
import { createEngine, type Engine, type EngineEvent } from './Engine.ts'
import { CriticalFault } from './Fault.ts'
import { createLogger } from './Logger.ts'
import { createMetrics, type Metrics } from './Metrics.ts'
import type { ChainStore, Inclusion } from './store/ChainStore.ts'
import { openChainStore } from './store/openChainStore.ts'
import { NotOnHeadError, UnexpectedBlockError } from './store/storeErrors.ts'

const rollup = createTestRollup()
const bob = createTestKeystore(rollup, 'bob', 5)
const raw = (i: number) => bob.raws[i] as Uint8Array
const logger = createLogger({ level: 'silent' })
const inclusion: Inclusion = {
  l1Block: { number: 105n, hash: fakeHash('l1') },
  transactionHash: fakeHash('tx'),
}

let store: ChainStore
let engine: Engine
let metrics: Metrics
let events: EngineEvent[]

beforeEach(async () => {
  store = await openChainStore(':memory:', rollup)
  metrics = createMetrics()
  engine = createEngine({ store, rollup, verify: verifySignature, logger, metrics })
  events = []
  engine.subscribe((event) => events.push(event))
})

const build = (transactions: readonly Uint8Array[] = []) =>
  engine.build((head) => attributesOn(head, rollup, transactions))
const heads = () => {
  const { unsafe, safe, finalized } = store.heads()
  return [unsafe.number, safe.number, finalized.number].map(Number)
}
const types = () => events.map(({ type }) => type)

describe('createEngine', () => {
  it('builds blocks one after the other, in the order of the calls', async () => {
    const blocks = await Promise.all([build([raw(0)]), build([raw(1)]), build([raw(2)])])
    expect(blocks.map(({ header }) => header.number)).toEqual([1n, 2n, 3n])
    expect(blocks[2].header.parentHash).toBe(blocks[1].hash)
    expect(types()).toEqual(['unsafe', 'unsafe', 'unsafe'])
    expect(heads()).toEqual([3, 0, 0])
  })

  it('goes on after a call that failed', async () => {
    const failed = engine.build((head) => ({ ...attributesOn(head, rollup), timestamp: head.timestamp }))
    const next = build()
    await expect(failed).rejects.toBeInstanceOf(BlockAttributesError)
    expect((await next).header.number).toBe(1n)
  })

  it('follows a block only where it has the expected hash, replacing blocks down to the safe head', async () => {
    const genesis = store.heads().unsafe
    const first = await engine.build(nextOriginOn(genesis, rollup))
    await engine.consolidate(genesis, nextOriginOn(genesis, rollup), inclusion)
    const safe = store.heads().safe
    await build([raw(0)])
    const old = await build([raw(1)])
    const other = await openChainStore(':memory:', rollup)
    const theirs = createEngine({ store: other, rollup, verify: verifySignature, logger })
    await theirs.build(nextOriginOn(genesis, rollup))
    const wanted = await theirs.build((head) => attributesOn(head, rollup, []))

    events = []
    const attributes = attributesOn(safe, rollup, [])
    await expect(engine.follow(safe, attributes, old.hash)).rejects.toBeInstanceOf(UnexpectedBlockError)
    await expect(engine.follow(genesis, nextOriginOn(genesis, rollup), first.hash)).rejects.toBeInstanceOf(
      NotOnHeadError,
    )
    const elsewhere = { number: 1n, hash: fakeHash('elsewhere') }
    await expect(engine.follow(elsewhere, attributes, wanted.hash)).rejects.toBeInstanceOf(NotOnHeadError)
    expect([heads(), types()]).toEqual([[3, 1, 0], []])

    const block = await engine.follow(safe, attributes, wanted.hash)
    expect(block.hash).toBe(wanted.hash)
    expect([heads(), types()]).toEqual([
      [2, 1, 0],
      ['rewound', 'unsafe'],
    ])
    events = []
    await engine.follow(
      store.heads().unsafe,
      attributesOn(store.heads().unsafe, rollup),
      (await theirs.build((head) => attributesOn(head, rollup))).hash,
    )
    expect([heads(), types()]).toEqual([[3, 1, 0], ['unsafe']])
  })

  it('marks an unsafe block safe when L1 says the same', async () => {
    const genesis = store.heads().unsafe
    const attributes = nextOriginOn(genesis, rollup, [raw(0)])
    const built = await engine.build(attributes)
    await build([raw(1)])
    events = []
    const { block, replaced } = await engine.consolidate(genesis, attributes, inclusion)
    expect([block.hash, replaced]).toEqual([built.hash, false])
    expect(heads()).toEqual([2, 1, 0])
    expect(types()).toEqual(['safe'])
    expect(store.inclusionOf(1n)).toEqual(inclusion)
  })

  it.each([
    ['transactions', { transactions: [raw(1)] }],
    ['more transactions', { transactions: [raw(0), raw(1)] }],
    [
      'an L1 origin',
      {
        l1Origin: {
          number: 101n,
          hash: fakeHash('x'),
          parentBeaconBlockRoot: fakeHash('canonical beacon root 101'),
        },
      },
    ],
    [
      'a beacon root',
      {
        l1Origin: {
          number: 101n,
          hash: fakeHash('canonical l1 origin 101'),
          parentBeaconBlockRoot: fakeHash('x'),
        },
      },
    ],
  ])('replaces unsafe blocks when L1 says other %s', async (_name, changes) => {
    const genesis = store.heads().unsafe
    const attributes = nextOriginOn(genesis, rollup, [raw(0)])
    const dropped = [await engine.build(attributes), await build([raw(1)]), await build([raw(2)])]
    events = []
    const { block, replaced } = await engine.consolidate(genesis, { ...attributes, ...changes }, inclusion)
    expect(replaced).toBe(true)
    expect(heads()).toEqual([1, 1, 0])
    expect(store.blockByNumber(1n)?.hash).toBe(block.hash)
    expect(types()).toEqual(['rewound', 'unsafe', 'safe'])
    const [rewound] = events
    expect(rewound?.type === 'rewound' && rewound.dropped.map((one) => one.block.hash)).toEqual(
      dropped.map(({ hash }) => hash).reverse(),
    )
    expect(store.transaction(transactionHash(raw(2)))).toBeUndefined()
  })

  it('builds and marks safe in one step when there is no unsafe block', async () => {
    const genesis = store.heads().unsafe
    const { block, replaced } = await engine.consolidate(genesis, nextOriginOn(genesis, rollup), inclusion)
    expect([replaced, heads()]).toEqual([false, [1, 1, 0]])
    expect(types()).toEqual(['unsafe', 'safe'])
    await expect(
      engine.consolidate(genesis, nextOriginOn(genesis, rollup), inclusion),
    ).rejects.toBeInstanceOf(NotOnHeadError)
    await engine.finalize({ number: 1n, hash: block.hash })
    await engine.finalize({ number: 1n, hash: block.hash })
    expect(heads()).toEqual([1, 1, 1])
    expect(types()).toEqual(['unsafe', 'safe', 'finalized'])
  })

  it('resets the safe head alone and consolidates the same blocks again', async () => {
    for (let i = 0; i < 4; i++) {
      const { safe } = store.heads()
      await engine.consolidate(safe, attributesOn(safe, rollup, [raw(i)]), inclusion)
    }
    const before = store.heads().unsafe
    events = []
    await engine.reset(4n, 1n)
    expect(heads()).toEqual([4, 1, 0])
    expect(types()).toEqual(['rewound'])
    const { safe } = store.heads()
    const { replaced } = await engine.consolidate(safe, attributesOn(safe, rollup, [raw(1)]), inclusion)
    expect(replaced).toBe(false)
    expect(store.heads().unsafe).toEqual(before)
  })

  it('rewinds far in pieces, and tells each dropped block once, newest first', async () => {
    for (let i = 0; i < 600; i++) await build()
    events = []
    await engine.reset(10n)
    expect(heads()).toEqual([10, 0, 0])
    const dropped = events.flatMap((event) => (event.type === 'rewound' ? event.dropped : []))
    expect(dropped.map(({ block }) => Number(block.header.number))).toEqual(
      Array.from({ length: 590 }, (_, i) => 600 - i),
    )
    expect(events.length).toBeGreaterThan(1)
  })

  it('refuses to rewind below the finalized head, and drops nothing then', async () => {
    for (let i = 0; i < 3; i++) {
      const { safe } = store.heads()
      await engine.consolidate(safe, attributesOn(safe, rollup), inclusion)
    }
    await engine.finalize(store.heads().safe)
    for (let i = 0; i < 300; i++) await build()
    await expect(engine.reset(2n)).rejects.toBeInstanceOf(CriticalFault)
    expect(heads()).toEqual([303, 3, 3])
  })

  it('says nothing when there is nothing to drop', async () => {
    await build()
    events = []
    await engine.reset(5n)
    expect([types(), heads()]).toEqual([[], [1, 0, 0]])
  })

  it('outlives listeners that throw, and forgets those that leave', async () => {
    const lines: string[] = []
    const noisy = createEngine({
      store,
      rollup,
      verify: verifySignature,
      logger: pino({}, { write: (line) => lines.push(line) }),
    })
    let heard = 0
    noisy.subscribe(() => {
      throw new NotOnHeadError('test', store.heads().safe, store.heads().safe)
    })
    const leave = noisy.subscribe(() => heard++)
    await noisy.build((head) => attributesOn(head, rollup))
    leave()
    await noisy.build((head) => attributesOn(head, rollup))
    expect(heard).toBe(1)
    expect(lines.some((line) => line.includes('listener'))).toBe(true)
  })

  it('measures heads and verdicts', async () => {
    await build([raw(0), raw(0)])
    const text = await metrics.registry.metrics()
    expect(text).toContain('keyroll_head_number{head="unsafe"} 1')
    expect(text).toContain('keyroll_transactions_total{verdict="VALID"} 1')
    expect(text).toContain('keyroll_transactions_total{verdict="NONCE_TOO_LOW"} 1')
  })
})
