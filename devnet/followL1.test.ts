import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { numberToHex, pad } from 'viem'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { L1Block } from './BeaconBlock.ts'
import { followL1 } from './followL1.ts'

const hashOf = (number: bigint) => pad(numberToHex(number + 0x100n))
const blockJson = (number: bigint) => ({
  number: numberToHex(number),
  hash: hashOf(number),
  parentHash: hashOf(number - 1n),
  transactions: [],
})

let server: Server
let l1Url: string
/** What L1 answers to whoever asks for a block or the head's number. */
let answer: (method: string, param: unknown) => unknown

beforeEach(async () => {
  server = createServer(async (request, response) => {
    let text = ''
    for await (const part of request) text += part
    const { id, method, params = [] } = JSON.parse(text)
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ jsonrpc: '2.0', id, result: answer(method, params[0]) }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  l1Url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

it('goes on when L1 drops a block at the moment when it is asked for', async () => {
  let isDropped = true
  answer = (method, param) => {
    if (method === 'eth_blockNumber') return '0x3'
    if (param === 'latest') return blockJson(3n)
    if (param !== '0x2') return blockJson(BigInt(param as string))
    const json = isDropped ? null : blockJson(2n)
    isDropped = false
    return json
  }
  const seen: bigint[] = []
  const ending = new AbortController()
  await followL1({
    l1Url,
    from: { number: 1n, hash: hashOf(1n) } as L1Block,
    follower: {
      async onBlock({ number }) {
        seen.push(number)
        if (number === 3n) ending.abort()
      },
      async onReorg() {},
    },
    signal: ending.signal,
  })
  expect(seen).toEqual([2n, 3n])
})
