import { type Hex, numberToHex } from 'viem'
import { WebSocket } from 'ws'
import { countJsonValues, type Logger, TemporaryFault } from '../../node/index.ts'
import { createBell } from '../alarms/Bell.ts'
import {
  isObject,
  MAX_MESSAGE_BYTES,
  REQUEST_TIMEOUT_MS,
  resultOf,
  type SequencerLink,
} from './SequencerLink.ts'
import { createTokenBucket } from './TokenBucket.ts'

const FIRST_RETRY_MS = 500
const LAST_RETRY_MS = 30_000
const HEARTBEAT_MS = 20_000
/** A connection that lived shorter does not count as one. */
const SETTLED_MS = 30_000
/** While a subscription stands, asking is only for what got lost. */
const POLL_INTERVAL_MS = 5_000
/** An honest sequencer that catches up after a pause stays below these; beyond them the connection is cut. */
const BYTES = { capacity: 128 * 1_048_576, perSecond: 4 * 1_048_576 }
const MESSAGES = { capacity: 4_000, perSecond: 100 }
/** A message is a block in hex, and little beside it. */
const MAX_VALUES = 1_000

type Request = { resolve: (result: unknown) => void; reject: (fault: unknown) => void }

/** Makes a link over a WebSocket, which is opened again and again when it breaks. */
export function createWebSocketLink(
  url: string,
  { logger, onState }: { logger: Logger; onState?: (isConnected: boolean) => void },
): SequencerLink {
  const requests = new Map<number, Request>()
  let socket: WebSocket | undefined
  let nextId = 1

  function failAll(reason: string): void {
    for (const { reject } of requests.values())
      reject(new TemporaryFault(`the sequencer's link broke: ${reason}`))
    requests.clear()
  }

  async function request(method: string, params: readonly unknown[]): Promise<unknown> {
    const open = socket
    if (open?.readyState !== WebSocket.OPEN) throw new TemporaryFault('there is no link to the sequencer')
    const id = nextId++
    let timer: NodeJS.Timeout | undefined
    try {
      return await new Promise((resolve, reject) => {
        requests.set(id, { resolve, reject })
        timer = setTimeout(
          () => reject(new TemporaryFault(`no answer to ${method} in time`)),
          REQUEST_TIMEOUT_MS,
        )
        open.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
      })
    } finally {
      clearTimeout(timer)
      requests.delete(id)
    }
  }

  /** Lives as long as one connection. */
  function connect(signal: AbortSignal, onBlock: (json: unknown) => void): Promise<void> {
    return new Promise((resolve) => {
      const opened = new WebSocket(url, {
        maxPayload: MAX_MESSAGE_BYTES,
        handshakeTimeout: REQUEST_TIMEOUT_MS,
        // A few bytes that unpack to gigabytes are no message.
        perMessageDeflate: false,
        followRedirects: false,
      })
      const allowance = { bytes: createTokenBucket(BYTES), messages: createTokenBucket(MESSAGES) }
      let subscription: unknown
      let isAlive = true
      let why = 'closed'
      socket = opened
      const end = (reason: string) => {
        why = reason
        opened.terminate()
      }
      const onAbort = () => end('stopping')
      signal.addEventListener('abort', onAbort, { once: true })
      const heartbeat = setInterval(() => {
        if (!isAlive) return end('no answer to a ping')
        isAlive = false
        if (opened.readyState === WebSocket.OPEN) opened.ping()
      }, HEARTBEAT_MS)
      opened.on('pong', () => {
        isAlive = true
      })
      opened.on('ping', () => {
        if (!allowance.messages.take(1)) end('too many messages')
      })
      opened.on('open', async () => {
        try {
          subscription = await request('eth_subscribe', ['signedBlocks'])
          logger.info({ url: hostOf(url) }, 'following the sequencer')
          onState?.(true)
        } catch (error) {
          end(error instanceof Error ? error.message : String(error))
        }
      })
      opened.on('message', (data: Buffer) => {
        if (!allowance.bytes.take(data.length) || !allowance.messages.take(1)) return end('too many messages')
        const message = parse(data)
        if (message === undefined) return end('got something else than JSON-RPC')
        const { id, method, params } = message
        if (typeof id === 'number') settle(requests.get(id), message)
        else if (method === 'eth_subscription' && isObject(params) && params.subscription === subscription) {
          onBlock(params.result)
        }
      })
      opened.on('error', (error) => {
        why = error.message
      })
      opened.on('close', () => {
        clearInterval(heartbeat)
        signal.removeEventListener('abort', onAbort)
        socket = undefined
        failAll(why)
        onState?.(false)
        if (!signal.aborted) logger.warn({ url: hostOf(url), reason: why }, 'no link to the sequencer')
        resolve()
      })
      if (signal.aborted) onAbort()
    })
  }

  return {
    pollIntervalMs: POLL_INTERVAL_MS,
    blockAt: (number) => request('keyroll_getSignedBlock', [numberToHex(number) satisfies Hex]),
    async run(signal, onBlock) {
      const pause = createBell()
      let retryMs = FIRST_RETRY_MS
      while (!signal.aborted) {
        const begun = performance.now()
        await connect(signal, onBlock)
        if (performance.now() - begun > SETTLED_MS) retryMs = FIRST_RETRY_MS
        await pause.wait(retryMs, signal)
        retryMs = Math.min(2 * retryMs, LAST_RETRY_MS)
      }
    },
  }
}

function settle(request: Request | undefined, answer: Readonly<Record<string, unknown>>): void {
  try {
    request?.resolve(resultOf(answer))
  } catch (fault) {
    request?.reject(fault)
  }
}

function parse(data: Buffer): Readonly<Record<string, unknown>> | undefined {
  if (countJsonValues(data) > MAX_VALUES) return undefined
  try {
    const json: unknown = JSON.parse(data.toString('utf8'))
    return isObject(json) ? json : undefined
  } catch {
    return undefined
  }
}

/** Paths and queries of URLs hold the keys of those who sell access. */
function hostOf(url: string): string {
  return new URL(url).host
}
