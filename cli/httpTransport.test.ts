import { createClient } from 'viem'
import { getChainId } from 'viem/actions'
import { expect, it } from 'vitest'
import { startHttpServer } from '../test/httpServer.ts'
import { startTricklingServer } from '../test/tricklingServer.ts'
import { httpTransport } from './httpTransport.ts'

it.each(['secret', '100%'])('asks as the transport of viem does, by the password %s', async (password) => {
  const server = await startHttpServer(async (_path, body, { authorization }) => {
    const { id, method } = JSON.parse(body)
    const isRight = method === 'eth_chainId' && authorization === `Basic ${btoa(`user:${password}`)}`
    return Response.json({ jsonrpc: '2.0', id, result: isRight ? '0x384' : '0x0' })
  })
  const url = server.url.replace('http://', `http://user:${password}@`)
  expect(await getChainId(createClient({ transport: httpTransport(url) }))).toBe(900)
  await server.close()
})

it('gives up an answer that begins and never ends', async () => {
  const trickling = await startTricklingServer()
  const start = Date.now()
  await expect(getChainId(createClient({ transport: httpTransport(trickling.url, 100) }))).rejects.toThrow()
  // Asked four times, with pauses of 1.05 s between.
  expect(Date.now() - start).toBeLessThan(5_000)
  await trickling.close()
})
