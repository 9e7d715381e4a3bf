import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { createLogger, TemporaryFault } from '../../node/index.ts'
import { startHttpServer } from '../../test/httpServer.ts'
import { createHttpLink, MAX_MESSAGE_BYTES } from './SequencerLink.ts'
import { createTokenBucket } from './TokenBucket.ts'
import { createWebSocketLink } from './WebSocketLink.ts'

const logger = createLogger({ level: 'silent' })
const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

type Call = { id: number; method: string; params: unknown[] }

/** Serves one JSON-RPC over WebSocket; `answer` gets each call, and the connection to misbehave on. */
async function startServer(answer: (call: Call, socket: WebSocket) => unknown) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  await new Promise((resolve) => server.once('listening', resolve))
  let connections = 0
  server.on('connection', (socket) => {
    connections++
    socket.on('error', () => undefined)
    socket.on('message', (data) => {
      const call = JSON.parse(String(data)) as Call
      const result = answer(call, socket)
      if (result !== undefined)
        socket.send(JSON.stringify({ jsonrpc: '2.0', id: call.id, ...Object(result) }))
    })
  })
  closers.push(() => {
    for (const client of server.clients) client.terminate()
    server.close()
  })
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    connections: () => connections,
    tell: (result: unknown, subscription = '0xaa') => {
      const params = { subscription, result }
      for (const client of server.clients) {
        client.send(JSON.stringify({ jsonrpc: '2.0', method: 'eth_subscription', params }))
      }
    },
  }
}

function follow(url: string) {
  const heard: unknown[] = []
  const states: boolean[] = []
  const stop = new AbortController()
  const link = createWebSocketLink(url, { logger, onState: (isUp) => states.push(isUp) })
  const running = link.run(stop.signal, (json) => heard.push(json))
  closers.push(async () => {
    stop.abort()
    await running
  })
  return { link, heard, states }
}

const subscribe = ({ method }: Call) => (method === 'eth_subscribe' ? { result: '0xaa' } : undefined)

describe('a link over a WebSocket', () => {
  it('hears new blocks and asks for others', async () => {
    const server = await startServer(
      (call) => subscribe(call) ?? { result: { asked: [call.method, ...call.params] } },
    )
    const { link, heard, states } = follow(server.url)
    await expect.poll(() => states).toEqual([true])
    expect(await link.blockAt(17n)).toEqual({ asked: ['keyroll_getSignedBlock', '0x11'] })
    server.tell('of another subscription', '0xbb')
    server.tell({ block: '0x' })
    await expect.poll(() => heard).toEqual([{ block: '0x' }])
  })

  it('says so when it is down, and comes back by itself', async () => {
    const server = await startServer((call) => subscribe(call))
    const { link, states } = follow(server.url)
    await expect(link.blockAt(1n)).rejects.toBeInstanceOf(TemporaryFault)
    await expect.poll(() => states).toEqual([true])
    const asked = link.blockAt(1n)
    for (const client of server.server.clients) client.terminate()
    await expect(asked).rejects.toBeInstanceOf(TemporaryFault)
    await expect.poll(() => states, { timeout: 10_000 }).toEqual([true, false, true])
  })

  it('passes on that the other side refuses', async () => {
    const error = { code: -32601, message: 'this node has no method keyroll_getSignedBlock' }
    const server = await startServer((call) => subscribe(call) ?? { error })
    const { link, states } = follow(server.url)
    await expect.poll(() => states).toEqual([true])
    await expect(link.blockAt(1n)).rejects.toThrow(error.message)
  })

  it.each<[string, (socket: WebSocket) => void]>([
    ['sends what is no JSON', (socket) => socket.send('{"jsonrpc')],
    ['sends a list', (socket) => socket.send('[]')],
    ['sends millions of tiny values', (socket) => socket.send(`{"result":[${'[],'.repeat(1_000_000)}0]}`)],
    ['sends too large a message', (socket) => socket.send(new Uint8Array(MAX_MESSAGE_BYTES + 1))],
    [
      'never stops talking',
      (socket) => {
        for (let i = 0; i < 6_000; i++) socket.send('{"jsonrpc":"2.0"}')
      },
    ],
  ])('cuts the connection to one that %s, and waits before it tries again', async (_, misbehave) => {
    const server = await startServer((call, socket) => {
      if (call.method === 'keyroll_getSignedBlock') misbehave(socket)
      return subscribe(call)
    })
    const { link, heard, states } = follow(server.url)
    await expect.poll(() => states).toEqual([true])
    await expect(link.blockAt(1n)).rejects.toBeInstanceOf(TemporaryFault)
    expect([heard, server.connections()]).toEqual([[], 1])
    await expect.poll(() => states, { timeout: 10_000 }).toEqual([true, false, true])
  })
})

describe('a link over HTTP', () => {
  async function serve(body: string) {
    const server = await startHttpServer(
      async () => new Response(body, { headers: { 'content-type': 'application/json' } }),
    )
    closers.push(server.close)
    return createHttpLink(server.url, {})
  }

  it('asks for a block', async () => {
    const link = await serve('{"jsonrpc":"2.0","id":1,"result":{"block":"0x"}}')
    expect(await link.blockAt(1n)).toEqual({ block: '0x' })
  })

  it.each([
    ['an error', '{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}'],
    ['no JSON', '<html>'],
    ['a list', '[]'],
    ['millions of tiny values', `{"jsonrpc":"2.0","id":1,"result":[${'[],'.repeat(1_000_000)}0]}`],
    ['more than any block has', `{"jsonrpc":"2.0","id":1,"result":"${'0'.repeat(MAX_MESSAGE_BYTES)}"}`],
  ])('fails for now when it gets %s', async (_, body) => {
    await expect((await serve(body)).blockAt(1n)).rejects.toBeInstanceOf(TemporaryFault)
  })
})

describe('createTokenBucket', () => {
  it('lets through a burst of its capacity, and then what fills up again', () => {
    let now = 0
    const bucket = createTokenBucket({ capacity: 10, perSecond: 2, now: () => now })
    expect([bucket.take(7), bucket.take(4), bucket.take(3), bucket.take(1)]).toEqual([
      true,
      false,
      true,
      false,
    ])
    now = 2_500
    expect([bucket.take(5), bucket.take(1)]).toEqual([true, false])
    now = 1_000_000
    expect([bucket.take(11), bucket.take(10)]).toEqual([false, true])
  })
})
