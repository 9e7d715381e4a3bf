import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createEndableFetch } from './EndableFetch.ts'

let server: Server
let url: string

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === '/good') response.end('good')
    // A part of an answer, and no more.
    else if (request.url === '/stalled') response.writeHead(200, { 'content-length': '100' }).write('half')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterAll(() => {
  server.closeAllConnections()
  server.close()
})

it('answers as fetch does', async () => {
  const response = await createEndableFetch({})(`${url}/good`, { method: 'POST', body: 'x' })
  expect(await response.text()).toBe('good')
})

it('ends what waits for an answer when its signal aborts, and asks nothing after that', async () => {
  const stop = new AbortController()
  const reason = new Error('stop')
  const fetch = createEndableFetch({ signal: stop.signal })
  const waiting = [fetch(`${url}/silent`), fetch(`${url}/silent`)]
  stop.abort(reason)
  for (const request of waiting) await expect(request).rejects.toBe(reason)
  await expect(fetch(`${url}/good`)).rejects.toBe(reason)
})

it('ends an answer that drips when its signal aborts', async () => {
  const stop = new AbortController()
  const reason = new Error('stop')
  const response = await createEndableFetch({ signal: stop.signal })(`${url}/stalled`)
  const text = response.text()
  stop.abort(reason)
  await expect(text).rejects.toBe(reason)
})

it('ends when the caller’s own signal aborts', async () => {
  const caller = AbortSignal.abort()
  await expect(createEndableFetch({})(`${url}/silent`, { signal: caller })).rejects.toBe(caller.reason)
})

it('gives up an answer that does not come, or stops in the middle', async () => {
  const fetch = createEndableFetch({ timeoutMs: 200 })
  await expect(fetch(`${url}/silent`)).rejects.toMatchObject({ name: 'TimeoutError' })
  const response = await fetch(`${url}/stalled`)
  await expect(response.text()).rejects.toMatchObject({ name: 'TimeoutError' })
})
