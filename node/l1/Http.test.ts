import { createServer, type RequestListener } from 'node:http'
import { createServer as createSecureServer, globalAgent as secureAgent } from 'node:https'
import { type AddressInfo, createServer as createRawServer, type Server, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LOOPBACK_CERTIFICATE, LOOPBACK_KEY } from '../../test/loopbackCertificate.ts'
import { createHttp, type Http, HttpError, type HttpRequest } from './Http.ts'

const closing: (() => void)[] = []
afterAll(() => {
  for (const close of closing) close()
})

async function listen(server: Server): Promise<string> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}/`
}

const serve = async (listener: RequestListener) => `http://${await listen(createServer(listener))}`

/** Hears of each request by its number on its connection, and by that of its connection, both from 1. */
async function serveRaw(answer: (socket: Socket, request: number, connection: number) => void) {
  let connections = 0
  const server = createRawServer((socket) => {
    const connection = ++connections
    let requests = 0
    // Questions of these tests come in one piece.
    socket.on('data', () => answer(socket, ++requests, connection))
  })
  return { url: `http://${await listen(server)}`, connections: () => connections }
}

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'
const http = createHttp()

/** Asks, and returns the status and the whole body. */
async function ask(url: string, { client = http, ...given }: Partial<HttpRequest> & { client?: Http } = {}) {
  const parts: Uint8Array[] = []
  const request = { url, headers: {}, timeoutMs: 20_000, ...given }
  const { status } = await client(request, (part) => parts.push(part))
  return [status, Buffer.concat(parts).toString()]
}

describe('createHttp', () => {
  it('posts what has a body, gets what has none, and tells status and body', async () => {
    const url = await serve(async (request, response) => {
      let posted = ''
      for await (const part of request) posted += part
      const { method, headers } = request
      response
        .writeHead(418)
        .end(JSON.stringify([method, posted, headers['content-length'], headers.x ?? '']))
    })
    expect(await ask(url)).toEqual([418, '["GET","",null,""]'])
    expect(await ask(url, { body: 'é', headers: { x: 'y' } })).toEqual([418, '["POST","é","2","y"]'])
  })

  it.each([
    ['of a known length', OK, 'ok'],
    ['in chunks', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n', 'ok'],
    ['until the connection ends', 'HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nok', 'ok'],
    ['of nothing', 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n', ''],
    [
      'after others that announce it',
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n${OK}`,
      'ok',
    ],
    ['that is not compressed, and says so', OK.replace('\r\n', '\r\ncontent-encoding: Identity\r\n'), 'ok'],
  ])('reads a body %s', async (_name, answer, text) => {
    const { url } = await serveRaw((socket) => {
      socket.write(answer)
      if (answer.includes('close')) socket.end()
    })
    expect(await ask(url)).toEqual([200, text])
  })

  it('says who it is and that it takes gzip, and decompresses it', async () => {
    const text = 'compressed '.repeat(10_000)
    const url = await serve((request, response) => {
      expect(request.headers).toMatchObject({ 'accept-encoding': 'gzip', 'user-agent': 'keyroll' })
      response.writeHead(200, { 'content-encoding': 'GZIP' }).end(gzipSync(text))
    })
    expect(await ask(url)).toEqual([200, text])
  })

  it('closes the connection of who goes on after what was compressed', async () => {
    const text = gzipSync('compressed')
    let isClosed: (() => void) | undefined
    const closed = new Promise<void>((resolve) => {
      isClosed = resolve
    })
    const { url } = await serveRaw((socket) => {
      socket.on('close', () => isClosed?.())
      socket.write('HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 10000000\r\n\r\n')
      socket.write(Buffer.concat([text, Buffer.alloc(1_000)]))
    })
    expect(await ask(url)).toEqual([200, 'compressed'])
    await closed
  })

  it('closes the connection of who answers and does not read the question to its end', async () => {
    let answering: Socket | undefined
    const { url } = await serveRaw((socket, part) => {
      if (part > 1) return
      answering = socket.pause()
      socket.write(OK)
    })
    expect(await ask(url, { body: 'a'.repeat(20_000_000) })).toEqual([200, 'ok'])
    await new Promise((resolve) => answering?.on('close', resolve).resume())
    expect(answering?.bytesRead).toBeLessThan(20_000_000)
  })

  it('follows nobody anywhere', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(301, { location: 'http://127.0.0.1:1/' }).end('there')
    })
    expect(await ask(url)).toEqual([301, 'there'])
  })

  it('closes the connection of an answer in another protocol', async () => {
    let isClosed: (() => void) | undefined
    const closed = new Promise<void>((resolve) => {
      isClosed = resolve
    })
    const { url } = await serveRaw((socket) => {
      socket.on('close', () => isClosed?.())
      socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n')
    })
    await expect(ask(url)).rejects.toBeInstanceOf(HttpError)
    await closed
  })

  it('leaves no timer behind', async () => {
    const { url } = await serveRaw((socket) => socket.write(OK))
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
    const before = timers()
    for (let i = 0; i < 20; i++) await ask(url)
    expect(timers() - before).toBeLessThan(20)
  })

  it.each(['identity', 'gzip'])('uses connections again: %s', async (encoding) => {
    const body = encoding === 'gzip' ? gzipSync('ok') : 'ok'
    const head = `HTTP/1.1 200 OK\r\ncontent-encoding: ${encoding}\r\ncontent-length: ${body.length}\r\n\r\n`
    const { url, connections } = await serveRaw((socket) => {
      socket.write(head)
      socket.write(body)
    })
    for (let i = 0; i < 5; i++) expect(await ask(url)).toEqual([200, 'ok'])
    expect(connections()).toBe(1)
  })

  it('lets one answer that does not come keep up no other', async () => {
    const { url, connections } = await serveRaw((socket, _request, connection) => {
      if (connection > 1) socket.write(OK)
    })
    const stop = new AbortController()
    const first = ask(url, { client: createHttp(stop.signal) })
    expect(await ask(url)).toEqual([200, 'ok'])
    expect(connections()).toBe(2)
    stop.abort()
    await expect(first).rejects.toBe(stop.signal.reason)
  })

  describe('when a peer closes a connection that is used again', () => {
    it.each<[string, (socket: Socket) => void]>([
      ['ends', (socket) => socket.end()],
      ['resets', (socket) => socket.resetAndDestroy()],
    ])('asks once more on a new one, if the peer %s it without an answer', async (_name, close) => {
      const { url, connections } = await serveRaw((socket, request) => {
        if (request === 1) socket.write(OK)
        else close(socket)
      })
      await ask(url)
      expect(await ask(url, { body: 'again' })).toEqual([200, 'ok'])
      expect(connections()).toBe(2)
    })

    it('asks no third time', async () => {
      const { url, connections } = await serveRaw((socket, request, connection) => {
        if (request === 1 && connection === 1) socket.write(OK)
        else socket.end()
      })
      await ask(url)
      await expect(ask(url)).rejects.toMatchObject({ code: 'ECONNRESET' })
      expect(connections()).toBe(2)
    })

    it('asks no second time when what comes before that is no HTTP', async () => {
      const { url, connections } = await serveRaw((socket, request, connection) => {
        socket.write(request === 1 && connection === 1 ? OK : 'SSH-2.0-OpenSSH\r\n')
      })
      await ask(url)
      await expect(ask(url)).rejects.toMatchObject({ code: 'HPE_INVALID_CONSTANT' })
      expect(connections()).toBe(1)
    })

    it('asks no second time after the beginning of an answer', async () => {
      const { url, connections } = await serveRaw((socket, request) => {
        if (request === 1) socket.write(OK)
        else socket.end(OK.slice(0, -1))
      })
      await ask(url)
      await expect(ask(url)).rejects.toMatchObject({ code: 'ECONNRESET' })
      expect(connections()).toBe(1)
    })

    it('asks no second time after the beginning of an answer that is reset', async () => {
      let answering: Socket | undefined
      const { url, connections } = await serveRaw((socket, request) => {
        answering = socket
        socket.write(request === 1 ? OK : OK.slice(0, -1))
      })
      await ask(url)
      const reset = () => answering?.resetAndDestroy()
      await expect(http({ url, headers: {}, timeoutMs: 20_000 }, reset)).rejects.toMatchObject({
        code: 'ECONNRESET',
      })
      expect(connections()).toBe(1)
    })

    it('asks until all such connections are used up', async () => {
      const waiting: Socket[] = []
      const { url, connections } = await serveRaw((socket, request, connection) => {
        if (request > 1) socket.end()
        else if (connection > 3) socket.write(OK)
        else if (waiting.push(socket) === 3) for (const each of waiting) each.write(OK)
      })
      await Promise.all([ask(url), ask(url), ask(url)])
      expect(await ask(url)).toEqual([200, 'ok'])
      expect(connections()).toBe(4)
    })

    it('asks nothing more when the signal was what ended it', async () => {
      const stop = new AbortController()
      const reason = new Error('stop')
      const client = createHttp(stop.signal)
      const { url, connections } = await serveRaw((socket, request) => {
        if (request === 1) socket.write(OK)
        else stop.abort(reason)
      })
      await ask(url, { client })
      await expect(ask(url, { client })).rejects.toBe(reason)
      expect(await ask(url)).toEqual([200, 'ok'])
      expect(connections()).toBe(2)
    })

    it('asks no second time on a connection that was new', async () => {
      const { url, connections } = await serveRaw((socket) => socket.end())
      await expect(ask(url)).rejects.toMatchObject({ code: 'ECONNRESET' })
      expect(connections()).toBe(1)
    })
  })

  describe('rejects', () => {
    const compressed = gzipSync('compressed '.repeat(100))
    const head = `HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${compressed.length}\r\n\r\n`
    it.each<[string, string | Uint8Array]>([
      ['a body shorter than it said', OK.slice(0, -1)],
      ['chunks without the last', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n'],
      ['chunks that are none', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nok'],
      ['two lengths', OK.replace('\r\n', '\r\ncontent-length: 1\r\n')],
      ['no HTTP', 'SSH-2.0-OpenSSH\r\n'],
      ['half a head', 'HTTP/1.1 200 OK\r\ncontent-'],
      ['nothing', ''],
      ['another protocol', 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'],
      ['gzip that is cut off', Buffer.concat([Buffer.from(head), compressed.subarray(0, -20)])],
      [
        'gzip that is cut off within its length',
        Buffer.concat([
          Buffer.from(head.replace(`${compressed.length}`, `${compressed.length - 20}`)),
          compressed.subarray(0, -20),
        ]),
      ],
      ['gzip that is none', Buffer.concat([Buffer.from(head), Buffer.alloc(compressed.length)])],
      ['another compression', OK.replace('\r\n', '\r\ncontent-encoding: br\r\n')],
      ['compression twice', OK.replace('\r\n', '\r\ncontent-encoding: gzip, gzip\r\n')],
    ])('%s', async (_name, answer) => {
      const { url } = await serveRaw((socket) => socket.end(answer))
      const error: unknown = await ask(url).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(Error)
      expect(String(error)).not.toContain('no whole answer')
    })

    it('headers without end, long before its time', async () => {
      const { url } = await serveRaw((socket) => {
        const write = () => {
          if (!socket.destroyed) socket.write(`x-${'a'.repeat(100)}: b\r\n`, write)
        }
        socket.write('HTTP/1.1 200 OK\r\n', write)
      })
      await expect(ask(url)).rejects.toMatchObject({ code: 'HPE_HEADER_OVERFLOW' })
    })

    it('a peer that is not there', async () => {
      await expect(ask('http://127.0.0.1:1/')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
      await expect(ask('ftp://127.0.0.1/')).rejects.toMatchObject({ code: 'ERR_INVALID_PROTOCOL' })
    })
  })

  const HALF = [
    ['nothing', ''],
    ['half a head', 'HTTP/1.1 200 OK\r\ncontent-'],
    ['half a body', OK.slice(0, -1)],
    ['half a compressed body', OK.replace('\r\n', '\r\ncontent-encoding: gzip\r\n').slice(0, -1)],
  ] as const

  it.each(HALF)('gives up a peer that sends %s and stays', async (_name, answer) => {
    const { url } = await serveRaw((socket) => socket.write(answer))
    await expect(ask(url, { timeoutMs: 50 })).rejects.toThrow('got no whole answer in 50 ms')
  })

  it.each(HALF)(
    'ends when its signal aborts after a peer has sent %s, and asks no more',
    async (_name, answer) => {
      const stop = new AbortController()
      const reason = new Error('stop')
      const { url, connections } = await serveRaw((socket) => {
        socket.write(answer)
        if (connections() === 2) stop.abort(reason)
      })
      const stoppable = createHttp(stop.signal)
      const asked = [ask(url, { client: stoppable }), ask(url, { client: stoppable })]
      for (const each of asked) await expect(each).rejects.toBe(reason)
      await expect(ask(url, { client: stoppable })).rejects.toBe(reason)
      expect(connections()).toBe(2)
    },
  )

  it.each(['identity', 'gzip'])(
    'ends at what `take` throws, and closes the connection: %s',
    async (encoding) => {
      const zeros = Buffer.alloc(1_000_000)
      let isClosed: (() => void) | undefined
      const closed = new Promise<void>((resolve) => {
        isClosed = resolve
      })
      const url = await serve((_request, response) => {
        response.on('close', () => isClosed?.())
        response.writeHead(200, { 'content-encoding': encoding, 'content-length': 10_000_000 })
        response.write(encoding === 'gzip' ? gzipSync(zeros) : zeros)
      })
      const enough = new Error('enough')
      let taken = 0
      const asked = http({ url, headers: {}, timeoutMs: 20_000 }, (part) => {
        taken += part.length
        throw enough
      })
      await expect(asked).rejects.toBe(enough)
      await closed
      expect(taken).toBeLessThan(100_000)
    },
  )

  describe('over TLS', () => {
    let url: string
    beforeAll(async () => {
      const secure = { key: LOOPBACK_KEY, cert: LOOPBACK_CERTIFICATE }
      url = `https://${await listen(createSecureServer(secure, (_request, response) => response.end('ok')))}`
    })

    it('believes no certificate that nobody vouches for', async () => {
      await expect(ask(url)).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
    })

    it('reads what comes from whom it believes', async () => {
      const { ca } = secureAgent.options
      secureAgent.options.ca = LOOPBACK_CERTIFICATE
      try {
        expect(await ask(url)).toEqual([200, 'ok'])
      } finally {
        secureAgent.options.ca = ca
      }
    })
  })
})
