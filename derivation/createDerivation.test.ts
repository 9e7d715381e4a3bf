import { setImmediate as nextTick } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import {
  CriticalFault,
  createEngine,
  createLogger,
  createMetrics,
  createNativeVerifier,
  type L1Client,
  openChainStore,
  TemporaryFault,
} from '../node/index.ts'
import { createFakeL1Rollup } from '../test/derivationWorld.ts'
import { createFakeL1 } from '../test/FakeL1.ts'
import { createDerivation, type DerivationOptions } from './createDerivation.ts'

const SECONDS = 6n
const POLL_INTERVAL_MS = 5

/** A derivation of an L1 whose sequencing windows close without a batch, so that there is something to derive. */
async function setUp(wrap: (l1: L1Client) => L1Client = (l1) => l1, pause?: DerivationOptions['pause']) {
  const l1 = createFakeL1({ chainId: 31_337n, number: 100n, timestamp: 1_000_000n })
  const rollup = createFakeL1Rollup(l1)
  for (let i = 0n; i < rollup.seqWindowSize; i++) l1.mine([], SECONDS)
  const store = await openChainStore(':memory:', rollup)
  const logger = createLogger({ level: 'silent' })
  const metrics = createMetrics()
  const engine = createEngine({ store, rollup, verify: createNativeVerifier(), logger })
  const derivation = createDerivation({
    l1: wrap(l1.client),
    store,
    engine,
    rollup,
    logger,
    metrics,
    pollIntervalMs: POLL_INTERVAL_MS,
    pause,
  })
  const ending = new AbortController()
  const metricOf = async (name: string) => {
    const found = (await metrics.registry.getMetricsAsJSON()).find((metric) => metric.name === name)
    return found?.values as { labels: Record<string, string>; value: number }[] | undefined
  }
  return { l1, store, engine, derivation, ending, metricOf }
}

describe('derivation as a whole', () => {
  it('derives what L1 has, waits for more, and ends when told', async () => {
    const { l1, store, derivation, ending } = await setUp()
    const running = derivation.run(ending.signal)
    await vi.waitFor(() => expect(store.heads().safe.number).toBe(2n))
    await vi.waitFor(() => expect(derivation.status().isSynced).toBe(true))
    l1.mine([], SECONDS)
    await vi.waitFor(() => expect(store.heads().safe.l1Origin.number).toBe(101n))
    ending.abort()
    await running
    expect(derivation.failure()).toBeUndefined()
  })

  it('lets others have their turn between two blocks', async () => {
    const { store, engine, derivation, ending } = await setUp()
    let turns = 0
    const count = () => {
      turns++
      if (!ending.signal.aborted) setImmediate(count)
    }
    setImmediate(count)
    const turnsAt: number[] = []
    engine.subscribe(({ type }) => {
      if (type === 'safe') turnsAt.push(turns)
    })
    const running = derivation.run(ending.signal)
    await vi.waitFor(() => expect(store.heads().safe.number).toBe(2n))
    ending.abort()
    await running
    expect(turnsAt).toHaveLength(2)
    expect(new Set(turnsAt).size).toBe(2)
  })

  it('outlives an L1 that fails, and counts it', async () => {
    let failures = 2
    const { store, derivation, ending, metricOf } = await setUp((l1) => ({
      ...l1,
      header: async (at) => {
        if (failures-- > 0) throw new TemporaryFault('the L1 node is down')
        return l1.header(at)
      },
    }))
    const running = derivation.run(ending.signal)
    await vi.waitFor(() => expect(store.heads().safe.number).toBe(2n), { timeout: 10_000 })
    ending.abort()
    await running
    const faults = await metricOf('keyroll_derivation_faults_total')
    expect(faults?.find(({ labels }) => labels.severity === 'temporary')?.value).toBe(2)
  })

  it('waits longer after each failure in a row, up to half a minute, and starts over after a success', async () => {
    let isDown = true
    const pauses: number[] = []
    const { derivation, ending } = await setUp(
      (l1) => ({
        ...l1,
        header: async (at) => {
          if (isDown) throw new TemporaryFault('the L1 node is down')
          return l1.header(at)
        },
      }),
      async (ms) => {
        if (ms !== POLL_INTERVAL_MS) pauses.push(ms)
        await nextTick()
      },
    )
    const running = derivation.run(ending.signal)
    await vi.waitFor(() => expect(pauses.length).toBeGreaterThan(8))
    expect(pauses.slice(0, 9)).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
    isDown = false
    await vi.waitFor(() => expect(derivation.status().isSynced).toBe(true))
    pauses.length = 0
    isDown = true
    await vi.waitFor(() => expect(pauses.length).toBeGreaterThan(1))
    expect(pauses.slice(0, 2)).toEqual([250, 500])
    ending.abort()
    await running
  })

  it.each([
    ['a critical fault', new CriticalFault('another L1')],
    ['what nobody foresaw', new RangeError('a defect')],
  ])('stops for good on %s, and says why', async (_name, fault) => {
    const { store, derivation, ending, metricOf } = await setUp((l1) => ({
      ...l1,
      header: async () => {
        throw fault
      },
    }))
    await expect(derivation.run(ending.signal)).rejects.toBe(fault)
    expect(derivation.failure()).toBe(fault)
    expect(store.heads().safe.number).toBe(0n)
    expect((await metricOf('keyroll_derivation_halted'))?.[0]?.value).toBe(1)
  })

  it('ends while it waits to try again', async () => {
    const { derivation, ending } = await setUp((l1) => ({
      ...l1,
      header: async () => {
        queueMicrotask(() => ending.abort())
        throw new TemporaryFault('the L1 node is down')
      },
    }))
    await derivation.run(ending.signal)
    expect(derivation.failure()).toBeUndefined()
  })
})
