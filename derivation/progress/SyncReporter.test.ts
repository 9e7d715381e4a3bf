import { pino } from 'pino'
import { describe, expect, it, vi } from 'vitest'
import { createMetrics, type L1BlockRef, type L1Client, TemporaryFault } from '../../node/index.ts'
import { createFakeL1 } from '../../test/FakeL1.ts'
import { openTestChain, testL1Hash } from '../../test/TestChain.ts'
import type { DerivationStatus } from '../Driver.ts'
import { createSyncReporter, type OnSyncProgress } from './SyncReporter.ts'

const l1Block = (number: bigint): L1BlockRef => ({
  number,
  hash: testL1Hash(number),
  parentHash: testL1Hash(number - 1n),
  timestamp: 12n * number,
})

async function setUp(onProgress?: OnSyncProgress) {
  const chain = await openTestChain()
  const lines: Record<string, unknown>[] = []
  const logger = pino({ base: {} }, { write: (line: string) => lines.push(JSON.parse(line)) })
  const metrics = createMetrics()
  const status: DerivationStatus = {
    l1: { current: undefined, head: undefined, safe: undefined, finalized: undefined },
    derivedL1: undefined,
    isSynced: false,
    trouble: undefined,
  }
  const world = { failure: undefined as unknown, isL1Down: false }
  const { client } = createFakeL1({ chainId: 900n, number: 1_000n, timestamp: 12_000n })
  const l1: Pick<L1Client, 'header'> = {
    async header(numberOrTag) {
      if (world.isL1Down) throw new TemporaryFault('L1 does not answer')
      return client.header(numberOrTag)
    },
  }
  const reporter = createSyncReporter({
    derivation: { status: () => status, failure: () => world.failure },
    l1,
    store: chain.store,
    engine: chain.engine,
    logger,
    metrics,
    ...(onProgress && { onProgress }),
  })
  const gauge = async (name: string) => {
    const text = await metrics.registry.getSingleMetricAsString(name)
    return Number(text.trim().split(' ').at(-1))
  }
  return { chain, lines, status, world, reporter, gauge }
}

describe('createSyncReporter', () => {
  it('logs how far it is, then that it is done, and answers and measures the same', async () => {
    const { lines, status, reporter, gauge } = await setUp()
    const stop = new AbortController()
    const running = reporter.run(stop.signal)
    expect(reporter.methods.keyroll_syncStatus?.([], { notify: undefined, onClose: () => {} })).toEqual({
      synced: false,
      progress: null,
    })
    status.l1.current = l1Block(400n)
    await expect.poll(() => lines).toHaveLength(1)
    expect(lines[0]).toMatchObject({
      msg: 'syncing',
      l1Block: 400,
      l1Head: 1_000,
      remaining: 600,
      safeBlock: 0,
      etaSeconds: null,
      stalledSeconds: 0,
    })
    expect([await gauge('keyroll_sync_remaining_l1_blocks'), await gauge('keyroll_l1_head')]).toEqual([
      600, 1_000,
    ])
    expect(await gauge('keyroll_sync_eta_seconds')).toBeNaN()
    status.l1.current = l1Block(1_000n)
    status.isSynced = true
    await expect.poll(() => lines, { timeout: 10_000 }).toHaveLength(2)
    expect(lines[1]).toMatchObject({ msg: 'in sync with L1', safeBlock: 0, setConfigs: 0 })
    expect(reporter.methods.keyroll_syncStatus?.([], { notify: undefined, onClose: () => {} })).toMatchObject(
      {
        synced: true,
        progress: { l1Block: '0x3e8', remaining: '0x0', etaSeconds: 0 },
      },
    )
    stop.abort()
    await running
  })

  it('says how long it will take at this pace, and less as it comes closer', async () => {
    const { lines, status, reporter, gauge } = await setUp()
    // L1 grows by a block every twelve seconds.
    const etaAt = (l1Number: number) => (1_000 - l1Number) / (10 - 1 / 12)
    const answered = () => {
      const context = { notify: undefined, onClose: () => {} }
      return reporter.methods.keyroll_syncStatus?.([], context) as { progress: { etaSeconds: number } }
    }
    const stop = new AbortController()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    try {
      status.l1.current = l1Block(400n)
      const running = reporter.run(stop.signal)
      await vi.advanceTimersByTimeAsync(0)
      for (let l1Number = 410; l1Number <= 900; l1Number += 10) {
        status.l1.current = l1Block(BigInt(l1Number))
        await vi.advanceTimersByTimeAsync(1_000)
        expect(answered().progress.etaSeconds).toBeCloseTo(etaAt(l1Number), 5)
        expect(await gauge('keyroll_sync_eta_seconds')).toBeCloseTo(etaAt(l1Number), 5)
      }
      const logged = [450, 500, 550, 600, 650, 700, 750, 800, 850, 900].map(etaAt).map(Math.ceil)
      expect(lines.map(({ etaSeconds }) => etaSeconds)).toEqual([null, ...logged])
      stop.abort()
      await running
    } finally {
      vi.useRealTimers()
    }
  })

  it('leaves the log to others where somebody else shows the progress, and takes it away at the end', async () => {
    const shown: (string | undefined)[] = []
    const { lines, status, reporter } = await setUp((line) => shown.push(line))
    status.l1.current = l1Block(400n)
    const stop = new AbortController()
    const running = reporter.run(stop.signal)
    await expect.poll(() => shown[0]).toMatch(/^syncing: L1 400\/1000, 600 to go, ETA unknown/)
    stop.abort()
    await running
    expect(shown.at(-1)).toBeUndefined()
    expect(lines).toEqual([])
  })

  it('goes by what derivation has seen of the head while L1 does not answer, and ends when derivation does', async () => {
    const { lines, status, world, reporter } = await setUp()
    world.isL1Down = true
    status.l1.current = l1Block(400n)
    status.l1.head = l1Block(500n)
    const running = reporter.run(new AbortController().signal)
    await expect.poll(() => lines[0]).toMatchObject({ l1Head: 500, remaining: 100 })
    world.failure = new TemporaryFault('halted')
    await running
  })
})
