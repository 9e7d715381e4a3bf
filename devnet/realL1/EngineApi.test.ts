import { createHmac } from 'node:crypto'
import { zeroAddress, zeroHash } from 'viem'
import { afterEach, describe, expect, it } from 'vitest'
import { startHttpServer } from '../../test/httpServer.ts'
import { DevnetError } from '../DevnetError.ts'
import { createEngineApi } from './EngineApi.ts'

const SECRET = new Uint8Array(32).fill(7)
const STATE = { headBlockHash: zeroHash, safeBlockHash: zeroHash, finalizedBlockHash: zeroHash }
const ATTRIBUTES = {
  timestamp: '0x1',
  prevRandao: zeroHash,
  suggestedFeeRecipient: zeroAddress,
  withdrawals: [],
  parentBeaconBlockRoot: zeroHash,
} as const

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

/** Serves the results in turn, and keeps what was asked. */
async function serve(...results: readonly (unknown | Error)[]) {
  const asked: { method: string; params: unknown[]; token: string }[] = []
  const server = await startHttpServer(async (_, body, headers) => {
    const { method, params } = JSON.parse(body)
    asked.push({ method, params, token: headers.authorization?.replace('Bearer ', '') ?? '' })
    const result = results[asked.length - 1]
    return Response.json(result instanceof Error ? { error: { message: result.message } } : { result })
  })
  closing.push(server.close)
  return { engine: createEngineApi({ url: server.url, jwtSecret: SECRET }), asked }
}

const forkchoice = (status: string, payloadId: string | null = null) => ({
  payloadStatus: { status, validationError: 'because' },
  payloadId,
})

describe('the Engine API client', () => {
  it('signs each call with the shared secret, and the time of now', async () => {
    const { engine, asked } = await serve(forkchoice('VALID'))
    await engine.forkchoiceUpdated(STATE)
    const [head, claims, signature] = asked[0]?.token.split('.') ?? []
    const expected = createHmac('sha256', SECRET).update(`${head}.${claims}`).digest('base64url')
    expect(signature).toBe(expected)
    const { iat } = JSON.parse(Buffer.from(claims ?? '', 'base64url').toString())
    expect(Math.abs(iat - Date.now() / 1000)).toBeLessThan(60)
  })

  it('asks in the version of the fork, and hands requests over from Prague on', async () => {
    const built = { executionPayload: {}, blobsBundle: { blobs: [], commitments: [] }, executionRequests: [] }
    const valid = { status: 'VALID', validationError: null }
    const { engine, asked } = await serve(forkchoice('VALID', '0x01'), built, valid, valid)
    const payload = await engine.build(STATE, ATTRIBUTES, 'prague')
    await engine.newPayload(payload, [zeroHash], zeroHash, 'prague')
    await engine.newPayload(payload, [], zeroHash, 'cancun')
    expect(asked.map(({ method, params }) => [method, params.length])).toEqual([
      ['engine_forkchoiceUpdatedV3', 2],
      ['engine_getPayloadV4', 1],
      ['engine_newPayloadV4', 4],
      ['engine_newPayloadV3', 3],
    ])
  })

  it.each([
    ['a block that is not valid', forkchoice('INVALID', '0x01')],
    ['a client that is not in sync', forkchoice('SYNCING')],
    ['a block that it does not begin to build', forkchoice('VALID')],
    ['an error', new Error('no')],
  ])('reports %s', async (_, result) => {
    const { engine } = await serve(result)
    await expect(engine.build(STATE, ATTRIBUTES, 'cancun')).rejects.toThrow(DevnetError)
  })
})
