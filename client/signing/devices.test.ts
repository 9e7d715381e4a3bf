import { p256 } from '@noble/curves/nist.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import {
  concat,
  type Hex,
  hexToBigInt,
  numberToHex,
  parseSignature,
  serializeSignature,
  slice,
  stringToBytes,
} from 'viem'
import { describe, expect, test } from 'vitest'
import { setConfigTypedData, toHex, verifySignature, ZERO_HASH } from '../../protocol/index.ts'
import { createTestSigner } from '../../test/testSigners.ts'
import { SignerError } from '../errors.ts'
import { createKeystore } from './createKeystore.ts'
import { toLowS, toP256Key } from './p256.ts'
import { toP256Signer } from './toP256Signer.ts'
import { toSecp256k1Signer } from './toSecp256k1Signer.ts'
import { toWebAuthnSigner } from './toWebAuthnSigner.ts'

const { privateKey } = createTestSigner(2, 'device')
const publicKey = p256.getPublicKey(privateKey, false)
const next = createKeystore({ signers: [createTestSigner(1, 'next')] }).initial
const typedData = setConfigTypedData({ chainId: 1n, kind: 0, id: ZERO_HASH, previous: ZERO_HASH, next })
const request = { digest: toHex(new Uint8Array(32).fill(7)), typedData }

/** The other signature of the same message: `s` and `n - s` are equally good on the curve. */
function negated(signature: Uint8Array): Uint8Array {
  const { r, s } = p256.Signature.fromBytes(signature)
  return new p256.Signature(r, p256.Point.CURVE().n - s).toBytes('compact')
}

describe('a P-256 device', () => {
  test.each(['compact', 'der'] as const)('may return either s, as %s', async (form) => {
    const low = p256.sign(stringToBytes('x'), privateKey)
    const asForm = (bytes: Uint8Array) => p256.Signature.fromBytes(bytes).toBytes(form)
    expect(toLowS(asForm(negated(low)), form)).toBe(toHex(low))
    expect(toLowS(asForm(low), form)).toBe(toHex(low))
  })

  test('gives a signature that the rollup accepts', async () => {
    const sign = async (message: Uint8Array) => negated(p256.sign(message, privateKey))
    const signer = toP256Signer({ publicKey, sign })
    const signature = await signer.sign(request)
    expect(verifySignature(2, signer.key, request.digest, signature)).toBe(true)
  })

  test('that returns garbage is refused', async () => {
    const signer = toP256Signer({ publicKey, sign: async () => new Uint8Array(10) })
    await expect(signer.sign(request)).rejects.toThrow(SignerError)
  })

  test.each([
    ['a point', publicKey],
    ['x and y', publicKey.subarray(1)],
    ['a compressed point', p256.getPublicKey(privateKey, true)],
  ])('has its key taken as %s', (_name, bytes) => {
    expect(toP256Key(bytes)).toBe(toHex(publicKey.subarray(1)))
  })

  test('with a key off the curve is refused', () => {
    expect(() => toP256Key(new Uint8Array(64).fill(1))).toThrow(SignerError)
    expect(() => toP256Key(new Uint8Array(20))).toThrow(SignerError)
  })
})

describe('an account', () => {
  const account = createTestSigner(1, 'account')
  const signature = account.sign(request.digest)
  const signerThat = (change: (signature: Hex) => Hex) =>
    toSecp256k1Signer({ address: account.key, signTypedData: async () => change(signature) })

  /** The other signature of the same message: `s` negated, and so `v` flipped. */
  function highS(signature: Hex): Hex {
    const { r, s, yParity } = parseSignature(signature)
    const negative = secp256k1.Point.CURVE().n - hexToBigInt(s)
    return serializeSignature({ r, s: numberToHex(negative, { size: 32 }), yParity: 1 - yParity })
  }
  const withV = (signature: Hex, offset: number): Hex =>
    concat([slice(signature, 0, 64), numberToHex(parseSignature(signature).yParity + offset, { size: 1 })])

  test.each([
    ['v of 27 or 28', (signature: Hex) => withV(signature, 27)],
    ['v of 0 or 1', (signature: Hex) => withV(signature, 0)],
    ['high s', highS],
    ['high s and v of 0 or 1', (signature: Hex) => withV(highS(signature), 0)],
  ])('may return %s', async (_name, change) => {
    expect(await signerThat(change).sign(request)).toBe(signature)
    expect(verifySignature(1, account.key, request.digest, signature)).toBe(true)
  })

  test.each([
    ['nothing', () => '0x' as const],
    ['too many bytes', (signature: Hex) => concat([signature, '0x00'])],
    ['another v', (signature: Hex) => withV(signature, 2)],
    ['an r of zero', (signature: Hex) => concat([ZERO_HASH, slice(signature, 32)])],
  ])('that returns %s is refused', async (_name, change) => {
    await expect(signerThat(change).sign(request)).rejects.toThrow(SignerError)
  })
})

describe('a passkey', () => {
  const signerOf = (clientData: string) =>
    toWebAuthnSigner({
      publicKey,
      getAssertion: () => ({
        authenticatorData: new Uint8Array(37).fill(1),
        clientDataJSON: stringToBytes(clientData),
        signature: p256.Signature.fromBytes(p256.sign(stringToBytes('x'), privateKey)).toBytes('der'),
      }),
    })

  test.each([
    ['another challenge', '{"type":"webauthn.get","challenge":"AAAA","origin":"https://wallet.example"}'],
    ['another type', '{"type":"webauthn.create","challenge":"'],
    ['the fields in another order', '{"challenge":"AAAA","type":"webauthn.get"}'],
    ['nothing', ''],
  ])('whose client data has %s is refused', async (_name, clientData) => {
    await expect(signerOf(clientData).sign(request)).rejects.toThrow(SignerError)
  })
})
