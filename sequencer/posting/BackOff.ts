/** Pauses, in L1 blocks, between attempts that come to nothing: each costs what an L1 transaction costs. */
export interface BackOff {
  /** Tells what is to be done next; the failures of anything else are forgotten. */
  aimAt(goal: bigint): void
  /**
   * Notes that an attempt came to nothing, seen at an L1 block, with so many L1 blocks left in which one must succeed. Returns how
   * many failed, one after the other, and the pause.
   */
  failed(goal: bigint, l1Block: bigint, left: bigint): { failures: number; pause: bigint }
  /** Tells whether it is too early for another attempt. */
  isPausing(l1Block: bigint): boolean
}

/** What failed so often will likely fail again: then there are pauses. */
const FAILURES_BEFORE_PAUSES = 3

/**
 * Makes a {@link BackOff} whose pauses double up to a quarter of the L1 blocks that are left: the less time there is, the more often
 * it is tried. The gauge shows the pause that lasts, or 0.
 */
export function createBackOff(gauge: { set(value: number): void }): BackOff {
  let failed: { goal: bigint; failures: number; pause: bigint; resumeAt: bigint } | undefined

  return {
    aimAt(goal) {
      if (failed === undefined || failed.goal === goal) return
      failed = undefined
      gauge.set(0)
    },
    failed(goal, l1Block, left) {
      const longest = left < 4n ? 1n : left / 4n
      const failures = (failed?.goal === goal ? failed.failures : 0) + 1
      const doubled =
        failures < FAILURES_BEFORE_PAUSES ? 0n : 2n ** BigInt(failures - FAILURES_BEFORE_PAUSES + 1)
      const pause = doubled < longest ? doubled : longest
      failed = { goal, failures, pause, resumeAt: l1Block + pause }
      gauge.set(Number(pause))
      return { failures, pause }
    },
    isPausing(l1Block) {
      if (failed === undefined || failed.pause === 0n) return false
      // L1's head may have been said too high when it failed: no pause is longer than itself.
      const latest = l1Block + failed.pause
      if (latest < failed.resumeAt) failed.resumeAt = latest
      return l1Block < failed.resumeAt
    },
  }
}
