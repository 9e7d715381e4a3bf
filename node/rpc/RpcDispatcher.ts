import type { Logger } from '../Logger.ts'
import type { Metrics } from '../Metrics.ts'
import { RpcError } from './RpcError.ts'

/** What a method knows of its caller. */
export type RpcContext = {
  /** Sends a notification; present on WebSocket connections only. */
  notify: ((method: string, params: unknown) => void) | undefined
  /** Registers what to do when the connection closes. */
  onClose(close: () => void): void
}

/** A JSON-RPC method: takes unchecked positional params, answers a JSON value or throws `RpcError`. */
export type RpcMethod = (params: readonly unknown[], context: RpcContext) => unknown

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
}

/** Turns the text of a request into the text of its response; undefined when nothing is to be sent. */
export interface RpcDispatcher {
  handle(text: string, context: RpcContext): Promise<string | undefined>
}

type RequestId = string | number | null

/** Longer ids have no use and would be echoed back. */
const MAX_ID_LENGTH = 256
const MAX_METHOD_LENGTH = 64

/** Makes the part of a JSON-RPC server that knows nothing of sockets. It never rejects. */
export function createRpcDispatcher(options: {
  methods: RpcMethods
  limits: RpcLimits
  logger: Logger
  metrics: Metrics
}): RpcDispatcher {
  const { limits, logger, metrics } = options
  // A Map, because a plain object would also find `constructor` and `__proto__`.
  const methods = new Map(Object.entries(options.methods))

  async function handle(text: string, context: RpcContext): Promise<string | undefined> {
    const request = parseRequest(text, limits)
    if (request instanceof RpcError) return errorResponse(null, request)
    const budget = { left: limits.maxResponseBytes }
    if (!Array.isArray(request)) return answer(request, context, budget)
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
    // Calls of a batch start in order and run side by side.
    const answers = await Promise.all(request.map((call) => answer(call, context, budget)))
    const sent = answers.filter((one) => one !== undefined)
    return sent.length === 0 ? undefined : `[${sent.join(',')}]`
  }

  async function answer(
    call: unknown,
    context: RpcContext,
    budget: { left: number },
  ): Promise<string | undefined> {
    const { id, isNotification } = readId(call)
    const stopped = metrics.rpcSeconds.startTimer()
    const method = readMethodName(call, methods)
    let outcome = 'ok'
    let response: string
    try {
      if (budget.left <= 0) throw responseTooLarge(limits)
      const result = invoke(call, methods, context)
      // Awaiting what is not a promise would run the whole batch before the first result is counted.
      const json = JSON.stringify((result instanceof Promise ? await result : result) ?? null)
      budget.left -= json.length
      if (budget.left < 0) throw responseTooLarge(limits)
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

  return { handle }
}

/** Encodes an error response. */
export function errorResponse(id: RequestId, error: RpcError): string {
  const { code, message, data } = error
  return JSON.stringify({ jsonrpc: '2.0', id, error: { code, message, data } })
}

function parseRequest(text: string, limits: RpcLimits): unknown | RpcError {
  if (isDeeperThan(text, limits.maxDepth)) {
    return new RpcError('limitExceeded', `expected JSON nested at most ${limits.maxDepth} deep`, {
      reason: 'TOO_DEEP',
    })
  }
  try {
    return JSON.parse(text)
  } catch {
    return new RpcError('parseError', 'the request is not JSON', { reason: 'NOT_JSON' })
  }
}

/** Counts brackets outside strings before anything recursive touches the text. */
function isDeeperThan(text: string, limit: number): boolean {
  let depth = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i)
    if (inString) {
      if (char === 0x5c /* \ */) i++
      else if (char === 0x22 /* " */) inString = false
    } else if (char === 0x22) inString = true
    else if (char === 0x5b /* [ */ || char === 0x7b /* { */) {
      depth++
      if (depth > limit) return true
    } else if (char === 0x5d || char === 0x7d) depth--
  }
  return false
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

function invoke(call: unknown, methods: ReadonlyMap<string, RpcMethod>, context: RpcContext): unknown {
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
  return method(params, context)
}

function invalidRequest(reason: string, message: string): RpcError {
  return new RpcError('invalidRequest', message, { reason })
}

function responseTooLarge(limits: RpcLimits): RpcError {
  const message = `the answer would exceed ${limits.maxResponseBytes} bytes: ask for less`
  return new RpcError('limitExceeded', message, { reason: 'RESPONSE_TOO_LARGE' })
}

function reportInternal(error: unknown, method: string, logger: Logger): RpcError {
  logger.error({ err: error, method }, 'method failed')
  return new RpcError('internalError', 'internal error', { reason: 'INTERNAL' })
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
