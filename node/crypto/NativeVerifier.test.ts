import { p256 } from '@noble/curves/nist.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import fc from 'fast-check'
import type { Hex } from 'viem'
import { afterEach, describe, expect, it } from 'vitest'
import {
  concat,
  createSignatureVerifier,
  encodeWebAuthnSignature,
  fromHex,
  keccak,
  type Scheme,
  sha256,
  toHex,
  verifySignature,
  webAuthnClientData,
} from '../../protocol/index.ts'
import { createNativePrimitives, createRememberingVerifier } from './NativeVerifier.ts'
import { encodeDer, isOnP256, VERIFY_BY, verifyP256Once } from './verifyP256Once.ts'

const primitives = createNativePrimitives()
const asked: { question: Parameters<typeof verifyP256Once>; isGood: boolean }[] = []
const verifyNatively = createSignatureVerifier({
  ...primitives,
  verifyP256(message, rs, key) {
    const isGood = primitives.verifyP256(message, rs, key)
    asked.push({ question: [message.slice(), rs.slice(), key.slice()], isGood })
    return isGood
  },
})

const threadsVerify: (typeof verifyP256Once)[] = [
  verifyP256Once,
  ...[...Object.values(VERIFY_BY), createRememberingVerifier()].map(
    (verify): typeof verifyP256Once =>
      async (message, rs, key) =>
        isOnP256(key) && verify(message, rs, key),
  ),
]

// The threads' function gives the same answer to every question about P-256 that a test led to, though all are asked at once; and so
// does each way to import a key, whatever OpenSSL is here.
afterEach(async () => {
  const questions = asked.splice(0)
  const expected = questions.map(({ isGood }) => isGood)
  for (const verify of threadsVerify) {
    expect(await Promise.all(questions.map(({ question }) => verify(...question)))).toEqual(expected)
  }
})

const K1_ORDER = secp256k1.Point.CURVE().n
const R1_ORDER = p256.Point.CURVE().n
const R1_PRIME = p256.Point.CURVE().p

type Case = { scheme: Scheme; key: Hex; digest: Hex; signature: Hex }

const word = (value: bigint) => fromHex(`0x${value.toString(16).padStart(64, '0')}`)
const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 })
const secret = fc.bigInt({ min: 1n, max: K1_ORDER < R1_ORDER ? K1_ORDER - 1n : R1_ORDER - 1n }).map(word)

/** Gives both verifiers the same question and returns the answer they agree on. */
function answer({ scheme, key, digest, signature }: Case): boolean {
  const reference = verifySignature(scheme, key, digest, signature)
  expect(verifyNatively(scheme, key, digest, signature)).toBe(reference)
  return reference
}

function signSecp256k1(secretKey: Uint8Array, digest: Uint8Array): Case {
  const publicKey = secp256k1.getPublicKey(secretKey, false).subarray(1)
  const signed = secp256k1.sign(digest, secretKey, { prehash: false, lowS: true, format: 'recovered' })
  return {
    scheme: 1,
    key: toHex(keccak(publicKey).subarray(12)),
    digest: toHex(digest),
    signature: toHex(concat(signed.subarray(1), Uint8Array.of(27 + (signed[0] as number)))),
  }
}

function signP256(secretKey: Uint8Array, digest: Uint8Array): Case {
  const rs = p256.sign(digest, secretKey, { prehash: true, lowS: true })
  return { scheme: 2, key: p256Key(secretKey), digest: toHex(digest), signature: toHex(rs) }
}

function signWebAuthn(secretKey: Uint8Array, digest: Uint8Array): Case {
  const authenticatorData = concat(new Uint8Array(32).fill(7), Uint8Array.of(1, 0, 0, 0, 9))
  const clientDataTail = toHex(new TextEncoder().encode('","origin":"https://wallet.example"}'))
  const message = concat(authenticatorData, sha256(webAuthnClientData(toHex(digest), clientDataTail)))
  const rs = toHex(p256.sign(message, secretKey, { prehash: true, lowS: true }))
  const signature = encodeWebAuthnSignature({
    authenticatorData: toHex(authenticatorData),
    clientDataTail,
    rs,
  })
  return { scheme: 3, key: p256Key(secretKey), digest: toHex(digest), signature }
}

function p256Key(secretKey: Uint8Array): Hex {
  return toHex(p256.getPublicKey(secretKey, false).subarray(1))
}

const signers = [signSecp256k1, signP256, signWebAuthn]

describe('createNativeVerifier', () => {
  it('accepts what the reference accepts, for every scheme', () => {
    fc.assert(
      fc.property(secret, bytes32, fc.constantFrom(...signers), (key, digest, sign) => {
        expect(answer(sign(key, digest))).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  it('agrees with the reference when one byte of key, digest or signature is changed', () => {
    const field = fc.constantFrom('key', 'digest', 'signature' as const)
    fc.assert(
      fc.property(
        secret,
        bytes32,
        fc.constantFrom(...signers),
        field,
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (key, digest, sign, name, at, change) => {
          const signed = sign(key, digest)
          const changed = fromHex(signed[name])
          changed[at % changed.length] = (changed[at % changed.length] as number) ^ change
          answer({ ...signed, [name]: toHex(changed) })
        },
      ),
      { numRuns: 120 },
    )
  })

  it('agrees with the reference on any bytes of the right width', () => {
    const question = fc.oneof(
      fc.tuple(fc.constant(1 as const), fc.constant(20), fc.constant(65)),
      fc.tuple(fc.constant(2 as const), fc.constant(64), fc.constant(64)),
      fc.tuple(fc.constant(3 as const), fc.constant(64), fc.integer({ min: 0, max: 200 })),
    )
    const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
    fc.assert(
      fc.property(
        question.chain(([scheme, keyLength, signatureLength]) =>
          fc.record({
            scheme: fc.constant(scheme),
            key: bytes(keyLength).map(toHex),
            digest: bytes32.map(toHex),
            signature: bytes(signatureLength).map(toHex),
          }),
        ),
        (one) => {
          answer(one)
        },
      ),
      { numRuns: 100 },
    )
  })

  const edges = (order: bigint) => [
    0n,
    1n,
    order >> 1n,
    (order >> 1n) + 1n,
    order - 1n,
    order,
    2n ** 256n - 1n,
  ]

  it('agrees with the reference on r and s at every edge of their ranges', () => {
    const digest = new Uint8Array(32).fill(3)
    const [k1, r1] = [signSecp256k1(word(5n), digest), signP256(word(5n), digest)]
    for (const r of edges(K1_ORDER)) {
      for (const s of edges(K1_ORDER)) {
        for (const v of [0, 1, 26, 27, 28, 29]) {
          answer({ ...k1, signature: toHex(concat(word(r), word(s), Uint8Array.of(v))) })
        }
      }
    }
    for (const r of edges(R1_ORDER)) {
      for (const s of edges(R1_ORDER)) answer({ ...r1, signature: toHex(concat(word(r), word(s))) })
    }
  })

  it('refuses the high-s twin of a good signature', () => {
    const digest = new Uint8Array(32).fill(3)
    for (const [sign, order] of [
      [signSecp256k1, K1_ORDER],
      [signP256, R1_ORDER],
    ] as const) {
      const signed = sign(word(11n), digest)
      expect(answer(signed)).toBe(true)
      const bytes = fromHex(signed.signature)
      bytes.set(word(order - BigInt(toHex(bytes.subarray(32, 64)))), 32)
      if (bytes.length === 65) bytes[64] = bytes[64] === 27 ? 28 : 27
      expect(answer({ ...signed, signature: toHex(bytes) })).toBe(false)
    }
  })

  it('refuses keys that are off the curve, infinite, or have a coordinate of p or more', () => {
    const signed = signP256(word(9n), new Uint8Array(32))
    const x = BigInt(signed.key.slice(0, 66))
    const y = BigInt(`0x${signed.key.slice(66)}`)
    const keys = [
      [0n, 0n],
      [x, y + 1n],
      [x, R1_PRIME],
      [R1_PRIME, y],
      [2n ** 256n - 1n, 2n ** 256n - 1n],
    ] as const
    for (const [keyX, keyY] of keys) {
      expect(answer({ ...signed, key: toHex(concat(word(keyX), word(keyY))) })).toBe(false)
    }
  })

  it('refuses coordinates that are congruent to a good key but not below p', () => {
    // x = 5 is on the curve, so (5 + p, y) names the same point in more than 256 bits of meaning.
    const point = p256.Point.fromHex(
      `02${word(5n).reduce((hex, byte) => hex + byte.toString(16).padStart(2, '0'), '')}`,
    )
    const key = toHex(concat(word(point.x + R1_PRIME), word(point.y)))
    const { digest, signature } = signP256(word(9n), new Uint8Array(32))
    expect(answer({ scheme: 2, key, digest, signature })).toBe(false)
  })

  it('gives the same answer when a key comes back from the cache', () => {
    const digest = new Uint8Array(32).fill(1)
    const signed = signP256(word(77n), digest)
    expect(answer(signed)).toBe(true)
    const wrong = { ...signed, digest: toHex(new Uint8Array(32).fill(2)) }
    for (let i = 0; i < 2; i++) {
      expect(answer(wrong)).toBe(false)
      expect(answer(signed)).toBe(true)
    }
  })
})

it('encodes signatures in DER, however many zeros an integer begins with and whether its first bit is set', () => {
  const integer = fc
    .tuple(fc.nat(255), fc.bigInt({ min: 1n, max: R1_ORDER - 1n }))
    .map(([zeros, value]) => (value >> BigInt(zeros) === 0n ? 1n : value >> BigInt(zeros)))
  fc.assert(
    fc.property(integer, integer, (r, s) => {
      const der = new p256.Signature(r, s).toBytes('der')
      expect(toHex(encodeDer(concat(word(r), word(s))))).toBe(toHex(der))
    }),
    { numRuns: 300 },
  )
  expect(toHex(encodeDer(new Uint8Array(64)))).toBe('0x3006020100020100')
})
