import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { createEndpoint, EndpointError } from './Endpoint.ts'
import { createHttp } from './Http.ts'
import { RefusedAnswerError } from './RefusedAnswerError.ts'

const servers: Server[] = []
afterAll(() => {
  for (const server of servers) server.close().closeAllConnections()
})

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

function range<T>(length: number, make: (i: number) => T): T[] {
  return Array.from({ length }, (_, i) => make(i))
}

const http = createHttp()
const ask = { maxBytes: 1_000, timeoutMs: 5_000 }

describe('createEndpoint', () => {
  it('posts JSON, and reads JSON with its status', async () => {
    const host = await serve((request, response) => {
      let body = ''
      request.on('data', (part) => {
        body += part
      })
      request.on('end', () => response.writeHead(418).end(JSON.stringify([request.url, JSON.parse(body)])))
    })
    const endpoint = createEndpoint(`http://${host}/key/`, http)
    const answer = await endpoint.ask({ ...ask, path: '/below', body: { a: 1 } })
    expect(answer).toEqual({ status: 418, json: ['/key/below', { a: 1 }], bytes: 22 })
  })

  it('reads no further than the limit, whatever the answer says of its length', async () => {
    let written = 0
    const host = await serve((_request, response) => {
      response.on('error', () => undefined)
      const write = () => {
        written += 100_000
        if (response.destroyed || written > 50_000_000) response.end()
        else response.write('a'.repeat(100_000), write)
      }
      write()
    })
    await expect(createEndpoint(`http://${host}`, http).ask(ask)).rejects.toBeInstanceOf(RefusedAnswerError)
    expect(written).toBeLessThan(50_000_000)
  })

  it('counts compressed answers at their full length', async () => {
    const bomb = gzipSync(Buffer.alloc(10_000_000))
    const host = await serve((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb)
    })
    expect(bomb.length).toBeLessThan(20_000)
    const asked = createEndpoint(`http://${host}`, http).ask({ ...ask, maxBytes: 100_000 })
    await expect(asked).rejects.toBeInstanceOf(RefusedAnswerError)
  })

  it.each(['[],', '{"a":1},', '1,'])(
    'refuses a long answer of nothing but %s, and parses none of it',
    async (value) => {
      const long = `[${value.repeat(Math.ceil(70_000 / value.length))}0]`
      const host = await serve((_request, response) => response.end(long))
      const asked = createEndpoint(`http://${host}`, http).ask({ ...ask, maxBytes: 2_000_000 })
      await expect(asked).rejects.toBeInstanceOf(RefusedAnswerError)
    },
  )

  it.each([
    ['in one another', `${range(10_000, (i) => `{"name${i}":`).join('')}0${'}'.repeat(10_000)}`],
    ['beside one another', `[${range(100, (i) => `{${range(100, (j) => `"${i} and ${j}":0`)}}`)}]`],
  ])('refuses a long answer of objects that have no name in common, %s', async (_name, answer) => {
    expect(() => JSON.parse(answer)).not.toThrow()
    const host = await serve((_request, response) => response.end(answer))
    const asked = createEndpoint(`http://${host}`, http).ask({ ...ask, maxBytes: 2_000_000 })
    await expect(asked).rejects.toBeInstanceOf(RefusedAnswerError)
  })

  it('takes a long answer of hashes', async () => {
    const hashes = Array.from({ length: 20_000 }, () => `0x${'00'.repeat(32)}`)
    const host = await serve((_request, response) => response.end(JSON.stringify(hashes)))
    const { json } = await createEndpoint(`http://${host}`, http).ask({ ...ask, maxBytes: 2_000_000 })
    expect(json).toEqual(hashes)
  })

  it('puts an answer together from whatever parts it comes in', async () => {
    const hashes = Array.from({ length: 600 }, (_, i) => `0x${`${1_000 + i}`.repeat(16)}`)
    const bytes = Buffer.from(JSON.stringify(hashes))
    for (const size of [1, 7, 16_000, 20_000, 50_000]) {
      const endpoint = createEndpoint('http://l1', async (_request, take) => {
        for (let at = 0; at < bytes.length; at += size) take(bytes.subarray(at, at + size))
        return { status: 200, mediaType: undefined }
      })
      const answer = await endpoint.ask({ ...ask, maxBytes: bytes.length })
      expect(answer).toEqual({ status: 200, json: hashes, bytes: bytes.length })
      const refused = endpoint.ask({ ...ask, maxBytes: bytes.length - 1 })
      await expect(refused).rejects.toBeInstanceOf(RefusedAnswerError)
    }
  })

  it('gives up an answer that begins and does not end', async () => {
    const host = await serve((_request, response) => {
      response.write('{')
    })
    const asked = createEndpoint(`http://${host}`, http).ask({ ...ask, timeoutMs: 50 })
    await expect(asked).rejects.toBeInstanceOf(EndpointError)
  })

  it('goes nowhere that an answer sends it', async () => {
    let visits = 0
    const inside = await serve((_request, response) => {
      visits++
      response.end('{}')
    })
    const host = await serve((_request, response) => {
      response.writeHead(307, { location: `http://${inside}/` }).end()
    })
    const answer = await createEndpoint(`http://${host}`, http).ask({ ...ask, body: {} })
    expect(answer).toMatchObject({ status: 307, json: undefined })
    expect(visits).toBe(0)
  })

  it('takes octets for JSON only where they were asked for, are called so and mean success', async () => {
    const octets = Buffer.from('{"no":"JSON"')
    const accepted: (string | undefined)[] = []
    const host = await serve(({ headers, url }, response) => {
      accepted.push(headers.accept)
      const type = url === '/json' ? 'application/json' : 'Application/Octet-Stream; charset=x'
      const status = url === '/error' ? 404 : 200
      response.writeHead(status, { 'content-type': type }).end(url === '/json' ? '[1]' : octets)
    })
    const endpoint = createEndpoint(`http://${host}`, http)
    const { octets: taken, ...rest } = await endpoint.ask({ ...ask, takesOctets: true })
    expect(Buffer.from(taken ?? [])).toEqual(octets)
    expect(rest).toEqual({ status: 200, json: undefined, bytes: octets.length })
    const asJson = { status: 200, json: [1], bytes: 3 }
    expect(await endpoint.ask({ ...ask, takesOctets: true, path: '/json' })).toEqual(asJson)
    const failed = { status: 404, json: undefined, bytes: octets.length }
    expect(await endpoint.ask({ ...ask, takesOctets: true, path: '/error' })).toEqual(failed)
    await expect(endpoint.ask(ask)).rejects.toBeInstanceOf(RefusedAnswerError)
    const both = 'application/octet-stream;q=1,application/json;q=0.9'
    expect(accepted).toEqual([both, both, both, 'application/json'])
    const short = endpoint.ask({ ...ask, takesOctets: true, maxBytes: octets.length - 1 })
    await expect(short).rejects.toBeInstanceOf(RefusedAnswerError)
  })

  it('refuses a good answer that is no JSON, and takes an error without JSON for one', async () => {
    const host = await serve((request, response) => {
      response.writeHead(request.url === '/error' ? 500 : 200).end('<html>')
    })
    const endpoint = createEndpoint(`http://${host}`, http)
    await expect(endpoint.ask(ask)).rejects.toBeInstanceOf(RefusedAnswerError)
    expect(await endpoint.ask({ ...ask, path: '/error' })).toMatchObject({ status: 500, json: undefined })
  })

  it.each([
    ['http://localhost:8545', 'identity'],
    ['http://127.0.0.1', 'identity'],
    ['http://[::1]:8545/', 'identity'],
    ['http://127.example', undefined],
    ['https://localhost.example/', undefined],
  ])('asks a node on its own machine not to compress: %s', async (url, encoding) => {
    const seen: (string | undefined)[] = []
    const endpoint = createEndpoint(url, async ({ headers }, take) => {
      seen.push(headers['accept-encoding'])
      take(Buffer.from('{}'))
      return { status: 200, mediaType: undefined }
    })
    await endpoint.ask(ask)
    expect(seen).toEqual([encoding])
  })

  it('sends a password as it is written where its percent signs are no codes', async () => {
    const host = await serve((request, response) => {
      response.end(JSON.stringify(request.headers.authorization))
    })
    const endpoint = createEndpoint(`http://m%65:100%@${host}`, http)
    expect((await endpoint.ask(ask)).json).toBe(`Basic ${btoa('me:100%')}`)
  })

  it('sends user and password as a header, and names only the host', async () => {
    const host = await serve((request, response) => {
      response.end(JSON.stringify(request.headers.authorization))
    })
    const endpoint = createEndpoint(`http://me:s%20cret@${host}/v3/0123456789abcdef?key=fedcba9876`, http)
    expect(endpoint.name).toBe(host)
    expect((await endpoint.ask(ask)).json).toBe(`Basic ${btoa('me:s cret')}`)
  })

  it('never tells what a URL keeps secret, though the other side or the runtime repeats it', async () => {
    const secrets = ['0123456789abcdef', 'fedcba9876', 'hunter2']
    const url = 'http://me:hunter2@127.0.0.1:1/v3/0123456789abcdef?key=fedcba9876'
    const repeating = createEndpoint(url, async (request) => {
      throw new TypeError(`cannot ask ${url} or ${request.url}`)
    })
    for (const endpoint of [repeating, createEndpoint(url, http)]) {
      const error: unknown = await endpoint.ask(ask).catch((thrown: unknown) => thrown)
      const told = error instanceof Error ? `${error.message} ${error.stack} ${String(error.cause)}` : ''
      expect(told).toContain('did not answer')
      for (const secret of secrets) expect(told).not.toContain(secret)
    }
    expect(repeating.clean(`no project /v3/0123456789abcdef\n\u001b[31m`)).toBe('no project /v3/…  [31m')
  })
})
