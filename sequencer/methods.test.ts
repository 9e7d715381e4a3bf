import { describe, expect, it } from 'vitest'
import { RpcError } from '../node/index.ts'
import { type SignedPromise, toHex } from '../protocol/index.ts'
import { TEST_ROLLUP } from '../test/TestChain.ts'
import { createTestKeystore } from '../test/TestKeystore.ts'
import { SequencerStateError } from './Builder.ts'
import { createAdminMethods, createFindAccepted, createSendMethods } from './methods.ts'
import type { Submission } from './pool/Pool.ts'

const context = { notify: undefined, onClose: () => undefined }
const tx = createTestKeystore(TEST_ROLLUP.l2ChainId, 'methods').update()
const signed: SignedPromise = {
  promise: { id: tx.tx.id, kind: 0, nonce: 1n, configHash: tx.configHash, txHash: tx.hash, byBlock: 0x1ben },
  signature: `0x${'11'.repeat(65)}`,
  signer: `0x${'22'.repeat(20)}`,
}

describe('createSendMethods', () => {
  function methodsOf(submission: Submission) {
    const seen: Uint8Array[] = []
    const methods = createSendMethods({
      submit: async (raw) => {
        seen.push(raw)
        return submission
      },
    })
    return { methods, seen }
  }

  it('answers the signed promise, and to eth_sendRawTransaction the hash of the promised transaction', async () => {
    const { methods, seen } = methodsOf({ ok: true, signed, isNew: true })
    expect(await methods.keyroll_sendConfig?.([toHex(tx.raw)], context)).toEqual({
      promise: { ...signed.promise, kind: '0x0', nonce: '0x1', byBlock: '0x1be' },
      signature: signed.signature,
      signer: signed.signer,
    })
    expect(await methods.eth_sendRawTransaction?.([toHex(tx.raw)], context)).toBe(tx.hash)
    expect(seen.map(toHex)).toEqual([toHex(tx.raw), toHex(tx.raw)])
  })

  it('turns a refusal into error -32003 with its reason and details', async () => {
    const refusal = { reason: 'NONCE_TOO_LOW', message: 'past', details: { expectedNonce: '0x3' } } as const
    const { methods } = methodsOf({ ok: false, refusal })
    await expect(methods.keyroll_sendConfig?.([toHex(tx.raw)], context)).rejects.toMatchObject({
      code: -32003,
      data: { reason: 'NONCE_TOO_LOW', expectedNonce: '0x3' },
    })
  })

  it('refuses what is not hex, or too long, before the pool sees it', () => {
    const { methods, seen } = methodsOf({ ok: true, signed, isNew: true })
    for (const params of [[], ['0xz'], [5], [`0x${'00'.repeat(32_769)}`], ['0x00', '0x00']]) {
      expect(() => methods.keyroll_sendConfig?.(params, context)).toThrow(RpcError)
    }
    expect(seen).toEqual([])
  })
})

describe('createAdminMethods', () => {
  it('names why a sequencer cannot be started or stopped', async () => {
    const error = new SequencerStateError('NOT_ACTIVE', 'not active')
    const methods = createAdminMethods({
      isActive: () => false,
      start: () => {
        throw new SequencerStateError('HEAD_MISMATCH', 'another head')
      },
      stop: () => Promise.reject(error),
    })
    await expect(methods.admin_stopSequencer?.([], context)).rejects.toMatchObject({
      code: -32000,
      data: { reason: 'NOT_ACTIVE' },
    })
    expect(() => methods.admin_startSequencer?.([tx.hash], context)).toThrow(
      expect.objectContaining({ data: { reason: 'HEAD_MISMATCH' } }),
    )
    expect(() => methods.admin_startSequencer?.(['0x12'], context)).toThrow(RpcError)
  })
})

describe('createFindAccepted', () => {
  const rollup = TEST_ROLLUP

  it('finds the promise of a transaction that the pool has forgotten, by the bytes in the chain', () => {
    const findAccepted = createFindAccepted({
      pool: {
        status: () => undefined,
        findUnkept: () => undefined,
        promiseOf: ({ id, nonce }) => (id === tx.tx.id && nonce === 1n ? signed : undefined),
      },
      rollup,
      findRaw: (hash) => (hash === tx.hash ? tx.raw : undefined),
    })
    expect(findAccepted(tx.hash)).toEqual({ signed, isPending: false })
    expect(findAccepted(tx.configHash)).toBeUndefined()
  })

  it('says why a promised transaction can no longer take effect', () => {
    const stage = { name: 'displaced', blockNumber: 3n, reason: 'NONCE_TOO_LOW' } as const
    const pool = {
      status: () => ({ stage, signed }),
      promiseOf: () => undefined,
      findUnkept: () => undefined,
    }
    const findAccepted = createFindAccepted({ pool, rollup, findRaw: () => undefined })
    expect(findAccepted(tx.hash)).toEqual({ signed, isPending: false, displacedReason: 'NONCE_TOO_LOW' })
  })
})
