import { createHmac } from 'node:crypto'
import type { Address, Hex } from 'viem'
import { DevnetError } from '../DevnetError.ts'

/** Which blocks are head, safe and finalized, by what the consensus says. */
export type ForkchoiceState = { headBlockHash: Hex; safeBlockHash: Hex; finalizedBlockHash: Hex }

/** What the consensus decides about the next block. */
export type PayloadAttributes = {
  /** Seconds. */
  timestamp: Hex
  prevRandao: Hex
  suggestedFeeRecipient: Address
  withdrawals: readonly []
  parentBeaconBlockRoot: Hex
}

/** ExecutionPayloadV3 of the Engine API, quantities in hex. */
export type EnginePayload = {
  parentHash: Hex
  feeRecipient: Address
  stateRoot: Hex
  receiptsRoot: Hex
  logsBloom: Hex
  prevRandao: Hex
  blockNumber: Hex
  gasLimit: Hex
  gasUsed: Hex
  timestamp: Hex
  extraData: Hex
  baseFeePerGas: Hex
  blockHash: Hex
  transactions: readonly Hex[]
  withdrawals: readonly unknown[]
  blobGasUsed: Hex
  excessBlobGas: Hex
}

/** A block that the client built, with the blobs of its transactions. */
export type BuiltPayload = {
  executionPayload: EnginePayload
  blobsBundle: { blobs: readonly Hex[]; commitments: readonly Hex[] }
  /** From Prague on. */
  executionRequests?: readonly Hex[]
}

/** The fork of a block, by the names of the execution layer. */
export type ExecutionFork = 'cancun' | 'prague'

/** The Engine API of an execution client; every method throws `DevnetError` when the answer is not a good one. */
export interface EngineApi {
  forkchoiceUpdated(state: ForkchoiceState): Promise<void>
  /** Sets the fork choice, and has a block built on the head. */
  build(state: ForkchoiceState, attributes: PayloadAttributes, fork: ExecutionFork): Promise<BuiltPayload>
  /** Has a block executed, whose blobs have these versioned hashes. */
  newPayload(
    built: BuiltPayload,
    versionedHashes: readonly Hex[],
    parentBeaconBlockRoot: Hex,
    fork: ExecutionFork,
  ): Promise<void>
}

type PayloadStatus = { status: string; validationError: string | null }
type ForkchoiceAnswer = { payloadStatus: PayloadStatus; payloadId: Hex | null }

const VERSION: Record<ExecutionFork, 'V3' | 'V4'> = { cancun: 'V3', prague: 'V4' }

/** Makes a client of the Engine API, whose calls bear a JSON Web Token signed with `jwtSecret`, 32 bytes. */
export function createEngineApi({ url, jwtSecret }: { url: string; jwtSecret: Uint8Array }): EngineApi {
  let lastId = 0

  function post(body: string): Promise<Response> {
    const authorization = `Bearer ${createToken(jwtSecret)}`
    return fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization },
      body,
    })
  }

  async function call<T>(method: string, params: readonly unknown[]): Promise<T> {
    const body = JSON.stringify({ jsonrpc: '2.0', id: ++lastId, method, params })
    // Every call may be repeated, and one is lost when the client closes a connection that idled.
    const answer = await post(body).catch(() => post(body))
    const text = await answer.text()
    if (!answer.ok) throw new DevnetError('engine', `answered ${method} with ${answer.status}: ${text}`)
    const { result, error } = JSON.parse(text) as { result?: T; error?: { message: string } }
    if (result !== undefined) return result
    throw new DevnetError('engine', `answered ${method} with an error: ${error?.message}`)
  }

  async function update(state: ForkchoiceState, attributes?: PayloadAttributes): Promise<Hex | null> {
    const method = 'engine_forkchoiceUpdatedV3'
    const params = attributes === undefined ? [state] : [state, attributes]
    const { payloadStatus, payloadId } = await call<ForkchoiceAnswer>(method, params)
    assertValid(method, payloadStatus)
    return payloadId
  }

  return {
    forkchoiceUpdated: async (state) => void (await update(state)),
    async build(state, attributes, fork) {
      const payloadId = await update(state, attributes)
      if (payloadId === null) throw new DevnetError('engine', 'builds no block, expected one to be begun')
      return await call<BuiltPayload>(`engine_getPayload${VERSION[fork]}`, [payloadId])
    },
    async newPayload({ executionPayload, executionRequests }, versionedHashes, parentBeaconBlockRoot, fork) {
      const method = `engine_newPayload${VERSION[fork]}`
      const params = [executionPayload, versionedHashes, parentBeaconBlockRoot]
      const requests = fork === 'prague' ? [executionRequests] : []
      assertValid(method, await call<PayloadStatus>(method, [...params, ...requests]))
    },
  }
}

function assertValid(method: string, { status, validationError }: PayloadStatus): void {
  if (status === 'VALID') return
  throw new DevnetError('engine', `answered ${method} with ${status} (${validationError}), expected VALID`)
}

/** HS256 (RFC 7515) over the one claim that the Engine API asks for: when it was issued. */
function createToken(secret: Uint8Array): string {
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = { iat: Math.floor(Date.now() / 1000) }
  const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}
