import { afterAll, beforeAll, expect, it } from 'vitest'
import { startHttpServer } from '../httpServer.ts'
import { startSilentServer } from '../silentServer.ts'
import { startLoad } from './load.ts'

let silent: Awaited<ReturnType<typeof startSilentServer>>
let full: Awaited<ReturnType<typeof startHttpServer>>
beforeAll(async () => {
  silent = await startSilentServer()
  const error = { code: -32000, message: 'full', data: { reason: 'POOL_FULL' } }
  full = await startHttpServer(async () => Response.json({ jsonrpc: '2.0', id: 1, error }))
})
afterAll(async () => {
  silent.close()
  await full.close()
})

it.each([
  ['answers', () => silent.url],
  ['has room', () => full.url],
])('a client gives up on a sequencer that never %s', async (_name, urlOf) => {
  const load = startLoad({ chainId: 1n, name: 'impatient', urlOf, pauseMs: 10, patienceMs: 200 })
  await expect(load.stop()).rejects.toBeDefined()
})
