import type { DevnetInfo } from '../../devnet/index.ts'
import type { StageTable } from '../StageTable.ts'

/** The stages of the demo, in the order in which they usually end. */
export const DEMO_STAGES = {
  create: 'keystore and wallets created',
  before: 'old passkey pays on A and B',
  preconfirm: 'rotation preconfirmed on A',
  promise: 'sequencer signs a promise',
  unsafe: 'in an unsafe block',
  batch: 'batch on L1',
  safe: 'safe: derived from L1',
  output: 'output proposed on L1',
  agreed: 'independent node agrees',
  final: 'challenge period over',
  rootA: 'root proven on A',
  rootB: 'root proven on B',
  confirmA: 'config confirmed on A',
  confirmB: 'config confirmed on B',
  refused: 'old passkey refused on A and B',
  accepted: 'new passkey pays on A and B',
} as const

/** Names one of {@link DEMO_STAGES}. */
export type DemoStage = keyof typeof DEMO_STAGES

/** What every stage of the demo has at hand. */
export type DemoContext = { info: DevnetInfo; table: StageTable; signal: AbortSignal }

/** What a stage gives to the next, and the words for the table. */
export type StageOutcome<T> = { value: T; detail: string }

/** Runs a stage and keeps the table informed; `waiting` says what it waits for. */
export async function runStage<T>(
  { table, signal }: DemoContext,
  name: DemoStage,
  run: () => Promise<StageOutcome<T>>,
  waiting = '',
): Promise<T> {
  signal.throwIfAborted()
  table.start(name, waiting)
  try {
    const { value, detail } = await unlessAborted(run(), signal)
    table.done(name, detail)
    return value
  } catch (error) {
    table.fail(name, error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error))
    throw error
  }
}

/** Milliseconds to wait for what L1 and the rollup do in their own time. */
export function patience({ rollup }: DevnetInfo): number {
  const { challenge_period, submission_interval, block_time } = rollup.config
  return 60_000 + 1000 * (challenge_period + submission_interval * block_time)
}

/** Shortens a hash or an address for the table. */
export function brief(hex: string): string {
  return `${hex.slice(0, 8)}…${hex.slice(-6)}`
}

/** Writes an amount of gas for the table. */
export function gas(used: bigint): string {
  return `${Number(used).toLocaleString('en-US')} gas`
}

/** Rejects with the signal's reason when it aborts before the work is done. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
