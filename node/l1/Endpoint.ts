import { KeyrollError } from '../../protocol/index.ts'
import { splitCredentials } from '../splitCredentials.ts'
import { urlSecrets, withoutSecrets } from '../urlSecrets.ts'
import { findJsonBurden } from './findJsonBurden.ts'
import type { Http } from './Http.ts'
import { RefusedAnswerError } from './RefusedAnswerError.ts'

/**
 * A whole answer: its status, its JSON (undefined where an error has none), and how long it was; or octets instead of JSON, where
 * they were asked for and the other side has them.
 */
export type EndpointAnswer = { status: number; json: unknown; octets?: Uint8Array; bytes: number }

/** What an endpoint is asked: a path below its URL, the JSON to post, if any, and whether octets are as good as JSON. */
export type EndpointRequest = {
  path?: string
  body?: unknown
  takesOctets?: boolean
  maxBytes: number
  timeoutMs: number
}

/** An HTTP API of strangers, such as L1's nodes. Nothing in it believes the other side: answers are bounded in size and time. */
export interface Endpoint {
  /** Host and port, which may be logged; the rest of a URL often holds an API key. */
  readonly name: string
  /**
   * Asks and reads the answer to its end.
   *
   * @throws {RefusedAnswerError} when the answer is longer than `maxBytes`, long and a burden to parse, or successful and neither JSON nor octets that were asked for.
   * @throws {EndpointError} when no answer comes; its message never holds the URL.
   */
  ask(request: EndpointRequest): Promise<EndpointAnswer>
  /** Makes a text of the other side fit to be logged: short, printable, and without what the URL keeps secret. */
  clean(text: string): string
}

const MAX_REASON_LENGTH = 200
/** Up to here it takes no time that matters to parse an answer, whatever it is made of. */
const SHORT_ANSWER_BYTES = 65_536
/** Most answers are headers and receipts of a few kB. */
const FIRST_BYTES = 16_384

/** Makes an endpoint; a user and password in the URL are sent as basic authentication. */
export function createEndpoint(url: string, http: Http): Endpoint {
  const { base, name, headers, secrets } = takeApart(url)

  async function ask(asked: EndpointRequest): Promise<EndpointAnswer> {
    const { path = '', body, takesOctets = false, maxBytes, timeoutMs } = asked
    const request = {
      url: base + path,
      headers: {
        accept: takesOctets ? OCTETS_OR_JSON : JSON_TYPE,
        ...(body !== undefined && JSON_CONTENT),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      timeoutMs,
    }
    // In one piece: a body may come as millions of parts of a byte, each of which takes a hundred to hold.
    let held: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)
    let length = 0
    function take(part: Uint8Array): void {
      const end = length + part.length
      if (end > maxBytes) throw new RefusedAnswerError(`got an answer of more than ${maxBytes} bytes`)
      if (end > held.length) held = grown(held, 2 * end)
      held.set(part, length)
      length = end
    }
    try {
      const { status, mediaType } = await http(request, take)
      const answer = held.subarray(0, length)
      if (takesOctets && isGood(status) && mediaType === OCTETS_TYPE) {
        return { status, json: undefined, octets: answer, bytes: length }
      }
      const text = toText(answer)
      return { status, json: parse(text, status), bytes: text.length }
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

/** On one machine nothing is saved that compressing would not cost. */
const LOOPBACK = /^(localhost|127(\.[0-9]+){3}|\[::1\])$/
const UNCOMPRESSED = { 'accept-encoding': 'identity' }
const JSON_TYPE = 'application/json'
const OCTETS_TYPE = 'application/octet-stream'
/** Some servers take no weight for none (RFC 9110 §12.4.2). */
const OCTETS_OR_JSON = `${OCTETS_TYPE};q=1,${JSON_TYPE};q=0.9`
const JSON_CONTENT = { 'content-type': JSON_TYPE }

function takeApart(url: string) {
  const { url: plain, headers } = splitCredentials(url)
  const { href, host, hostname } = new URL(plain)
  return {
    base: href.replace(/\/+$/, ''),
    name: host,
    headers: { ...headers, ...(LOOPBACK.test(hostname) && UNCOMPRESSED) },
    secrets: urlSecrets(url),
  }
}

function grown(held: Uint8Array, bytes: number): Buffer {
  const larger = Buffer.allocUnsafeSlow(bytes)
  larger.set(held)
  return larger
}

function toText(answer: Buffer): string {
  const burden = answer.length > SHORT_ANSWER_BYTES ? findJsonBurden(answer) : undefined
  if (burden !== undefined) throw new RefusedAnswerError(`got ${burden} in ${answer.length} bytes`)
  return answer.toString('utf8')
}

function parse(text: string, status: number): unknown {
  try {
    return JSON.parse(text)
  } catch {
    if (isGood(status)) throw new RefusedAnswerError('got an answer that is no JSON')
    return undefined
  }
}

function isGood(status: number): boolean {
  return status >= 200 && status < 300
}

/** The innermost reason says most. */
function reasonOf(error: unknown): string {
  let innermost = error
  while (innermost instanceof Error && innermost.cause instanceof Error) innermost = innermost.cause
  return innermost instanceof Error ? innermost.message || innermost.name : String(innermost)
}

/** Reports an L1 node that did not answer, or answered that it cannot. */
export class EndpointError extends KeyrollError {
  override readonly name = 'EndpointError'
}
