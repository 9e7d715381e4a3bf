import { CliError } from './CliError.ts'

/**
 * Calls a JSON-RPC method once.
 *
 * @throws {CliError} when there is no answer, or it is an error; the message holds the machine-readable reason.
 */
export async function callRpc(url: string, method: string, params: readonly unknown[]): Promise<unknown> {
  // The rest of a URL may hold a key.
  const { origin } = new URL(url)
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const headers = { 'content-type': 'application/json' }
  let answer: unknown
  try {
    const response = await fetch(url, { method: 'POST', headers, body })
    answer = await response.json()
  } catch (cause) {
    throw new CliError(`${origin} does not answer JSON-RPC; is the URL right, and the node running?`, {
      cause,
    })
  }
  if (!isObject(answer) || (answer.error === undefined && answer.result === undefined)) {
    throw new CliError(`${origin} answered ${method} with something that is not JSON-RPC`)
  }
  if (answer.error === undefined) return answer.result
  const { code, message, data } = isObject(answer.error) ? answer.error : {}
  throw new CliError(`${method} was refused: ${message} (code ${code}, ${JSON.stringify(data ?? null)})`)
}

function isObject(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null
}
