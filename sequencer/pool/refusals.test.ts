import { encodeAbiParameters, keccak256, numberToHex, parseAbiParameters } from 'viem'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Config, setConfigDigest, setConfigToBytes, toHex, ZERO_HASH } from '../../protocol/index.ts'
import {
  rpc,
  type SequencerWorld,
  startSequencerWorld,
  until,
  untilReady,
} from '../../test/sequencerWorld.ts'
import { createTestKeystore } from '../../test/TestKeystore.ts'
import { approve, createTestSigner } from '../../test/testSigners.ts'
import { createSequencer, type Sequencer } from '../createSequencer.ts'

type Refused = { status: number; code: number; data: Record<string, unknown> & { reason: string } }

let world: SequencerWorld
let sequencer: Sequencer

beforeAll(async () => {
  world = await startSequencerWorld()
  sequencer = await createSequencer(world.optionsFor(':memory:'))
  await untilReady(sequencer.url)
}, 60_000)

afterAll(async () => {
  await sequencer.close()
  await world.stop()
})

async function post(url: string, body: string, headers: Record<string, string> = {}) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  })
  const { error, result } = (await response.json()) as { result?: unknown; error?: Omit<Refused, 'status'> }
  return { result, error: error && { status: response.status, code: error.code, data: error.data } }
}

const call = (method: string, params: readonly unknown[]) =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })

const send = (raw: Uint8Array, method = 'keyroll_sendConfig') =>
  post(sequencer.url, call(method, [toHex(raw)]))

let names = 0
const newKeystore = () => createTestKeystore(world.rollup.l2ChainId, `refusals ${names++}`)

/** What the caller of a sending method is told; both methods must say the same. */
async function refusalOf(raw: Uint8Array) {
  const [{ error }, other] = [await send(raw), await send(raw, 'eth_sendRawTransaction')]
  expect(other.error).toEqual(error)
  return error
}

const rejected = (reason: string, data: Record<string, unknown> = {}) => ({
  status: 200,
  code: -32003,
  data: { reason, ...data },
})

describe('over HTTP, a sequencer refuses with a code and a reason of its own', () => {
  it('a nonce that is past, and one that leaves a gap', async () => {
    const keystore = newKeystore()
    const first = keystore.update()
    expect((await send(first.raw)).error).toBeUndefined()
    const skipping = keystore.update({ nonce: 3n })
    expect(await refusalOf(skipping.raw)).toEqual(rejected('NONCE_TOO_HIGH', { expectedNonce: '0x2' }))
    // An update at a promised nonce is a conflict; the start of a recovery conflicts with nothing.
    expect((await send(keystore.update({ previous: first.config }).raw)).error).toBeUndefined()
    const late = keystore.startRecovery({ previous: keystore.initial })
    expect(await refusalOf(late.raw)).toEqual(rejected('NONCE_TOO_LOW', { expectedNonce: '0x3' }))
  })

  it('a second update of one nonce with another config, beside the promise of the first', async () => {
    const keystore = newKeystore()
    const { result } = await send(keystore.update({ data: '0x01' }).raw)
    const rival = keystore.update({ previous: keystore.initial, data: '0x02' })
    expect(await refusalOf(rival.raw)).toEqual(rejected('CONFLICT', result as Record<string, unknown>))
  })

  it('a keystore whose initial config nobody has shown', async () => {
    const keystore = newKeystore()
    const first = keystore.update()
    const second = keystore.update()
    expect(await refusalOf(second.raw)).toEqual(rejected('INITIAL_CONFIG_REQUIRED'))
    const bare = setConfigToBytes({ ...first.tx, initial: undefined })
    expect(await refusalOf(bare)).toEqual(rejected('INITIAL_CONFIG_REQUIRED', { detail: 'INITIAL_MISSING' }))
  })

  it('a config that could lock the wallet out: no next signer works, or none could ever do', async () => {
    const keystore = newKeystore()
    const stranger = createTestSigner(1, 'nobody has this key')
    const lockout = keystore.update({ signers: [stranger], isLockout: true })
    expect(await refusalOf(lockout.raw)).toEqual(rejected('NO_USABLE_SIGNER'))
    const { tx } = newKeystore().update()
    const withSigners = (signers: Config['signers']) =>
      setConfigToBytes({ ...tx, next: { ...tx.next, signers } })
    for (const [change, detail] of [
      [{ threshold: 0 }, 'SIGNERS_THRESHOLD_OUT_OF_RANGE'],
      [{ threshold: 17 }, 'SIGNERS_THRESHOLD_OUT_OF_RANGE'],
      [{ root: ZERO_HASH }, 'SIGNERS_ROOT_ZERO'],
    ] as const) {
      expect(await refusalOf(withSigners({ ...tx.next.signers, ...change }))).toEqual(
        rejected('CONFIG_NOT_WELL_FORMED', { detail }),
      )
    }
    const tooFew = withSigners({ ...tx.next.signers, threshold: 2 })
    expect((await refusalOf(tooFew))?.data.reason).toBe('BAD_SIGNATURE')
  })

  it('the slots of a recovery, named as keystores', async () => {
    const keystore = newKeystore()
    const start = keystore.startRecovery({ data: '0x03' })
    expect((await send(start.raw)).error).toBeUndefined()
    await until(
      () => rpc<{ recovery: unknown }>(sequencer.url, 'keyroll_getConfig', [keystore.id]),
      ({ recovery }) => recovery !== null,
    )
    const slot = BigInt(
      keccak256(encodeAbiParameters(parseAbiParameters('bytes32, uint256'), [keystore.id, 1n])),
    )
    for (const id of [slot, slot + 1n].map((number) => numberToHex(number, { size: 32 }))) {
      const next = { ...start.config, nonce: 2n }
      const digest = setConfigDigest({
        chainId: world.rollup.l2ChainId,
        kind: 0,
        id,
        previous: start.configHash,
        next,
      })
      const approvals = approve([keystore.signer], [keystore.signer], digest)
      const alias = setConfigToBytes({ ...start.tx, kind: 0, id, initial: undefined, next, approvals })
      expect(await refusalOf(alias)).toEqual(rejected('INITIAL_CONFIG_REQUIRED'))
    }
  })

  it('bytes that are no set-config, of this or any rollup', async () => {
    const { tx } = newKeystore().update()
    const elsewhere = setConfigToBytes({ ...tx, chainId: tx.chainId + 1n })
    expect(await refusalOf(elsewhere)).toEqual(rejected('UNDECODABLE', { detail: 'WRONG_CHAIN_ID' }))
    expect(await refusalOf(Uint8Array.of(0x02, 0xc0))).toEqual(
      rejected('UNDECODABLE', { detail: 'WRONG_TYPE' }),
    )
    expect(await refusalOf(new Uint8Array())).toEqual(rejected('UNDECODABLE', { detail: 'WRONG_TYPE' }))
  })

  it('input that is too large, at every size', async () => {
    const invalid = { status: 200, code: -32602, data: { reason: 'DATA_TOO_LONG', param: 'raw' } }
    expect(await refusalOf(new Uint8Array(32_769))).toEqual(invalid)
    const huge = await post(sequencer.url, call('keyroll_sendConfig', [`0x${'00'.repeat(600_000)}`]))
    expect(huge.error).toEqual({ status: 413, code: -32005, data: { reason: 'REQUEST_TOO_LARGE' } })
    const calls = new Array(101).fill({ jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] })
    const batch = await post(sequencer.url, JSON.stringify(calls))
    expect(batch.error).toEqual({ status: 200, code: -32005, data: { reason: 'BATCH_TOO_LONG' } })
    const deep = await post(sequencer.url, '['.repeat(10_000))
    expect(deep.error).toEqual({ status: 200, code: -32005, data: { reason: 'TOO_DEEP' } })
  })

  it('callers of admin methods without the token, with a wrong one, or on the public port', async () => {
    const active = call('admin_sequencerActive', [])
    const url = sequencer.adminUrl as string
    const unauthorized = { status: 401, code: -32600, data: { reason: 'UNAUTHORIZED' } }
    expect((await post(url, active)).error).toEqual(unauthorized)
    for (const authorization of ['Bearer wrong', 'secret', 'bearer secret']) {
      expect((await post(url, active, { authorization })).error).toEqual(unauthorized)
    }
    expect((await post(url, active, { authorization: 'Bearer secret' })).error).toBeUndefined()
    expect((await fetch(`${url}/metrics`)).status).toBe(401)
    expect((await post(sequencer.url, active, { authorization: 'Bearer secret' })).error).toEqual({
      status: 200,
      code: -32601,
      data: { reason: 'UNKNOWN_METHOD' },
    })
  })
})
