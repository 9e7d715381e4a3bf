import { http, numberToHex } from 'viem'
import { type Fetch, TemporaryFault } from '../node/index.ts'

/** A way to a sequencer, or to a node that follows it. What comes over it is anybody's: the caller checks it. */
export interface SequencerLink {
  /**
   * Asks for the signed block at a number: unchecked JSON, null when there is none.
   *
   * @throws {TemporaryFault} when no answer comes.
   */
  blockAt(number: bigint): Promise<unknown>
  /** Keeps the link up until the signal aborts; `onBlock` hears unchecked JSON of new blocks as they are told. */
  run(signal: AbortSignal, onBlock: (json: unknown) => void): Promise<void>
  /** How long to wait for news before asking, in milliseconds. */
  readonly pollIntervalMs: number
}

/** More than any honest message has. */
export const MAX_MESSAGE_BYTES = 16 * 1_048_576
/** Longer than an honest answer takes, in milliseconds. */
export const REQUEST_TIMEOUT_MS = 15_000

/** Makes a link that asks over HTTP, again and again. */
export function createHttpLink(
  url: string,
  options: { pollIntervalMs?: number; fetchFn?: Fetch },
): SequencerLink {
  const transport = http(url, {
    retryCount: 0,
    timeout: REQUEST_TIMEOUT_MS,
    maxResponseBodySize: MAX_MESSAGE_BYTES,
    fetchFn: options.fetchFn,
  })({})
  return {
    pollIntervalMs: options.pollIntervalMs ?? 1_000,
    async blockAt(number) {
      try {
        return await transport.request({ method: 'keyroll_getSignedBlock', params: [numberToHex(number)] })
      } catch (cause) {
        throw new TemporaryFault(`the sequencer did not answer: ${summarize(cause)}`, { cause })
      }
    },
    run: (signal) =>
      new Promise((resolve) => {
        if (signal.aborted) resolve()
        else signal.addEventListener('abort', () => resolve(), { once: true })
      }),
  }
}

function summarize(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return 'shortMessage' in error ? String(error.shortMessage) : error.message
}
