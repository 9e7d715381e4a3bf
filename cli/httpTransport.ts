import { type HttpTransport, http } from 'viem'

/** For one question over JSON-RPC, from the call to the last byte of the answer. */
export const REQUEST_TIMEOUT_MS = 10_000

/**
 * Makes viem's transport over HTTP, with an end to every answer: viem itself is patient with the headers only, and would wait
 * for ever where a node trickles what comes after them.
 *
 * @param timeout - Milliseconds.
 */
export function httpTransport(url: string, timeout = REQUEST_TIMEOUT_MS): HttpTransport {
  return http(url, {
    fetchFn: (input, init = {}) => {
      const late = AbortSignal.timeout(timeout)
      return fetch(input, { ...init, signal: init.signal ? AbortSignal.any([init.signal, late]) : late })
    },
  })
}
