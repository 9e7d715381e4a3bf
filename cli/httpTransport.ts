import { type HttpTransport, http } from 'viem'
import { splitCredentials } from '../node/splitCredentials.ts'

/** For one question over JSON-RPC, from the call to the last byte of the answer. */
export const REQUEST_TIMEOUT_MS = 10_000

/**
 * Makes viem's transport over HTTP, with an end to every answer: viem itself is patient with the headers only, and would wait
 * for ever where a node trickles what comes after them. It reads no password with a percent sign that is no code either.
 *
 * @param timeout - Milliseconds.
 */
export function httpTransport(url: string, timeout = REQUEST_TIMEOUT_MS): HttpTransport {
  const { url: plain, headers } = splitCredentials(url)
  return http(plain, {
    fetchOptions: { headers },
    fetchFn: (input, init = {}) => {
      const late = AbortSignal.timeout(timeout)
      return fetch(input, { ...init, signal: init.signal ? AbortSignal.any([init.signal, late]) : late })
    },
  })
}
