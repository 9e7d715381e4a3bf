import { afterAll, beforeAll, expect, it } from 'vitest'
import { startHttpServer } from '../httpServer.ts'
import { startSilentServer } from '../silentServer.ts'
import { startLoad } from './load.ts'

let silent: Awaited<ReturnType<typeof startSilentServer>>
let full: Awaited<ReturnType<typeof startHttpServer>>
let refused = 0
beforeAll(async () => {
  silent = await startSilentServer()
  const error = { code: -32000, message: 'full', data: { reason: 'POOL_FULL' } }
  full = await startHttpServer(async () => {
    refused++
    return Response.json({ jsonrpc: '2.0', id: 1, error })
  })
})
afterAll(async () => {
  silent.close()
  await full.close()
})

const startImpatient = (url: string) =>
  startLoad({ chainId: 1n, name: 'impatient', urlOf: () => url, pauseMs: 10, patienceMs: 1_000 })

it('gives up on a sequencer that never answers', async () => {
  await expect(startImpatient(silent.url).stop()).rejects.toMatchObject({ name: 'TimeoutError' })
})

it('gives up on a sequencer that never has room', async () => {
  const gaveUp = await startImpatient(full.url)
    .stop()
    .catch((error: { name?: string; data?: { reason: string } }) => error)
  // Which of them depends on whether it waits or asks when its time is over.
  expect(gaveUp?.data?.reason ?? gaveUp?.name).toMatch(/^(POOL_FULL|TimeoutError)$/)
  expect(refused).toBeGreaterThan(1)
})
