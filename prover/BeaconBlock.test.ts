import { ssz } from '@lodestar/types'
import { afterEach, describe, expect, test } from 'vitest'
import { toHex } from '../protocol/index.ts'
import { startHttpServer } from '../test/httpServer.ts'
import { getBeaconBlock } from './BeaconBlock.ts'
import { LaggingError } from './errors.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function serve(response: () => Response) {
  const server = await startHttpServer(async () => response())
  closing.push(server.close)
  return server.url
}

test('an API that does not answer is named without what leads to it, which may hold a key', async () => {
  const reading = getBeaconBlock('http://127.0.0.1:1/v3/secret', `0x${'01'.repeat(32)}`)
  await expect(reading).rejects.toThrow(/did not answer eth\/v2\/beacon\/blocks\/0x01/)
  await expect(reading).rejects.not.toThrow('secret')
})

test.each([
  ['p%40ss%C3%A9', 'p@ssé'],
  ['ss100%', 'ss100%'],
])('user and password %s in the URL are sent, and named nowhere', async (written, password) => {
  const sent: unknown[] = []
  const server = await startHttpServer(async (_path, _body, { authorization }) => {
    sent.push(authorization)
    return new Response('', { status: 404 })
  })
  closing.push(server.close)
  const url = server.url.replace('//', `//user:${written}@`)
  const reading = getBeaconBlock(url, `0x${'01'.repeat(32)}`)
  await expect(reading).rejects.toThrow(LaggingError)
  await expect(reading).rejects.not.toThrow(/user|ss/)
  expect(sent).toEqual([`Basic ${Buffer.from(`user:${password}`).toString('base64')}`])
})

describe.each(['deneb', 'electra', 'fulu', 'gloas'] as const)('a beacon block of %s', (fork) => {
  const signed = ssz[fork].SignedBeaconBlock.defaultValue()
  signed.message.slot = 77
  const type: { hashTreeRoot(value: unknown): Uint8Array } = ssz[fork].BeaconBlock
  const root = toHex(type.hashTreeRoot(signed.message))

  test('is read from SSZ by the fork in the header', async () => {
    const bytes = (ssz[fork].SignedBeaconBlock as { serialize(value: unknown): Uint8Array }).serialize(signed)
    const headers = { 'content-type': 'application/octet-stream', 'eth-consensus-version': fork }
    const url = await serve(() => new Response(new Uint8Array(bytes), { headers }))
    const block = await getBeaconBlock(url, root)
    expect(block.slot).toBe(77n)
    expect(toHex(block.tree.root)).toBe(root)
  })

  test('is read from JSON by the fork in the body', async () => {
    const data = (ssz[fork].SignedBeaconBlock as { toJson(value: unknown): unknown }).toJson(signed)
    const body = JSON.stringify({ version: fork, execution_optimistic: false, finalized: true, data })
    const url = await serve(() => new Response(body, { headers: { 'content-type': 'application/json' } }))
    await expect(getBeaconBlock(`${url}/`, root)).resolves.toMatchObject({ slot: 77n })
  })
})
