import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type ClientOptions, WebSocket } from 'ws'
import { createLogger } from '../Logger.ts'
import { createMetrics } from '../Metrics.ts'
import type { RpcContext, RpcLimits } from './RpcDispatcher.ts'
import { createRpcServer, type RpcServer } from './RpcServer.ts'

/** What was opened is closed after each test. */
const opened: { close(): unknown }[] = []
afterEach(async () => {
  vi.useRealTimers()
  for (const one of opened.splice(0).reverse()) await one.close()
})

/** A server whose methods tell what was called, and make answers of any length. */
class LimitedServer {
  readonly subscribers: RpcContext[] = []
  answered = 0
  inside = 0
  mostInside = 0
  private readonly waiting: (() => void)[] = []

  private constructor(private server: RpcServer) {}

  static async start(limits: Partial<RpcLimits>): Promise<LimitedServer> {
    const self: LimitedServer = new LimitedServer(
      await createRpcServer({
        methods: {
          text([length]) {
            self.answered++
            return 'x'.repeat(Number(length))
          },
          async wait() {
            self.mostInside = Math.max(self.mostInside, ++self.inside)
            for (let i = 0; i < 20; i++) await nextTurn()
            self.inside--
          },
          /** Is answered when the test says so. */
          async hold() {
            self.inside++
            await new Promise<void>((resolve) => self.waiting.push(resolve))
            self.inside--
          },
          subscribe: (_params, context) => self.subscribers.push(context),
        },
        host: '127.0.0.1',
        port: 0,
        limits,
        logger: createLogger({ level: 'silent' }),
        metrics: createMetrics(),
        readiness: () => [],
      }),
    )
    opened.push(self.server)
    return self
  }

  release(): void {
    for (const goOn of this.waiting.splice(0)) goOn()
  }

  /** The length of the answer's text. */
  async post(method: string, ...params: unknown[]): Promise<number> {
    const response = await fetch(this.server.url, { method: 'POST', body: request(method, ...params) })
    return (await response.text()).length
  }

  async connect(): Promise<Socket> {
    const socket = connect(Number(new URL(this.server.url).port), '127.0.0.1')
    opened.push({ close: () => socket.destroy() })
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    return socket
  }

  /** Sends requests over one connection, whose answers nobody reads until it is resumed. */
  async postUnread(body: string, times = 1): Promise<Socket> {
    const socket = await this.connect()
    socket.write(`${head(`content-length: ${body.length}`)}${body}`.repeat(times))
    return socket
  }

  async connectWebSocket(options: ClientOptions = {}): Promise<TestSocket> {
    const socket = new WebSocket(this.server.wsUrl, options)
    opened.push({ close: () => socket.terminate() })
    socket.on('error', () => undefined)
    await once(socket, 'open')
    const test: TestSocket = { socket, messages: [], isClosed: false }
    socket.on('message', (data) => test.messages.push(String(data)))
    socket.on('close', () => {
      test.isClosed = true
    })
    return test
  }
}

/** A client's WebSocket and what came over it. */
type TestSocket = { socket: WebSocket; messages: string[]; isClosed: boolean }

const request = (method: string, ...params: unknown[]) =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })

const head = (header: string) => `POST / HTTP/1.1\r\nhost: x\r\nconnection: keep-alive\r\n${header}\r\n\r\n`

/** What an answer has besides its result. */
const ENVELOPE = 36

/** More than the operating system takes from a server whose client does not read. */
const LARGE = 20_000_000

/** Reads until an answer with a large result is whole, or the connection is closed; tells how much came. */
async function readAll(socket: Socket): Promise<number> {
  let length = 0
  return new Promise((resolve) => {
    if (socket.closed) resolve(length)
    socket.on('data', (chunk) => {
      length += chunk.length
      if (length > LARGE) resolve(length)
    })
    socket.on('close', () => resolve(length))
  })
}

const soon = { timeout: 10_000, interval: 5 }

describe('requests of one connection', () => {
  it('are answered so many at once where it is a WebSocket, and the others later', async () => {
    const server = await LimitedServer.start({ maxSocketRequests: 2 })
    const { socket, messages } = await server.connectWebSocket()
    for (let id = 0; id < 50; id++)
      socket.send(JSON.stringify({ jsonrpc: '2.0', id, method: 'wait', params: [] }))
    await expect.poll(() => messages.length, soon).toBe(50)
    expect(messages.map((one) => JSON.parse(one).id)).toEqual(Array.from({ length: 50 }, (_, id) => id))
    expect(server.mostInside).toBe(2)
  })

  it('are left unread beyond those, rather than held', async () => {
    const server = await LimitedServer.start({ maxSocketRequests: 2, maxHeldBytes: 30_000_000 })
    const client = await server.connectWebSocket()
    client.socket.send(request('hold'))
    client.socket.send(request('hold'))
    await expect.poll(() => server.inside, soon).toBe(2)
    for (let i = 0; i < 60; i++) client.socket.send(request('wait', 'x'.repeat(1_000_000)))
    // Another one's calls are answered meanwhile: what could be read has been read.
    for (let i = 0; i < 100; i++) await server.post('wait')
    server.release()
    await expect.poll(() => client.isClosed || client.messages.length === 62, soon).toBe(true)
    expect(client.isClosed).toBe(false)
  })

  it('close it where they come by HTTP before the one before was answered', async () => {
    const server = await LimitedServer.start({})
    const socket = await server.postUnread(request('wait'), 3)
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
    })
    await once(socket, 'close')
    expect(text.split('"result"').length - 1).toBeLessThan(2)
  })
})

describe('what is held for all', () => {
  it('is bounded where answers are not read: whoever holds most is disconnected, others are answered', async () => {
    const server = await LimitedServer.start({ maxHeldBytes: 2.5 * LARGE })
    const unread: Socket[] = []
    for (let i = 0; i < 4; i++) unread.push(await server.postUnread(request('text', LARGE)))
    await expect.poll(() => server.answered, soon).toBe(4)
    expect(await server.post('text', LARGE / 2)).toBe(LARGE / 2 + ENVELOPE)
    const lengths = await Promise.all(unread.map(readAll))
    expect(lengths.filter((length) => length > LARGE).length).toBeLessThanOrEqual(2)
  })

  it('is bounded where bodies do not end: whoever holds most is disconnected', async () => {
    const server = await LimitedServer.start({ maxHeldBytes: 1_000_000 })
    const closed: string[] = []
    async function postUnfinished(name: string, length: number): Promise<void> {
      const socket = await server.connect()
      socket.on('close', () => closed.push(name))
      socket.write(head(`content-length: ${length + 1}`))
      socket.write('x'.repeat(length))
    }
    await postUnfinished('large', 300_000)
    for (let i = 0; i < 8; i++) await postUnfinished('small', 100_000)
    await expect.poll(() => closed, soon).toEqual(['large'])
    for (let i = 0; i < 20; i++) await postUnfinished('small', 100_000)
    await expect.poll(() => closed.length, soon).toBeGreaterThanOrEqual(20)
    // Who is honest, and holds less than they do, is served.
    expect(await server.post('text', 10)).toBe(10 + ENVELOPE)
  })

  it('counts bodies on paths that do not exist', async () => {
    const server = await LimitedServer.start({ maxHeldBytes: 50_000 })
    const socket = await server.connect()
    socket.write(head('content-length: 100001').replace('POST /', 'POST /nothing'))
    socket.write('x'.repeat(100_000))
    await expect.poll(() => socket.closed, soon).toBe(true)
  })

  it('counts what a body takes that comes in tiny pieces', async () => {
    const server = await LimitedServer.start({ maxHeldBytes: 1_000_000 })
    const socket = await server.connect()
    socket.write(head('transfer-encoding: chunked'))
    socket.write('1\r\nx\r\n'.repeat(10_000))
    await expect.poll(() => socket.closed, soon).toBe(true)
  })

  it('counts no pieces of a body that is whole', async () => {
    const server = await LimitedServer.start({ maxHeldBytes: 1_000_000 })
    const socket = await server.connect()
    const pieces = [...request('text', 900_000).padEnd(1_000)].map((one) => `1\r\n${one}\r\n`)
    socket.write(`${head('transfer-encoding: chunked')}${pieces.join('')}0\r\n\r\n`)
    let length = 0
    socket.on('data', (chunk) => {
      length += chunk.length
    })
    await expect.poll(() => socket.closed || length > 900_000, soon).toBe(true)
    expect(socket.closed).toBe(false)
  })

  it('does not count what a body is announced to be', async () => {
    const server = await LimitedServer.start({ maxHeldBytes: 1_000_000 })
    const silent: Socket[] = []
    for (let i = 0; i < 20; i++) {
      const socket = await server.connect()
      socket.write(head('content-length: 1000000'))
      silent.push(socket)
    }
    expect(await server.post('text', 900_000)).toBe(900_000 + ENVELOPE)
    expect(silent.some((socket) => socket.closed)).toBe(false)
  })

  it('is nothing when all is done', async () => {
    const server = await LimitedServer.start({ maxHeldBytes: 1_000_000, maxResponseBytes: 1_000_000 })
    const answersAll = async () => expect(await server.post('text', 900_000)).toBe(900_000 + ENVELOPE)
    for (let i = 0; i < 30; i++) expect(await server.post('text', 50_000)).toBe(50_000 + ENVELOPE)
    for (let i = 0; i < 30; i++) await server.post('wait', 'x'.repeat(50_000))
    await answersAll()

    const client = await server.connectWebSocket()
    let expected = 0
    async function come(count: number): Promise<void> {
      expected += count
      await expect.poll(() => client.isClosed || client.messages.length === expected, soon).toBe(true)
      expect(client.isClosed).toBe(false)
    }
    for (let i = 0; i < 30; i++) {
      client.socket.send(request('text', 50_000))
      await come(1)
    }
    for (let i = 0; i < 30; i++) {
      client.socket.send(request('wait', 'x'.repeat(50_000)))
      await come(1)
    }
    client.socket.send(request('subscribe'))
    await come(1)
    for (let i = 0; i < 30; i++) {
      server.subscribers[0]?.notify?.('told', 'x'.repeat(50_000))
      await come(1)
    }
    client.socket.send(request('text', 900_000))
    await come(1)
    await answersAll()
  })
})

describe('a WebSocket that is not read', () => {
  const maxResponseBytes = 1.5 * LARGE

  it('gets several large answers all the same when it goes on, and notifications', async () => {
    const server = await LimitedServer.start({ maxResponseBytes })
    const client = await server.connectWebSocket()
    client.socket.send(request('subscribe'))
    await expect.poll(() => client.messages.length, soon).toBe(1)
    client.socket.pause()
    for (let i = 0; i < 6; i++) client.socket.send(request('text', maxResponseBytes / 3))
    await expect.poll(() => server.answered, soon).toBe(6)
    server.subscribers[0]?.notify?.('told', 'x')
    client.socket.resume()
    await expect.poll(() => client.isClosed || client.messages.length === 8, soon).toBe(true)
    expect(client.isClosed).toBe(false)
  })

  it('is closed when too much of its notifications is left', async () => {
    const server = await LimitedServer.start({ maxResponseBytes, maxHeldBytes: Number.POSITIVE_INFINITY })
    const client = await server.connectWebSocket()
    client.socket.send(request('subscribe'))
    await expect.poll(() => client.messages.length, soon).toBe(1)
    client.socket.pause()
    let isOver = false
    const [subscriber] = server.subscribers
    subscriber?.onClose(() => {
      isOver = true
    })
    for (let i = 0; i < 100; i++) subscriber?.notify?.('told', 'x'.repeat(1_000_000))
    await expect.poll(() => isOver, soon).toBe(true)
  })
})

describe('the heartbeat of a WebSocket', () => {
  /** A server, and a client that reads but answers no pings. */
  async function startDeaf() {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const server = await LimitedServer.start({})
    const client = await server.connectWebSocket({ autoPong: false })
    let pings = 0
    client.socket.on('ping', () => pings++)
    async function beat(): Promise<void> {
      const before = pings
      vi.advanceTimersByTime(30_000)
      await expect.poll(() => client.isClosed || pings > before, soon).toBe(true)
    }
    return { server, client, beat }
  }

  it('closes it when no pong came since the last', async () => {
    const { client, beat } = await startDeaf()
    await beat()
    expect(client.isClosed).toBe(false)
    client.socket.pong()
    // What came before this ping was heard when it is answered.
    client.socket.ping()
    await once(client.socket, 'pong')
    await beat()
    expect(client.isClosed).toBe(false)
    await beat()
    expect(client.isClosed).toBe(true)
  })

  it('waits while it is worked for, and begins anew when that was answered', async () => {
    const { server, client, beat } = await startDeaf()
    client.socket.send(request('hold'))
    await expect.poll(() => server.inside, soon).toBe(1)
    for (let i = 0; i < 3; i++) await beat()
    expect(client.isClosed).toBe(false)
    server.release()
    await expect.poll(() => client.messages.length, soon).toBe(1)
    await beat()
    expect(client.isClosed).toBe(false)
    await beat()
    expect(client.isClosed).toBe(true)
  })
})
