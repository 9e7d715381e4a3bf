import type { L1Client, Logger } from '../node/index.ts'
import { repeat } from './repeat.ts'

/** What an {@link L1HeadWatch} is made of. */
export type L1HeadWatchModules = {
  /** Says which block is L1's newest; whose word that is was decided where it was made. */
  l1: Pick<L1Client, 'header'>
  /** Milliseconds between two looks. */
  intervalMs: number
  logger: Logger
}

/** Knows how far L1 is, also while derivation waits for what nobody serves: sequencing windows close all the same. */
export interface L1HeadWatch {
  /** Tells the number of L1's newest block at the last look; undefined before the first. */
  number(): bigint | undefined
  /**
   * Looks at L1's head.
   *
   * @throws {TemporaryFault} when L1 does not answer; the last answer stands.
   */
  refresh(): Promise<void>
  run(signal: AbortSignal): Promise<void>
}

/** Makes a watch that knows nothing before its first look. */
export function createL1HeadWatch({ l1, intervalMs, logger }: L1HeadWatchModules): L1HeadWatch {
  let head: bigint | undefined

  async function refresh(): Promise<void> {
    head = (await l1.header('latest'))?.number ?? head
  }

  return {
    number: () => head,
    refresh,
    run: (signal) => repeat(refresh, { intervalMs, signal, logger }),
  }
}
