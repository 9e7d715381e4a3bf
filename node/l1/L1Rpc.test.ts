import { describe, expect, it } from 'vitest'
import { httpOf } from '../../test/httpOf.ts'
import { TemporaryFault } from '../Fault.ts'
import { createL1Rpc } from './L1Rpc.ts'

/** A client of two nodes that fail so many times from now, and of its pauses. */
function setUp() {
  const world = { failures: 0, asked: [] as string[], pauses: [] as number[] }
  const rpc = createL1Rpc({
    urls: ['http://rpc1', 'http://rpc2'],
    http: httpOf(async (url, body) => {
      world.asked.push(new URL(url).host)
      if (world.failures-- > 0) return new Response('', { status: 502 })
      const { id } = JSON.parse(body ?? '') as { id: number }
      return Response.json({ jsonrpc: '2.0', id, result: '0x7' })
    }),
    now: () => 0,
    pause: async (ms) => {
      world.pauses.push(ms)
    },
  })
  const ask = () => rpc.request({ method: 'eth_chainId', params: [], read: (json) => json })
  return { world, ask }
}

describe('createL1Rpc', () => {
  it('waits twice as long after each round without an answer, and gives up after four', async () => {
    const { world, ask } = setUp()
    world.failures = 8
    await expect(ask()).rejects.toBeInstanceOf(TemporaryFault)
    expect(world.asked).toHaveLength(8)
    expect(world.pauses).toEqual([100, 200, 400])
  })

  it('begins with the shortest pause for each question, and asks no further than to the first answer', async () => {
    const { world, ask } = setUp()
    for (let i = 0; i < 2; i++) {
      world.failures = 5
      world.asked = []
      world.pauses = []
      expect(await ask()).toBe('0x7')
      expect(world.asked).toHaveLength(6)
      expect(world.pauses).toEqual([100, 200])
    }
  })
})
