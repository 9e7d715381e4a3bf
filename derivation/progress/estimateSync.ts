/** How far reading L1 had come at a time. */
export type SyncSample = {
  /** Milliseconds on a clock that only goes forward. */
  at: number
  /** The L1 block being read, and its time in seconds. */
  l1Block: { number: bigint; timestamp: bigint }
  l1Head: { number: bigint; timestamp: bigint }
  safeBlock: bigint
  /** Set-configs executed since the process started. */
  setConfigs: number
}

/** How fast it goes, and how long it will take if it goes on so. */
export type SyncEstimate = {
  /** L1 blocks up to the head that was last seen. */
  remaining: bigint
  l1BlocksPerSecond: number
  /** Rollup blocks. */
  blocksPerSecond: number
  setConfigsPerSecond: number
  /** Undefined when at this pace the head is never reached, or nobody can tell yet. */
  etaSeconds: number | undefined
  /** Seconds since the last L1 block was done with. */
  stalledSeconds: number
}

/** Keeps the samples of a while, for rates are averages over it: long enough to be steady, short enough to be true. */
export interface SyncWindow {
  add(sample: SyncSample): SyncEstimate
}

/** Makes a window of `lengthMs` milliseconds. A stall counts as time in which nothing was done, so that estimates do not flatter. */
export function createSyncWindow(lengthMs: number): SyncWindow {
  let samples: SyncSample[] = []
  let movedAt: number | undefined
  return {
    add(sample) {
      const last = samples.at(-1)
      // After a reorganisation of L1, what was read before says nothing about the way ahead.
      if (last !== undefined && sample.l1Block.number < last.l1Block.number) samples = []
      if (last === undefined || sample.l1Block.number !== last.l1Block.number) movedAt = sample.at
      samples = [...samples.filter(({ at }) => sample.at - at <= lengthMs), sample]
      return estimate(samples[0] ?? sample, sample, (sample.at - (movedAt ?? sample.at)) / 1_000)
    },
  }
}

function estimate(from: SyncSample, to: SyncSample, stalledSeconds: number): SyncEstimate {
  const seconds = (to.at - from.at) / 1_000
  const perSecond = (amount: number) => (seconds > 0 ? Math.max(0, amount) / seconds : 0)
  const l1BlocksPerSecond = perSecond(Number(to.l1Block.number - from.l1Block.number))
  const remaining = to.l1Head.number > to.l1Block.number ? to.l1Head.number - to.l1Block.number : 0n
  // The head moves on meanwhile.
  const gainPerSecond = l1BlocksPerSecond - headPerSecond(to)
  const etaSeconds = remaining === 0n ? 0 : gainPerSecond > 0 ? Number(remaining) / gainPerSecond : undefined
  return {
    remaining,
    l1BlocksPerSecond,
    blocksPerSecond: perSecond(Number(to.safeBlock - from.safeBlock)),
    setConfigsPerSecond: perSecond(to.setConfigs - from.setConfigs),
    etaSeconds,
    stalledSeconds,
  }
}

/** How fast L1 grows, by the times of its own blocks between here and its head. */
function headPerSecond({ l1Block, l1Head }: SyncSample): number {
  const blocks = Number(l1Head.number - l1Block.number)
  const seconds = Number(l1Head.timestamp - l1Block.timestamp)
  return blocks > 0 && seconds > 0 ? blocks / seconds : 0
}

/** Puts an estimate into one line for people. */
export function describeSync({ sample, estimate }: { sample: SyncSample; estimate: SyncEstimate }): string {
  const { remaining, blocksPerSecond, setConfigsPerSecond, etaSeconds, stalledSeconds } = estimate
  const eta = `ETA ${etaSeconds === undefined ? 'unknown' : describeDuration(etaSeconds)}`
  const stall = stalledSeconds >= STALL_SECONDS ? `, nothing for ${describeDuration(stalledSeconds)}` : ''
  const rates = `${blocksPerSecond.toFixed(1)} blocks/s, ${setConfigsPerSecond.toFixed(1)} set-configs/s`
  // What matters most comes first: terminals are narrow.
  return `syncing: L1 ${sample.l1Block.number}/${sample.l1Head.number}, ${remaining} to go, ${eta}${stall}, block ${sample.safeBlock}, ${rates}`
}

const STALL_SECONDS = 10

function describeDuration(seconds: number): string {
  const whole = Math.ceil(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3_600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  if (whole < 86_400) return `${Math.floor(whole / 3_600)} h ${Math.floor((whole % 3_600) / 60)} min`
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3_600)} h`
}
