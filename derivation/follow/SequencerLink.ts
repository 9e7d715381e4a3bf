import { numberToHex } from 'viem'
import { createEndpoint, createHttp, type Http, TemporaryFault } from '../../node/index.ts'

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
const MAX_REASON_LENGTH = 200

/** Makes a link that asks over HTTP, again and again. */
export function createHttpLink(
  url: string,
  { pollIntervalMs = 1_000, http = createHttp() }: { pollIntervalMs?: number; http?: Http },
): SequencerLink {
  const endpoint = createEndpoint(url, http)
  const limits = { maxBytes: MAX_MESSAGE_BYTES, timeoutMs: REQUEST_TIMEOUT_MS }

  async function ask(body: unknown): Promise<unknown> {
    try {
      return (await endpoint.ask({ body, ...limits })).json
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new TemporaryFault(`cannot ask the sequencer: ${reason}`, { cause })
    }
  }

  return {
    pollIntervalMs,
    async blockAt(number) {
      const params = [numberToHex(number)]
      const answer = await ask({ jsonrpc: '2.0', id: 1, method: 'keyroll_getSignedBlock', params })
      if (isObject(answer)) return resultOf(answer)
      throw new TemporaryFault('the sequencer answered something else than JSON-RPC')
    },
    run: (signal) =>
      new Promise((resolve) => {
        if (signal.aborted) resolve()
        else signal.addEventListener('abort', () => resolve(), { once: true })
      }),
  }
}

/**
 * Takes the result out of a JSON-RPC answer.
 *
 * @throws {TemporaryFault} when it is an error.
 */
export function resultOf({ result, error }: Readonly<Record<string, unknown>>): unknown {
  if (error === undefined || error === null) return result
  const isTold = isObject(error) && typeof error.message === 'string'
  throw new TemporaryFault(
    `the sequencer answered: ${isTold ? String(error.message).slice(0, MAX_REASON_LENGTH) : 'an error'}`,
  )
}

/** Narrows JSON to an object. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
