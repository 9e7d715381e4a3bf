import { describe, expect, it } from 'vitest'
import { createSyncWindow, describeSync, type SyncSample } from './estimateSync.ts'

const L1_SECONDS = 12n

/** What a node saw `seconds` after it began to read an L1 that stands at block 10,000 then. */
function sampleAt(seconds: number, read: number, extra: Partial<SyncSample> = {}): SyncSample {
  const block = (number: bigint) => ({ number, timestamp: 1_000_000n + L1_SECONDS * number })
  return {
    at: seconds * 1_000,
    l1Block: block(BigInt(read)),
    l1Head: block(10_000n + BigInt(Math.floor(seconds)) / L1_SECONDS),
    safeBlock: BigInt(2 * read),
    setConfigs: 10 * read,
    ...extra,
  }
}

describe('createSyncWindow', () => {
  it('tells nothing about the end from a single look', () => {
    const { remaining, etaSeconds, l1BlocksPerSecond } = createSyncWindow(60_000).add(sampleAt(0, 0))
    expect([remaining, etaSeconds, l1BlocksPerSecond]).toEqual([10_000n, undefined, 0])
  })

  it('measures rates, and takes into account that the head moves on', () => {
    const window = createSyncWindow(60_000)
    window.add(sampleAt(0, 0))
    const estimate = window.add(sampleAt(24, 480))
    expect(estimate).toMatchObject({ remaining: 9_522n, l1BlocksPerSecond: 20, blocksPerSecond: 40 })
    expect(estimate.setConfigsPerSecond).toBe(200)
    expect(estimate.etaSeconds).toBeCloseTo(9_522 / (20 - 1 / 12), 5)
  })

  it('arrives about when it said it would', () => {
    const window = createSyncWindow(60_000)
    let eta: number | undefined
    let seconds = 0
    for (let read = 0; ; seconds++) {
      read += 20
      const estimate = window.add(sampleAt(seconds, read))
      if (seconds === 100) eta = estimate.etaSeconds
      if (estimate.remaining === 0n) break
    }
    expect(seconds - 100).toBeGreaterThan((eta ?? 0) * 0.98)
    expect(seconds - 100).toBeLessThan((eta ?? 0) * 1.02)
  })

  it('forgets how fast it was a while ago', () => {
    const window = createSyncWindow(60_000)
    for (let seconds = 0; seconds <= 60; seconds++) window.add(sampleAt(seconds, 100 * seconds))
    let estimate = window.add(sampleAt(60, 6_000))
    for (let seconds = 61; seconds <= 121; seconds++)
      estimate = window.add(sampleAt(seconds, 6_000 + seconds - 60))
    expect(estimate.l1BlocksPerSecond).toBe(1)
  })

  it('grows less sure while nothing moves, and then says that it does not know', () => {
    const window = createSyncWindow(60_000)
    for (let seconds = 0; seconds <= 60; seconds++) window.add(sampleAt(seconds, 100 * seconds))
    const etas: (number | undefined)[] = []
    let stalled = 0
    for (let seconds = 61; seconds <= 121; seconds++) {
      const { etaSeconds, stalledSeconds } = window.add(sampleAt(seconds, 6_000))
      etas.push(etaSeconds)
      stalled = stalledSeconds
    }
    expect(etas[10]).toBeGreaterThan(etas[0] as number)
    expect(etas[40]).toBeGreaterThan(etas[10] as number)
    expect(etas.at(-1)).toBeUndefined()
    expect(stalled).toBe(61)
  })

  it('says that there is no end in sight when L1 grows faster than it is read', () => {
    const window = createSyncWindow(60_000)
    window.add(sampleAt(0, 0))
    expect(window.add(sampleAt(24, 1)).etaSeconds).toBeUndefined()
  })

  it('begins anew when L1 takes back what was read', () => {
    const window = createSyncWindow(60_000)
    window.add(sampleAt(0, 0))
    window.add(sampleAt(10, 1_000))
    expect(window.add(sampleAt(11, 500))).toMatchObject({ l1BlocksPerSecond: 0, etaSeconds: undefined })
    expect(window.add(sampleAt(12, 510)).l1BlocksPerSecond).toBe(10)
  })

  it('has arrived when nothing remains', () => {
    expect(createSyncWindow(60_000).add(sampleAt(0, 10_000))).toMatchObject({ remaining: 0n, etaSeconds: 0 })
    expect(createSyncWindow(60_000).add(sampleAt(0, 10_001)).remaining).toBe(0n)
  })
})

describe('describeSync', () => {
  it.each([
    [5, 'ETA 5 s'],
    [150, 'ETA 2 min 30 s'],
    [7_260, 'ETA 2 h 1 min'],
    [180_000, 'ETA 2 d 2 h'],
    [undefined, 'ETA unknown'],
  ])('puts %s seconds into words', (etaSeconds, eta) => {
    const estimate = {
      remaining: 9_500n,
      l1BlocksPerSecond: 1,
      blocksPerSecond: 1,
      setConfigsPerSecond: 2.25,
      etaSeconds,
      stalledSeconds: 3,
    }
    const line = describeSync({ sample: sampleAt(0, 500), estimate })
    expect(line).toBe(
      `syncing: L1 500/10000, 9500 to go, ${eta}, block 1000, 1.0 blocks/s, 2.3 set-configs/s`,
    )
    const stalled = describeSync({ sample: sampleAt(0, 500), estimate: { ...estimate, stalledSeconds: 75 } })
    expect(stalled).toContain(`${eta}, nothing for 1 min 15 s, block`)
  })
})
