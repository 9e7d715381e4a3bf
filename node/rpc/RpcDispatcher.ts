import type { Logger } from '../Logger.ts'
import type { Metrics } from '../Metrics.ts'
import type { Holding } from './Holdings.ts'
import { RpcError } from './RpcError.ts'
import { createTurns } from './Turns.ts'

/** What a method knows of its caller. */
export type RpcContext = {
  /** Sends a notification; present on WebSocket connections only. */
  notify: ((method: string, params: unknown) => void) | undefined
  /** Registers what to do when the connection closes. */
  onClose(close: () => void): void
}

/** What a call uses up while it works. */
export type RpcWork = {
  /**
   * Lets others go on. To be awaited between the steps of all that takes long.
   *
   * @throws {RpcError} when nobody waits for the answer any more.
   */
  turn(): Promise<void>
  /**
   * Counts characters that the result will have, to be told before many of them are kept; they may be too few.
   *
   * @throws {RpcError} when the answer gets too large, or nobody waits for it any more.
   */
  charge(characters: number): void
}

/** Work that nobody bounds: of a caller in this process. */
export const UNBOUNDED_WORK: RpcWork = { turn: async () => undefined, charge: () => undefined }

/**
 * A JSON-RPC method: takes unchecked positional params, answers a JSON value or throws `RpcError`.
 * Without `work` it is unbounded.
 */
export type RpcMethod = (params: readonly unknown[], context: RpcContext, work?: RpcWork) => unknown

/** Methods by name. */
export type RpcMethods = Readonly<Record<string, RpcMethod>>

/** What the server refuses to exceed. */
export type RpcLimits = {
  /** Bytes of an HTTP body or a WebSocket message. */
  maxRequestBytes: number
  /** Characters of all results of one request, single or batch. */
  maxResponseBytes: number
  /** Calls in one batch. */
  maxBatchLength: number
  /** Nesting of the request's JSON. */
  maxDepth: number
  maxConnections: number
  /** Messages of one WebSocket connection that are being answered; what it sends beyond them waits to be read. */
  maxSocketRequests: number
  /** Bytes of requests and answers that are kept for all callers together; beyond, the one with most is disconnected. */
  maxHeldBytes: number
}

/** Turns the text of a request into the text of its response; undefined when nothing is to be sent. */
export interface RpcDispatcher {
  /** Answers one request. What is made meanwhile is counted in `holding`, and no longer when it is done. */
  handle(text: string, context: RpcContext, holding: Holding): Promise<string | undefined>
}

type RequestId = string | number | null

/** Longer ids have no use and would be echoed back. */
const MAX_ID_LENGTH = 256
const MAX_METHOD_LENGTH = 64

/** What V8 takes for each bracket and comma of parsed JSON, at most. */
const PARSED_VALUE_BYTES = 40

/** Makes the part of a JSON-RPC server that knows nothing of sockets. It never rejects; `now` is for `createTurns`. */
export function createRpcDispatcher(options: {
  methods: RpcMethods
  limits: RpcLimits
  logger: Logger
  metrics: Metrics
  now?: () => number
}): RpcDispatcher {
  const { limits, logger, metrics } = options
  const turn = createTurns(options.now)
  // A Map, because a plain object would also find `constructor` and `__proto__`.
  const methods = new Map(Object.entries(options.methods))

  async function handle(text: string, context: RpcContext, holding: Holding): Promise<string | undefined> {
    let held = 0
    let left = limits.maxResponseBytes
    const hold = (bytes: number) => {
      held += bytes
      holding.add(bytes)
    }
    const work: RpcWork = {
      async turn() {
        await turn(holding.over)
        if (holding.over.aborted) throw callerGone()
      },
      charge(characters) {
        left -= characters
        if (left < 0) throw responseTooLarge(limits)
        hold(characters)
        if (holding.over.aborted) throw callerGone()
      },
    }

    async function answerAll(): Promise<string | undefined> {
      const request = parseRequest(text, limits, hold)
      if (request instanceof RpcError) return errorResponse(null, request)
      if (!Array.isArray(request)) return answer(request)
      if (request.length === 0) {
        return errorResponse(
          null,
          new RpcError('invalidRequest', 'the batch is empty', { reason: 'EMPTY_BATCH' }),
        )
      }
      if (request.length > limits.maxBatchLength) {
        const message = `got a batch of ${request.length} calls, expected at most ${limits.maxBatchLength}`
        return errorResponse(null, new RpcError('limitExceeded', message, { reason: 'BATCH_TOO_LONG' }))
      }
      const sent: string[] = []
      for (const call of request) {
        // One after the other, for each may have what the ones before it left.
        const response = await answer(call)
        if (response !== undefined) sent.push(response)
        await turn(holding.over)
        if (holding.over.aborted) return undefined
      }
      return sent.length === 0 ? undefined : `[${sent.join(',')}]`
    }

    async function answer(call: unknown): Promise<string | undefined> {
      const { id, isNotification } = readId(call)
      const stopped = metrics.rpcSeconds.startTimer()
      const method = readMethodName(call, methods)
      let outcome = 'ok'
      let response: string
      try {
        if (left <= 0) throw responseTooLarge(limits)
        const before = left
        const json = JSON.stringify((await invoke(call, methods, context, work)) ?? null)
        work.charge(json.length - (before - left))
        response = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${json}}`
      } catch (error) {
        const rpcError = error instanceof RpcError ? error : reportInternal(error, method, logger)
        outcome = rpcError.data.reason
        response = errorResponse(id, rpcError)
      }
      stopped({ method })
      metrics.rpcCalls.inc({ method, outcome })
      return isNotification ? undefined : response
    }

    await turn(holding.over)
    const response = holding.over.aborted ? undefined : await answerAll()
    holding.add(-held)
    return response
  }

  return { handle }
}

/** Encodes an error response. */
export function errorResponse(id: RequestId, error: RpcError): string {
  const { code, message, data } = error
  return JSON.stringify({ jsonrpc: '2.0', id, error: { code, message, data } })
}

function parseRequest(
  text: string,
  { maxDepth }: RpcLimits,
  hold: (bytes: number) => void,
): unknown | RpcError {
  const values = countValues(text, maxDepth)
  if (values === undefined) {
    return new RpcError('limitExceeded', `expected JSON nested at most ${maxDepth} deep`, {
      reason: 'TOO_DEEP',
    })
  }
  hold(values * PARSED_VALUE_BYTES)
  try {
    return JSON.parse(text)
  } catch {
    return new RpcError('parseError', 'the request is not JSON', { reason: 'NOT_JSON' })
  }
}

/** Counts brackets and commas outside strings before anything recursive touches the text; undefined when it is too deep. */
function countValues(text: string, maxDepth: number): number | undefined {
  let depth = 0
  let values = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i)
    if (inString) {
      if (char === 0x5c /* \ */) i++
      else if (char === 0x22 /* " */) inString = false
    } else if (char === 0x22) inString = true
    else if (char === 0x2c /* , */) values++
    else if (char === 0x5b /* [ */ || char === 0x7b /* { */) {
      values++
      depth++
      if (depth > maxDepth) return undefined
    } else if (char === 0x5d || char === 0x7d) depth--
  }
  return values
}

function readId(call: unknown): { id: RequestId; isNotification: boolean } {
  if (!isObject(call)) return { id: null, isNotification: false }
  // Only a well-formed call without an id is a notification; anything else deserves its error.
  if (!Object.hasOwn(call, 'id')) {
    return { id: null, isNotification: call.jsonrpc === '2.0' && typeof call.method === 'string' }
  }
  return { id: isRequestId(call.id) ? call.id : null, isNotification: false }
}

function isRequestId(id: unknown): id is RequestId {
  if (typeof id === 'string') return id.length <= MAX_ID_LENGTH
  // Beyond this a number would come back as another one.
  if (typeof id === 'number') return Math.abs(id) <= Number.MAX_SAFE_INTEGER
  return id === null
}

/** The method's name for metrics; names we do not have must not become labels without bound. */
function readMethodName(call: unknown, methods: ReadonlyMap<string, RpcMethod>): string {
  return isObject(call) && typeof call.method === 'string' && methods.has(call.method)
    ? call.method
    : 'unknown'
}

function invoke(
  call: unknown,
  methods: ReadonlyMap<string, RpcMethod>,
  context: RpcContext,
  work: RpcWork,
): unknown {
  if (!isObject(call)) throw invalidRequest('NOT_AN_OBJECT', 'expected a JSON-RPC call, an object')
  if (call.jsonrpc !== '2.0') throw invalidRequest('WRONG_VERSION', 'expected "jsonrpc": "2.0"')
  if (Object.hasOwn(call, 'id') && !isRequestId(call.id)) {
    throw invalidRequest(
      'INVALID_ID',
      `expected an id that is a string of at most ${MAX_ID_LENGTH} characters, a safe number or null`,
    )
  }
  if (typeof call.method !== 'string')
    throw invalidRequest('INVALID_METHOD', 'expected "method" to be a string')
  const method = methods.get(call.method)
  if (method === undefined) {
    throw new RpcError(
      'methodNotFound',
      `this node has no method ${call.method.slice(0, MAX_METHOD_LENGTH)}`,
      {
        reason: 'UNKNOWN_METHOD',
      },
    )
  }
  const params = Object.hasOwn(call, 'params') ? call.params : []
  if (!Array.isArray(params)) {
    throw new RpcError('invalidParams', 'expected params to be an array', { reason: 'PARAMS_NOT_AN_ARRAY' })
  }
  return method(params, context, work)
}

function invalidRequest(reason: string, message: string): RpcError {
  return new RpcError('invalidRequest', message, { reason })
}

function responseTooLarge(limits: RpcLimits): RpcError {
  const message = `the answer would exceed ${limits.maxResponseBytes} bytes: ask for less`
  return new RpcError('limitExceeded', message, { reason: 'RESPONSE_TOO_LARGE' })
}

/** Nobody reads it but the metrics. */
function callerGone(): RpcError {
  return new RpcError('resourceUnavailable', 'the connection is closed', { reason: 'CONNECTION_CLOSED' })
}

function reportInternal(error: unknown, method: string, logger: Logger): RpcError {
  logger.error({ err: error, method }, 'method failed')
  return new RpcError('internalError', 'internal error', { reason: 'INTERNAL' })
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
