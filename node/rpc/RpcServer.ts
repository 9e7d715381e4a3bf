import { createHash, timingSafeEqual } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import websocket from '@fastify/websocket'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { WebSocket } from 'ws'
import { KeyrollError } from '../../protocol/index.ts'
import { createGate } from '../Gate.ts'
import type { Logger } from '../Logger.ts'
import type { Metrics } from '../Metrics.ts'
import { createHoldings, type Holding, type Holdings } from './Holdings.ts'
import {
  createRpcDispatcher,
  errorResponse,
  type RpcContext,
  type RpcDispatcher,
  type RpcLimits,
  type RpcMethods,
} from './RpcDispatcher.ts'
import { RpcError, type RpcErrorData } from './RpcError.ts'

/** Says why the node is not ready to be asked; nothing when it is. Answers `/readyz`. */
export type Readiness = () => readonly RpcErrorData[]

/** What `createRpcServer` is made of. */
export type RpcServerOptions = {
  methods: RpcMethods
  host: string
  /** 0 takes any free port. */
  port: number
  limits?: Partial<RpcLimits>
  logger: Logger
  metrics: Metrics
  readiness: Readiness
  /** When given, every request must carry `Authorization: Bearer <token>`, but for `/healthz`. */
  authToken?: string
  /** The origin of web pages that may ask, or `*` for all; when absent, those of other origins than the server's may not. */
  corsOrigin?: string
}

/** A listening JSON-RPC server. */
export interface RpcServer {
  /** With the port that was bound, e.g. `http://127.0.0.1:8545`. */
  readonly url: string
  readonly wsUrl: string
  close(): Promise<void>
}

const DEFAULT_LIMITS: RpcLimits = {
  maxRequestBytes: 1_048_576,
  maxResponseBytes: 33_554_432,
  maxBatchLength: 100,
  maxDepth: 32,
  maxConnections: 1_000,
  maxSocketRequests: 16,
  maxHeldBytes: 134_217_728,
}

/** A caller that sends slowly or not at all must not hold a connection open. */
const REQUEST_TIMEOUT_MS = 30_000

/** A caller that does not read must not make the server hold its answer for ever. */
const ANSWER_TIMEOUT_MS = 30_000

/** What a piece of a body takes in memory beyond its bytes, of which it may have one. */
const BODY_PIECE_BYTES = 256

/** A peer that vanished without a word is noticed only by asking. */
const HEARTBEAT_MS = 30_000

/**
 * Starts JSON-RPC 2.0 over HTTP (`POST /`) and WebSocket (`GET /`), with `/healthz`, `/readyz` and `/metrics`.
 *
 * @throws {ListenError} when the port cannot be bound.
 */
export async function createRpcServer(options: RpcServerOptions): Promise<RpcServer> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const dispatcher = createRpcDispatcher({ ...options, limits })
  const holdings = createHoldings(limits.maxHeldBytes)
  const app = fastify({
    logger: false,
    bodyLimit: limits.maxRequestBytes,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: true,
  })
  app.server.maxConnections = limits.maxConnections
  await app.register(websocket, { options: { maxPayload: limits.maxRequestBytes } })
  parseBodiesAsText(app)
  answerFailuresAsJsonRpc(app, options.logger)
  refusePipelines(app)
  refuseForeignSockets(app, options.corsOrigin)
  if (options.corsOrigin !== undefined) allowOrigin(app, options.corsOrigin)
  if (options.authToken !== undefined) requireToken(app, options.authToken)
  const heldFor = holdRequests(app, holdings)
  addHealthRoutes(app, options)
  addRpcRoutes(app, { dispatcher, holdings, heldFor, limits })

  try {
    await app.listen({ host: options.host, port: options.port })
  } catch (cause) {
    await app.close()
    throw new ListenError(options.host, options.port, cause)
  }
  const { port } = app.server.address() as AddressInfo
  const authority = `${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`
  return { url: `http://${authority}`, wsUrl: `ws://${authority}`, close: () => app.close() }
}

function parseBodiesAsText(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))
}

function answerFailuresAsJsonRpc(app: FastifyInstance, logger: Logger): void {
  app.setErrorHandler((error: { statusCode?: number; code?: string }, _request, reply) => {
    const status = error.statusCode ?? 500
    if (status === 413) {
      return sendError(
        reply,
        413,
        new RpcError('limitExceeded', 'the request is too large', { reason: 'REQUEST_TOO_LARGE' }),
      )
    }
    if (status < 500) {
      const message = 'the HTTP request is malformed'
      return sendError(reply, status, new RpcError('invalidRequest', message, { reason: 'MALFORMED_HTTP' }))
    }
    logger.error({ err: error }, 'request failed')
    return sendError(reply, 500, new RpcError('internalError', 'internal error', { reason: 'INTERNAL' }))
  })
  app.setNotFoundHandler((_request, reply) =>
    sendError(
      reply,
      404,
      new RpcError('invalidRequest', 'send JSON-RPC to POST /', { reason: 'UNKNOWN_ROUTE' }),
    ),
  )
}

/** Else one connection could have as many requests answered at once as it likes; next to nobody sends them so. */
function refusePipelines(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    // A response gets its socket when the one before it is sent.
    if (reply.raw.socket !== null) return
    reply.hijack()
    request.raw.socket.destroy()
  })
}

function allowOrigin(app: FastifyInstance, origin: string): void {
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('access-control-allow-origin', origin)
  })
  app.options('*', (_request, reply) =>
    reply
      .header('access-control-allow-methods', 'GET, POST, OPTIONS')
      .header('access-control-allow-headers', 'content-type, authorization')
      .header('access-control-max-age', '86400')
      .code(204)
      .send(),
  )
}

/** Browsers leave it to the server which web pages may open a WebSocket: the header that opens HTTP to them means nothing there. */
function refuseForeignSockets(app: FastifyInstance, allowed: string | undefined): void {
  app.addHook('onRequest', async (request, reply) => {
    const { origin, host } = request.headers
    // Who is no browser names no origin.
    if (!request.ws || origin === undefined || allowed === '*' || origin === allowed) return
    if (origin === `http://${host}` || origin === `https://${host}`) return
    const message = 'web pages of this origin may not ask this node'
    await sendError(reply, 403, new RpcError('invalidRequest', message, { reason: 'FOREIGN_ORIGIN' }))
  })
}

function requireToken(app: FastifyInstance, token: string): void {
  // Digests have one length, so the comparison tells nothing about the token, not even its length.
  const digest = (text: string) => createHash('sha256').update(text).digest()
  const expected = digest(`Bearer ${token}`)
  app.addHook('onRequest', async (request: FastifyRequest, reply: FastifyReply) => {
    if (request.url === '/healthz' || request.method === 'OPTIONS') return
    if (timingSafeEqual(digest(request.headers.authorization ?? ''), expected)) return
    const message = 'send the header Authorization: Bearer <token>'
    await sendError(reply, 401, new RpcError('invalidRequest', message, { reason: 'UNAUTHORIZED' }))
  })
}

/** Finds what is held for a request until its answer is sent or its connection closed. */
type HeldFor = (request: FastifyRequest, reply: FastifyReply) => Holding

/**
 * Counts the bodies of all requests while they come in, whatever their path. What they announce is not counted: else who
 * sends nothing could have others dropped.
 */
function holdRequests(app: FastifyInstance, holdings: Holdings): HeldFor {
  const known = new WeakMap<FastifyRequest, Holding>()

  function heldFor(request: FastifyRequest, reply: FastifyReply): Holding {
    const own = known.get(request)
    if (own !== undefined) return own
    const holding = holdings(() => request.raw.socket.destroy())
    known.set(request, holding)
    reply.raw.once('close', holding.end)
    return holding
  }

  app.addHook('preParsing', (request, reply, body, done) => {
    if (request.ws) return done()
    const holding = heldFor(request, reply)
    let pieces = 0
    body.on('data', (piece: Buffer) => {
      pieces++
      holding.add(piece.length + BODY_PIECE_BYTES)
    })
    body.once('end', () => holding.add(-pieces * BODY_PIECE_BYTES))
    // At once, for the pieces begin to come when this turn is over.
    done(null, body)
  })
  return heldFor
}

function addHealthRoutes(app: FastifyInstance, { metrics, readiness }: RpcServerOptions): void {
  app.get('/healthz', () => ({ status: 'ok' }))
  app.get('/readyz', (_request, reply) => {
    const reasons = readiness()
    return reply.code(reasons.length === 0 ? 200 : 503).send({ ready: reasons.length === 0, reasons })
  })
  app.get('/metrics', async (_request, reply) =>
    reply.header('content-type', metrics.registry.contentType).send(await metrics.registry.metrics()),
  )
}

/** What requests are answered with. */
type Answering = { dispatcher: RpcDispatcher; holdings: Holdings; heldFor: HeldFor; limits: RpcLimits }

function addRpcRoutes(app: FastifyInstance, answering: Answering): void {
  app.post('/', async (request, reply) => {
    const text = typeof request.body === 'string' ? request.body : ''
    const holding = answering.heldFor(request, reply)
    const context: RpcContext = { notify: undefined, onClose: (close) => close() }
    const answer = await answering.dispatcher.handle(text, context, holding)
    if (answer === undefined) return reply.code(204).send()
    holding.add(answer.length)
    reply.raw.setTimeout(ANSWER_TIMEOUT_MS)
    return reply.header('content-type', 'application/json').send(answer)
  })
  app.route({
    method: 'GET',
    url: '/',
    handler: (_request, reply) =>
      sendError(
        reply,
        405,
        new RpcError('invalidRequest', 'send JSON-RPC to POST /', { reason: 'USE_POST' }),
      ),
    wsHandler: (socket) => serveSocket(socket, answering),
  })
}

function serveSocket(socket: WebSocket, { dispatcher, holdings, limits }: Answering): void {
  const closers: (() => void)[] = []
  const holding = holdings(() => socket.terminate())
  const gate = createGate(limits.maxSocketRequests)
  let isAlive = true
  let unanswered = 0
  let working = 0
  let notified = 0

  /** Resolves when the text is on its way to the client, or the connection is closed. */
  async function send(text: string): Promise<void> {
    if (socket.readyState !== socket.OPEN) return
    holding.add(text.length)
    await new Promise<void>((resolve) => socket.send(text, () => resolve()))
    holding.add(-text.length)
  }

  async function notify(text: string): Promise<void> {
    // Answers wait behind the gate, but of notifications there is no end where the client does not read.
    if (notified > limits.maxResponseBytes) return socket.terminate()
    notified += text.length
    await send(text)
    notified -= text.length
  }

  const context: RpcContext = {
    notify: (method, params) => {
      notify(JSON.stringify({ jsonrpc: '2.0', method, params }))
    },
    onClose: (close) => closers.push(close),
  }

  async function answer(data: Buffer): Promise<void> {
    working++
    const text = await dispatcher.handle(data.toString('utf8'), context, holding)
    working--
    if (text !== undefined) await send(text)
    // While the socket is paused its pongs go unheard.
    isAlive = true
  }

  socket.on('message', async (data: Buffer) => {
    holding.add(data.length)
    unanswered++
    if (unanswered >= limits.maxSocketRequests) socket.pause()
    // What had come before the pause is told all the same.
    await gate(() => answer(data))
    unanswered--
    if (unanswered < limits.maxSocketRequests) socket.resume()
    holding.add(-data.length)
  })
  socket.on('pong', () => {
    isAlive = true
  })
  const heartbeat = setInterval(() => {
    if (!isAlive && working === 0) return socket.terminate()
    isAlive = false
    socket.ping()
  }, HEARTBEAT_MS).unref()
  // Protocol violations and oversized messages: ws closes the connection itself; unheard, the event would be thrown.
  socket.on('error', () => socket.terminate())
  socket.on('close', () => {
    clearInterval(heartbeat)
    holding.end()
    for (const close of closers) close()
  })
}

function sendError(reply: FastifyReply, status: number, error: RpcError): FastifyReply {
  return reply.code(status).header('content-type', 'application/json').send(errorResponse(null, error))
}

/** Reports a host and port on which the server cannot listen. */
export class ListenError extends KeyrollError {
  override readonly name = 'ListenError'
  constructor(host: string, port: number, cause: unknown) {
    const isTaken = cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE'
    const reason = cause instanceof Error ? cause.message : String(cause)
    super(
      `cannot listen on ${host}:${port}: ${isTaken ? 'another process uses it; port 0 takes any free one' : reason}`,
      { cause },
    )
  }
}
