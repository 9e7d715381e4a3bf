import fc from 'fast-check'
import { hashTypedData } from 'viem'
import { describe, expect, it } from 'vitest'
import { arbitraryHash, arbitraryUint64 } from '../test/arbitraries.ts'
import { createTestSigner } from '../test/testSigners.ts'
import {
  areEquivocating,
  type ConfigPromise,
  isPromiseSigned,
  promiseDigest,
  promiseTypedData,
} from './ConfigPromise.ts'

const arbitraryPromise: fc.Arbitrary<ConfigPromise> = fc.record({
  id: arbitraryHash,
  kind: fc.constantFrom(0, 1, 2),
  nonce: arbitraryUint64,
  configHash: arbitraryHash,
  txHash: arbitraryHash,
  byBlock: arbitraryUint64,
})

describe('promiseDigest', () => {
  it('is the EIP-712 hash of the typed data', () => {
    fc.assert(
      fc.property(arbitraryPromise, fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }), (promise, chainId) => {
        expect(promiseDigest(chainId, promise)).toBe(hashTypedData(promiseTypedData(chainId, promise)))
      }),
      { numRuns: 50 },
    )
  })
})

describe('isPromiseSigned', () => {
  const { key: signer, sign } = createTestSigner(1, 'promise signer')

  it('holds for the signer and the rollup, and for nothing else', () => {
    fc.assert(
      fc.property(arbitraryPromise, arbitraryUint64, (promise, chainId) => {
        const signed = { promise, signature: sign(promiseDigest(chainId, promise)), signer }
        expect(isPromiseSigned(chainId, signed)).toBe(true)
        expect(isPromiseSigned(chainId ^ 1n, signed)).toBe(false)
        expect(
          isPromiseSigned(chainId, { ...signed, promise: { ...promise, nonce: promise.nonce ^ 1n } }),
        ).toBe(false)
        expect(isPromiseSigned(chainId, { ...signed, signer: createTestSigner(1, 'another').key })).toBe(
          false,
        )
        expect(isPromiseSigned(chainId, { ...signed, signature: '0x' })).toBe(false)
      }),
      { numRuns: 15 },
    )
  })
})

describe('areEquivocating', () => {
  const hash = (byte: string): `0x${string}` => `0x${byte.repeat(32)}`
  const promise: ConfigPromise = {
    id: hash('01'),
    kind: 0,
    nonce: 7n,
    configHash: hash('02'),
    txHash: hash('03'),
    byBlock: 9n,
  }

  it('holds for two configs at one nonce, whichever of kinds 0 and 2 they are', () => {
    expect(areEquivocating(promise, { ...promise, kind: 2, configHash: hash('04') })).toBe(true)
  })

  it('does not hold for one config in other bytes', () => {
    expect(areEquivocating(promise, { ...promise, txHash: hash('05'), byBlock: 10n })).toBe(false)
  })

  it('does not hold across keystores or nonces, nor for a started recovery', () => {
    const other = { ...promise, configHash: hash('04') }
    expect(areEquivocating(promise, { ...other, id: hash('06') })).toBe(false)
    expect(areEquivocating(promise, { ...other, nonce: 8n })).toBe(false)
    expect(areEquivocating(promise, { ...other, kind: 1 })).toBe(false)
  })
})
