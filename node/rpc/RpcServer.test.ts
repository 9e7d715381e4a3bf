import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { attributesOn, createTestKeystore, createTestRollup } from '../../test/chainFixtures.ts'
import { type RpcAnswer, startTestRpc, type TestRpc } from '../../test/rpcServer.ts'
import { createLogger } from '../Logger.ts'
import { createMetrics } from '../Metrics.ts'
import { createHoldings } from './Holdings.ts'
import { createRpcDispatcher, type RpcContext } from './RpcDispatcher.ts'
import { createRpcServer, ListenError, type RpcServer } from './RpcServer.ts'

const rollup = createTestRollup()
const carol = createTestKeystore(rollup, 'carol', 3)

let rpc: TestRpc
beforeAll(async () => {
  rpc = await startTestRpc(rollup, {
    corsOrigin: '*',
    limits: { maxBatchLength: 5, maxRequestBytes: 20_000 },
  })
  for (const raw of carol.raws) await rpc.engine.build((head) => attributesOn(head, rollup, [raw]))
})
afterAll(() => rpc.close())

async function post(
  body: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; text: string }> {
  const response = await fetch(rpc.server.url, { method: 'POST', body, headers })
  return { status: response.status, text: await response.text() }
}

async function ask(body: unknown): Promise<RpcAnswer> {
  return JSON.parse((await post(typeof body === 'string' ? body : JSON.stringify(body))).text)
}

const call = (extra: object) => ({ jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [], ...extra })

describe('the JSON-RPC envelope', () => {
  it('answers with the id it was asked with', async () => {
    for (const id of [1, 0, -3, 1.5, 'a', '', null, 'x'.repeat(256)]) {
      expect(await ask(call({ id }))).toEqual({ jsonrpc: '2.0', id, result: '0x401641' })
    }
  })

  it.each([
    ['text that is not JSON', 'hello', -32700, 'NOT_JSON'],
    ['an empty body', '', -32700, 'NOT_JSON'],
    ['a number', '7', -32600, 'NOT_AN_OBJECT'],
    ['null', 'null', -32600, 'NOT_AN_OBJECT'],
    ['an empty batch', '[]', -32600, 'EMPTY_BATCH'],
    ['a batch that is too long', JSON.stringify(new Array(6).fill(call({}))), -32005, 'BATCH_TOO_LONG'],
    ['JSON nested deeply', `${'['.repeat(9_000)}${']'.repeat(9_000)}`, -32005, 'TOO_DEEP'],
    ['no version', { id: 1, method: 'eth_chainId' }, -32600, 'WRONG_VERSION'],
    ['another version', call({ jsonrpc: '1.0' }), -32600, 'WRONG_VERSION'],
    ['an object as id', call({ id: {} }), -32600, 'INVALID_ID'],
    ['an array as id', call({ id: [1] }), -32600, 'INVALID_ID'],
    ['a boolean as id', call({ id: true }), -32600, 'INVALID_ID'],
    ['a long id', call({ id: 'x'.repeat(257) }), -32600, 'INVALID_ID'],
    [
      'an id that no number holds',
      '{"jsonrpc":"2.0","id":12345678901234567890,"method":"eth_chainId"}',
      -32600,
      'INVALID_ID',
    ],
    ['a method that is no string', call({ method: 3 }), -32600, 'INVALID_METHOD'],
    ['a method it does not have', call({ method: 'eth_mine' }), -32601, 'UNKNOWN_METHOD'],
    ['a method named like a property of objects', call({ method: 'constructor' }), -32601, 'UNKNOWN_METHOD'],
    ['a method named __proto__', '{"jsonrpc":"2.0","id":1,"method":"__proto__"}', -32601, 'UNKNOWN_METHOD'],
    ['params by name', call({ params: { block: 'latest' } }), -32602, 'PARAMS_NOT_AN_ARRAY'],
    ['params that are null', call({ params: null }), -32602, 'PARAMS_NOT_AN_ARRAY'],
    ['more params than the method takes', call({ params: [1] }), -32602, 'TOO_MANY_PARAMS'],
  ])('refuses %s', async (_name, body, code, reason) => {
    const { error, result } = await ask(body)
    expect([error?.code, error?.data.reason, result]).toEqual([code, reason, undefined])
    expect(error?.message.length).toBeGreaterThan(5)
  })

  it('answers no notification, but a malformed call without an id', async () => {
    expect(await post('{"jsonrpc":"2.0","method":"eth_chainId"}')).toEqual({ status: 204, text: '' })
    expect(await post('{"jsonrpc":"2.0","method":"nope"}')).toEqual({ status: 204, text: '' })
    expect((await ask('{"method":"eth_chainId"}')).error?.data.reason).toBe('WRONG_VERSION')
    const batch = await post(JSON.stringify([call({}), { jsonrpc: '2.0', method: 'eth_chainId' }, 7]))
    expect((JSON.parse(batch.text) as RpcAnswer[]).map(({ id }) => id)).toEqual([1, null])
  })

  it('ignores members it does not know', async () => {
    expect((await ask(call({ extra: 1 }))).result).toBe('0x401641')
  })

  it('refuses a body that is too large, as JSON-RPC', async () => {
    const { status, text } = await post(JSON.stringify(call({ params: ['x'.repeat(20_000)] })))
    expect([status, JSON.parse(text).error.data.reason]).toEqual([413, 'REQUEST_TOO_LARGE'])
  })

  it('refuses other paths and verbs, as JSON-RPC', async () => {
    for (const [path, method, status] of [
      ['/', 'GET', 405],
      ['/nothing', 'POST', 404],
      ['/', 'PUT', 404],
    ] as const) {
      const response = await fetch(rpc.server.url + path, { method })
      expect([response.status, typeof ((await response.json()) as RpcAnswer).error?.data.reason]).toEqual([
        status,
        'string',
      ])
    }
  })

  it('takes any content type', async () => {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/json; charset=utf-8',
    ]) {
      const { text } = await post(JSON.stringify(call({})), { 'content-type': type })
      expect(JSON.parse(text).result).toBe('0x401641')
    }
  })

  it('lets browsers on other origins in where configured', async () => {
    const preflight = await fetch(rpc.server.url, {
      method: 'OPTIONS',
      headers: { origin: 'https://wallet.example' },
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-origin')).toBe('*')
    expect(preflight.headers.get('access-control-allow-headers')).toContain('content-type')
  })

  it('never crashes, and answers valid JSON-RPC to anything', async () => {
    const known = [
      'eth_getBlockByNumber',
      'eth_getLogs',
      'eth_getProof',
      'eth_call',
      'keyroll_getConfig',
      'eth_feeHistory',
      'eth_subscribe',
      'optimism_outputAtBlock',
      'keyroll_getStatus',
    ]
    const value = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom(
        'latest',
        '0x0',
        '0x1',
        '0xffffffffffffffff',
        `0x${'42'.repeat(32)}`,
        '0x4200000000000000000000000000000000000016',
        '0x',
      ),
      fc.record(
        { fromBlock: fc.jsonValue(), topics: fc.jsonValue(), address: fc.jsonValue() },
        { requiredKeys: [] },
      ),
    )
    const request = fc.oneof(
      fc.jsonValue(),
      fc.record(
        {
          jsonrpc: fc.constantFrom('2.0', '1.0', 2),
          id: fc.oneof(fc.integer(), fc.string(), fc.jsonValue()),
          method: fc.oneof(fc.constantFrom(...known), fc.string()),
          params: fc.oneof(fc.array(value, { maxLength: 4 }), fc.jsonValue()),
        },
        { requiredKeys: ['method'] },
      ),
    )
    const body = fc.oneof(
      request.map((one) => JSON.stringify(one)),
      fc.array(request, { maxLength: 6 }).map((batch) => JSON.stringify(batch)),
      fc.string(),
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    )
    await fc.assert(
      fc.asyncProperty(body, async (text) => {
        const { status, text: answer } = await post(text)
        expect(status).toBe(answer === '' ? 204 : 200)
        if (answer === '') return
        const parsed: unknown = JSON.parse(answer)
        for (const one of (Array.isArray(parsed) ? parsed : [parsed]) as RpcAnswer[]) {
          expect(one.jsonrpc).toBe('2.0')
          expect(['string', 'number', 'object']).toContain(typeof one.id)
          expect('result' in one).toBe(!('error' in one))
          if (one.error === undefined) continue
          expect(Number.isInteger(one.error.code)).toBe(true)
          expect(one.error.code).not.toBe(-32603)
          expect(one.error.data.reason).toMatch(/^[A-Z0-9_]+$/)
        }
      }),
      { numRuns: 400 },
    )
    expect((await ask(call({}))).result).toBe('0x401641')
  }, 120_000)
})

describe('health', () => {
  it('says that the process is up, whether it is ready and why not', async () => {
    expect((await fetch(`${rpc.server.url}/healthz`)).status).toBe(200)
    expect((await fetch(`${rpc.server.url}/readyz`)).status).toBe(200)
    rpc.world.notReady = [{ reason: 'L1_UNREACHABLE' }]
    const response = await fetch(`${rpc.server.url}/readyz`)
    expect([response.status, await response.json()]).toEqual([
      503,
      { ready: false, reasons: [{ reason: 'L1_UNREACHABLE' }] },
    ])
    rpc.world.notReady = []
  })

  it('exposes metrics, with no label that a caller chose', async () => {
    await ask(call({ method: 'no_such_method_as_this' }))
    const text = await (await fetch(`${rpc.server.url}/metrics`)).text()
    expect(text).toContain('keyroll_rpc_calls_total{method="eth_chainId",outcome="ok"}')
    expect(text).toContain('keyroll_rpc_calls_total{method="unknown",outcome="UNKNOWN_METHOD"}')
    expect(text).not.toContain('no_such_method_as_this')
  })
})

describe('a server with a token', () => {
  let server: RpcServer
  beforeAll(async () => {
    server = await createRpcServer({
      methods: { admin_ping: () => 'pong' },
      host: '127.0.0.1',
      port: 0,
      logger: createLogger({ level: 'silent' }),
      metrics: createMetrics(),
      readiness: () => [],
      authToken: 'secret',
    })
  })
  afterAll(() => server.close())
  const ping = (authorization?: string) =>
    fetch(server.url, {
      method: 'POST',
      body: JSON.stringify(call({ method: 'admin_ping' })),
      headers: authorization === undefined ? {} : { authorization },
    })

  it('answers only those who know it', async () => {
    expect(await (await ping('Bearer secret')).json()).toMatchObject({ result: 'pong' })
    for (const wrong of [undefined, 'Bearer secre', 'Bearer secret2', 'secret', 'Basic secret']) {
      const response = await ping(wrong)
      expect([response.status, ((await response.json()) as RpcAnswer).error?.data.reason]).toEqual([
        401,
        'UNAUTHORIZED',
      ])
    }
    expect((await fetch(`${server.url}/metrics`)).status).toBe(401)
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
  })

  it('says that its port is taken, or why else it cannot listen', async () => {
    const options = {
      methods: {},
      logger: createLogger({ level: 'silent' }),
      metrics: createMetrics(),
      readiness: () => [],
    }
    const port = Number(new URL(server.url).port)
    const taken = createRpcServer({ ...options, host: '127.0.0.1', port })
    await expect(taken).rejects.toBeInstanceOf(ListenError)
    await expect(taken).rejects.toThrow('another process uses it')
    const strange = createRpcServer({ ...options, host: '192.0.2.1', port: 0 })
    await expect(strange).rejects.toThrow('EADDRNOTAVAIL')
    await expect(strange).rejects.not.toThrow('another process')
  })

  it('lets no stranger in by WebSocket', async () => {
    const refused = new WebSocket(server.wsUrl)
    refused.on('error', () => undefined)
    const status = await new Promise((resolve) =>
      refused.on('unexpected-response', (_request, response) => resolve(response.statusCode)),
    )
    expect(status).toBe(401)
    const socket = new WebSocket(server.wsUrl, { headers: { authorization: 'Bearer secret' } })
    const answer = await new Promise((resolve) => {
      socket.on('open', () => socket.send(JSON.stringify(call({ method: 'admin_ping' }))))
      socket.on('message', (data) => resolve(JSON.parse(String(data))))
    })
    expect(answer).toMatchObject({ result: 'pong' })
    socket.close()
  })
})

describe('web pages', () => {
  /** Opens a WebSocket as a page of this origin does, and tells how the server answers. */
  async function statusFor(server: RpcServer, origin: string): Promise<number> {
    const socket = new WebSocket(server.wsUrl, { origin })
    socket.on('error', () => undefined)
    const status = await new Promise<number>((resolve) => {
      socket.on('unexpected-response', (_request, { statusCode }) => resolve(statusCode ?? 0))
      socket.on('open', () => resolve(101))
    })
    socket.terminate()
    return status
  }

  it.each([
    [undefined, { 'https://wallet.example': 403, null: 403, own: 101 }],
    ['https://wallet.example', { 'https://wallet.example': 101, 'https://evil.example': 403, own: 101 }],
    ['*', { 'https://evil.example': 101, null: 101 }],
  ])('open WebSockets only where their origin is let in: %s', async (corsOrigin, statuses) => {
    const server = await createRpcServer({
      methods: {},
      host: '127.0.0.1',
      port: 0,
      logger: createLogger({ level: 'silent' }),
      metrics: createMetrics(),
      readiness: () => [],
      ...(corsOrigin !== undefined && { corsOrigin }),
    })
    try {
      for (const [origin, status] of Object.entries(statuses)) {
        expect(await statusFor(server, origin === 'own' ? server.url : origin)).toBe(status)
      }
    } finally {
      await server.close()
    }
  })
})

describe('createRpcDispatcher', () => {
  const context: RpcContext = { notify: undefined, onClose: () => undefined }
  const limits = {
    maxRequestBytes: 1_000,
    maxResponseBytes: 100,
    maxBatchLength: 10,
    maxDepth: 8,
    maxConnections: 1,
    maxSocketRequests: 1,
    maxHeldBytes: 10_000,
  }
  const dispatcher = createRpcDispatcher({
    methods: {
      text: () => 'x'.repeat(40),
      breaks: () => {
        throw new TypeError('the secret of the database')
      },
      unserializable: () => 1n,
      nothing: () => undefined,
      later: async () => 'later',
    },
    limits,
    logger: createLogger({ level: 'silent' }),
    metrics: createMetrics(),
  })
  const handle = async (body: unknown) => {
    const holding = createHoldings(limits.maxHeldBytes)(() => undefined)
    return JSON.parse((await dispatcher.handle(JSON.stringify(body), context, holding)) ?? 'null')
  }

  it('stops a batch whose answers are too large', async () => {
    const answers = (await handle(new Array(4).fill(call({ method: 'text' })))) as RpcAnswer[]
    expect(answers.map((one) => one.error?.data.reason ?? 'ok')).toEqual([
      'ok',
      'ok',
      'RESPONSE_TOO_LARGE',
      'RESPONSE_TOO_LARGE',
    ])
  })

  it('tells nothing of its own failures', async () => {
    for (const method of ['breaks', 'unserializable']) {
      const answer = await handle(call({ method }))
      expect(answer.error).toEqual({ code: -32603, message: 'internal error', data: { reason: 'INTERNAL' } })
    }
  })

  it('answers null for nothing, and waits for what comes later', async () => {
    expect(await handle(call({ method: 'nothing' }))).toEqual({ jsonrpc: '2.0', id: 1, result: null })
    expect(await handle(call({ method: 'later' }))).toEqual({ jsonrpc: '2.0', id: 1, result: 'later' })
  })

  it('does not count brackets inside strings as depth', async () => {
    expect((await handle(call({ method: 'nothing', id: `${'['.repeat(50)}\\"` }))).result).toBeNull()
  })
})
