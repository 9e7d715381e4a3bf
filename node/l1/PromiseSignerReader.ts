import { type Address, type Hex, numberToHex, slice, zeroAddress } from 'viem'
import type { RollupConfig } from '../../protocol/index.ts'
import { TemporaryFault } from '../Fault.ts'
import type { Logger } from '../Logger.ts'
import type { Metrics } from '../Metrics.ts'
import { createHttp, type Http } from './Http.ts'
import type { L1Client } from './L1Client.ts'
import { createL1Rpc } from './L1Rpc.ts'
import { provenWord } from './provenWord.ts'

/** Where SystemConfig keeps `promiseSigner`, after its two owners and the batcher. */
const PROMISE_SIGNER_SLOT: Hex = numberToHex(3, { size: 32 })

/** What a reader of SystemConfig's roles is made of. */
export type PromiseSignerReaderOptions = {
  /** Says which block is L1's newest; whose word that is was decided where it was made. */
  l1: Pick<L1Client, 'header'>
  /** L1 nodes that prove; they are not believed. */
  urls: readonly string[]
  rollup: Pick<RollupConfig, 'l1SystemConfigAddress'>
  metrics?: Metrics
  logger?: Logger
  signal?: AbortSignal
  http?: Http
  retryPauseMs?: number
}

/**
 * Makes the question who signs promises and unsafe blocks now: `SystemConfig.promiseSigner`, proven under the state root of L1's
 * newest block; the zero address while nobody does. Lower case.
 *
 * It throws `TemporaryFault` when no L1 node proves it, or the newest block is below `atLeast`.
 */
export function createPromiseSignerReader({
  l1,
  urls,
  rollup,
  metrics,
  logger,
  signal,
  http = createHttp(signal),
  retryPauseMs,
}: PromiseSignerReaderOptions): (atLeast?: bigint) => Promise<Address> {
  const rpc = createL1Rpc({ urls, metrics, logger, http, signal, pauseMs: retryPauseMs })

  return async (atLeast = 0n) => {
    const head = await l1.header('latest')
    if (head !== undefined && head.number < atLeast)
      throw new TemporaryFault(`L1's newest block is said to be ${head.number}, and ${atLeast} has been read`)
    if (head === undefined) throw new TemporaryFault('L1 has no block yet, whose state would name the signer')
    const word = await provenWord(rpc, head, rollup.l1SystemConfigAddress, PROMISE_SIGNER_SLOT)
    return word === undefined ? zeroAddress : slice(word, 12)
  }
}
