import { p256 } from '@noble/curves/nist.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import fc from 'fast-check'
import type { Hex } from 'viem'
import { describe, expect, test } from 'vitest'
import { arbitraryHash, arbitraryHex } from '../test/arbitraries.ts'
import { createTestSigner, signWebAuthn } from '../test/testSigners.ts'
import { fromHex, InvalidHexError, toHex } from './bytes.ts'
import {
  createSignatureVerifier,
  decodeWebAuthnSignature,
  encodeWebAuthnSignature,
  hasSignatureShape,
  verifySignature,
  webAuthnClientData,
} from './Signature.ts'
import { keyBytesOf, type Scheme } from './Signer.ts'

describe.each([1, 2, 3] as Scheme[])('scheme %i', (scheme) => {
  const signer = createTestSigner(scheme, 'property')

  test('accepts what its signer signs', () => {
    fc.assert(
      fc.property(arbitraryHash, (digest) => {
        expect(verifySignature(scheme, signer.key, digest, signer.sign(digest))).toBe(true)
      }),
      { numRuns: 25 },
    )
  })

  test('refuses a signature, digest or key with any bit changed', () => {
    const flip = (hex: Hex, position: number): Hex => {
      const bytes = fromHex(hex)
      const at = position % (bytes.length * 8)
      bytes[at >> 3] = (bytes[at >> 3] as number) ^ (1 << (at & 7))
      return toHex(bytes)
    }
    fc.assert(
      fc.property(arbitraryHash, fc.nat(), (digest, position) => {
        const signature = signer.sign(digest)
        expect(verifySignature(scheme, signer.key, digest, flip(signature, position))).toBe(false)
        expect(verifySignature(scheme, signer.key, flip(digest, position), signature)).toBe(false)
        expect(verifySignature(scheme, flip(signer.key, position), digest, signature)).toBe(false)
      }),
      { numRuns: 40 },
    )
  })

  test('refuses any bytes that are no signature, without a fault', () => {
    fc.assert(
      fc.property(arbitraryHash, arbitraryHex(0, 300), (digest, signature) => {
        expect(verifySignature(scheme, signer.key, digest, signature)).toBe(false)
      }),
    )
  })

  test.each([0, 31, 33])('takes no digest of %i bytes', (length) => {
    const signature = signer.sign(`0x${'11'.repeat(32)}`)
    expect(() => verifySignature(scheme, signer.key, `0x${'11'.repeat(length)}`, signature)).toThrow(
      InvalidHexError,
    )
  })

  test('refuses keys of another width', () => {
    fc.assert(
      fc.property(arbitraryHex(0, 80), arbitraryHash, (key, digest) => {
        fc.pre(fromHex(key).length !== fromHex(signer.key).length)
        expect(verifySignature(scheme, key, digest, signer.sign(digest))).toBe(false)
      }),
      { numRuns: 20 },
    )
  })
})

describe('a WebAuthn signature', () => {
  const arbitraryParts = fc.record({
    authenticatorData: arbitraryHex(37, 512),
    clientDataTail: arbitraryHex(1, 1024),
    rs: arbitraryHex(64),
  })

  test('decodes to the parts it was encoded from', () => {
    fc.assert(
      fc.property(arbitraryParts, (parts) => {
        const encoded = encodeWebAuthnSignature(parts)
        expect(decodeWebAuthnSignature(encoded)).toEqual(parts)
        expect(hasSignatureShape(3, fromHex(encoded))).toBe(true)
      }),
    )
  })

  test('does not decode from bytes that are none', () => {
    expect(decodeWebAuthnSignature('0x')).toBeUndefined()
    expect(decodeWebAuthnSignature('0xc0')).toBeUndefined()
  })

  test('counts exactly when the user was present and the tail starts with a quote, whatever else is in it', () => {
    const signer = createTestSigner(3, 'property')
    fc.assert(
      fc.property(
        arbitraryHash,
        arbitraryParts,
        fc.boolean(),
        (digest, { authenticatorData, clientDataTail }, quote) => {
          const tail: Hex = quote ? `0x22${clientDataTail.slice(4)}` : clientDataTail
          const signature = signWebAuthn(signer.privateKey, digest, {
            authenticatorData,
            clientDataTail: tail,
          })
          const isUserPresent = ((fromHex(authenticatorData)[32] as number) & 1) === 1
          const isQuoted = fromHex(tail)[0] === 0x22
          expect(verifySignature(3, signer.key, digest, signature)).toBe(isUserPresent && isQuoted)
        },
      ),
      { numRuns: 40 },
    )
  })

  test('is over the client data that a browser makes', () => {
    fc.assert(
      fc.property(arbitraryHash, (digest) => {
        const clientData = {
          type: 'webauthn.get',
          challenge: Buffer.from(fromHex(digest)).toString('base64url'),
          origin: 'https://keyroll.example',
        }
        const tail = toHex(Buffer.from('","origin":"https://keyroll.example"}'))
        expect(Buffer.from(webAuthnClientData(digest, tail)).toString()).toBe(JSON.stringify(clientData))
      }),
    )
  })
})

test('the curve operations are asked only about signatures in range, and their answer counts', () => {
  const asked: string[] = []
  const verify = createSignatureVerifier({
    recoverSecp256k1: () => {
      asked.push('recover')
      return undefined
    },
    verifyP256: () => {
      asked.push('verify')
      return true
    },
  })
  const digest: Hex = `0x${'01'.repeat(32)}`
  const zeros: Hex = `0x${'00'.repeat(64)}`
  const small: Hex = `0x${'01'.repeat(64)}`
  expect(verify(2, small, digest, zeros)).toBe(false)
  expect(verify(1, `0x${'01'.repeat(20)}`, digest, `${zeros}1b`)).toBe(false)
  expect(asked).toEqual([])
  const word = (value: bigint) => value.toString(16).padStart(64, '0')
  for (const [scheme, key, { n }, end] of [
    [1, `0x${'01'.repeat(20)}`, secp256k1.Point.CURVE(), '1b'],
    [2, small, p256.Point.CURVE(), ''],
  ] as const) {
    const ask = (r: bigint, s: bigint) => {
      verify(scheme, key, digest, `0x${word(r)}${word(s)}${end}`)
      return asked.splice(0).length
    }
    const half = n / 2n
    expect([ask(1n, 1n), ask(n - 1n, half)]).toEqual([1, 1])
    expect([ask(0n, 1n), ask(n, 1n), ask(1n, 0n), ask(1n, half + 1n)]).toEqual([0, 0, 0, 0])
  }
  expect(verify(2, small, digest, small)).toBe(true)
  expect(verify(1, `0x${'01'.repeat(20)}`, digest, `${small}1b`)).toBe(false)
  expect(asked).toEqual(['verify', 'recover'])
})

test('the curve operations get the bytes of the question, whatever was asked before it', () => {
  const low = (length: number) =>
    fc.uint8Array({ min: 1, max: 0x7e, minLength: length, maxLength: length }).map(toHex)
  const key = fc.constantFrom(20, 64, 65).chain(low)
  const signature = fc.oneof(
    fc.constantFrom(63, 64, 65).chain(low),
    low(64).map((rs): Hex => `${rs}1b`),
  )
  const question = fc.tuple(fc.constantFrom<Scheme>(1, 2), key, arbitraryHash, signature)
  fc.assert(
    fc.property(fc.array(question, { minLength: 2, maxLength: 8 }), (questions) => {
      const asked: string[] = []
      const verify = createSignatureVerifier({
        recoverSecp256k1(hash, rs, recovery) {
          asked.push(`${toHex(hash)} ${toHex(rs)} ${recovery}`)
          return undefined
        },
        verifyP256(message, rs, key) {
          asked.push(`${toHex(message)} ${toHex(rs)} ${toHex(key)}`)
          return true
        },
      })
      const expected = questions.flatMap(([scheme, key, digest, signature]) => {
        const width = scheme === 1 ? 65 : 64
        const isAsked = key.length === 2 + 2 * keyBytesOf(scheme) && signature.length === 2 + 2 * width
        if (!isAsked || (scheme === 1 && !signature.endsWith('1b'))) return []
        return scheme === 1 ? [`${digest} ${signature.slice(0, -2)} 0`] : [`${digest} ${signature} ${key}`]
      })
      for (const each of questions) verify(...each)
      expect(asked).toEqual(expected)
    }),
  )
})
