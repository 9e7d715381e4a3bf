import { splitCredentials } from '../node/splitCredentials.ts'
import { CliError } from './CliError.ts'
import { REQUEST_TIMEOUT_MS } from './httpTransport.ts'

/**
 * Calls a JSON-RPC method once. User and password in the URL go into a header.
 *
 * @param timeout - Milliseconds until all of the answer has come.
 * @throws {CliError} when there is no answer, or it is an error; the message holds the machine-readable reason.
 */
export async function callRpc(
  rpc: string,
  method: string,
  params: readonly unknown[],
  timeout = REQUEST_TIMEOUT_MS,
): Promise<unknown> {
  // The rest of a URL may hold a key.
  const { origin } = new URL(rpc)
  const { url, headers: credentials } = splitCredentials(rpc)
  const headers = { 'content-type': 'application/json', ...credentials }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const signal = AbortSignal.timeout(timeout)
  let answer: unknown
  try {
    const response = await fetch(url, { method: 'POST', headers, body, signal })
    answer = await response.json()
  } catch (cause) {
    throw new CliError(`${origin} does not answer JSON-RPC; is the URL right, and the node running?`, {
      cause,
    })
  }
  // Some nodes say of every result that there is no error.
  const error = isObject(answer) ? (answer.error ?? undefined) : undefined
  if (!isObject(answer) || (error === undefined && answer.result === undefined)) {
    throw new CliError(`${origin} answered ${method} with something that is not JSON-RPC`)
  }
  if (error === undefined) return answer.result
  const { code, message, data } = isObject(error) ? error : {}
  throw new CliError(`${method} was refused: ${message} (code ${code}, ${JSON.stringify(data ?? null)})`)
}

function isObject(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null
}
