import { KeyrollError } from '../../protocol/index.ts'
import { splitCredentials } from '../splitCredentials.ts'
import { urlSecrets, withoutSecrets } from '../urlSecrets.ts'
import { countJsonValues } from './countJsonValues.ts'
import type { Fetch } from './EndableFetch.ts'
import { RefusedAnswerError } from './RefusedAnswerError.ts'

/** A whole answer: its status, its JSON (undefined where an error has none), and how long it was. */
export type EndpointAnswer = { status: number; json: unknown; bytes: number }

/** What an endpoint is asked: a path below its URL, and the JSON to post, if any. */
export type EndpointRequest = { path?: string; body?: unknown; maxBytes: number; timeoutMs: number }

/** An HTTP API of strangers, such as L1's nodes. Nothing in it believes the other side: answers are bounded in size and time. */
export interface Endpoint {
  /** Host and port, which may be logged; the rest of a URL often holds an API key. */
  readonly name: string
  /**
   * Asks and reads the answer to its end.
   *
   * @throws {RefusedAnswerError} when the answer is longer than `maxBytes`, long and made of tiny values, or successful and no JSON.
   * @throws {EndpointError} when no answer comes; its message never holds the URL.
   */
  ask(request: EndpointRequest): Promise<EndpointAnswer>
  /** Makes a text of the other side fit to be logged: short, printable, and without what the URL keeps secret. */
  clean(text: string): string
}

const MAX_REASON_LENGTH = 200
/** What is told in long answers is hashes and data. */
const MIN_BYTES_PER_VALUE = 8
const LONG_ANSWER_BYTES = 1_048_576

/** Makes an endpoint; a user and password in the URL are sent as basic authentication. */
export function createEndpoint(url: string, fetchFn: Fetch): Endpoint {
  const { base, name, headers, secrets } = takeApart(url)

  async function ask({ path = '', body, maxBytes, timeoutMs }: EndpointRequest): Promise<EndpointAnswer> {
    const posted = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
    try {
      const response = await fetchFn(base + path, {
        ...posted,
        headers: { accept: 'application/json', ...(body !== undefined && JSON_CONTENT), ...headers },
        // Whoever answers may not send us to addresses that only this machine can reach.
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMs),
      })
      const text = await readText(response, maxBytes)
      return { status: response.status, json: parse(text, response), bytes: text.length }
    } catch (error) {
      if (error instanceof RefusedAnswerError) throw error
      throw new EndpointError(`did not answer: ${clean(reasonOf(error))}`)
    }
  }

  function clean(text: string): string {
    return withoutSecrets(text, secrets)
      .replaceAll(/[^\x20-\x7e…]/g, ' ')
      .slice(0, MAX_REASON_LENGTH)
  }

  return { name, ask, clean }
}

const JSON_CONTENT = { 'content-type': 'application/json' }

function takeApart(url: string) {
  const { url: plain, headers } = splitCredentials(url)
  const { href, host } = new URL(plain)
  return { base: href.replace(/\/+$/, ''), name: host, headers, secrets: urlSecrets(url) }
}

/** Reads as much of a body as may be; what was compressed counts at its full length. */
async function readText(response: Response, maxBytes: number): Promise<string> {
  if (response.body === null) return ''
  const parts: Uint8Array[] = []
  let length = 0
  let values = 0
  for await (const part of response.body) {
    length += part.length
    if (length > maxBytes) throw new RefusedAnswerError(`got an answer of more than ${maxBytes} bytes`)
    values += countJsonValues(part)
    parts.push(part)
  }
  if (length > LONG_ANSWER_BYTES && values * MIN_BYTES_PER_VALUE > length) {
    throw new RefusedAnswerError(`got an answer of ${values} values in ${length} bytes`)
  }
  return Buffer.concat(parts, length).toString('utf8')
}

function parse(text: string, { ok }: Response): unknown {
  try {
    return JSON.parse(text)
  } catch {
    if (ok) throw new RefusedAnswerError('got an answer that is no JSON')
    return undefined
  }
}

/** The innermost reason says most: `fetch` itself says only that it failed. */
function reasonOf(error: unknown): string {
  let innermost = error
  while (innermost instanceof Error && innermost.cause instanceof Error) innermost = innermost.cause
  return innermost instanceof Error ? innermost.message || innermost.name : String(innermost)
}

/** Reports an L1 node that did not answer, or answered that it cannot. */
export class EndpointError extends KeyrollError {
  override readonly name = 'EndpointError'
}
