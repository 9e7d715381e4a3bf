/** One measured figure; `peer` and its value stand beside it when both were measured in the same run. */
export type Measurement = {
  name: string
  value: number
  unit: string
  peer?: string
  peerValue?: number
  /** value / peerValue. */
  ratio?: number
  /** What was measured on, where the name does not say it. */
  load?: string
}

/** What a benchmark is told: `smoke` asks for the smallest run that still exercises everything, `count` for so many set-configs where that
 * can be chosen. */
export type BenchmarkOptions = { smoke: boolean; count?: number | undefined }

/** Runs and returns its figures. */
export type Benchmark = (options: BenchmarkOptions) => Promise<Measurement[]>

/** Builds a measurement, rounded to what the figure can carry. */
export function measurement(name: string, value: number, unit: string): Measurement {
  return { name, value: round(value), unit }
}

/** Builds a measurement beside a peer of the same run. */
export function compared(
  name: string,
  value: number,
  unit: string,
  peer: string,
  peerValue: number,
  load?: string,
): Measurement {
  return {
    ...measurement(name, value, unit),
    peer,
    peerValue: round(peerValue),
    ratio: round(value / peerValue),
    ...(load !== undefined && { load }),
  }
}

/** Returns the q-quantile (0..1) of the samples, nearest rank. */
export function quantile(samples: readonly number[], q: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN
}

function round(value: number): number {
  return Number(value.toPrecision(5))
}

/** Reports a benchmark that could not measure what it should. */
export class BenchmarkError extends Error {
  override readonly name = 'BenchmarkError'
}
