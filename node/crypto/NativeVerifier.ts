import { createPublicKey, type JsonWebKeyInput, type KeyObject, verify } from 'node:crypto'
import secp256k1 from 'secp256k1'
import {
  createSignatureVerifier,
  type SignaturePrimitives,
  type SignatureVerifier,
} from '../../protocol/index.ts'
import { createLruCache } from '../LruCache.ts'
import { DECODES_FAST, encodeDer, isOnP256, verifyBySpki } from './verifyP256Once.ts'

/** Where importing a key costs about as much as verifying with it, it is worth remembering: wallets come back. */
const CACHED_KEYS = 1_000

/**
 * Makes a verifier whose curve operations are OpenSSL's (P-256) and libsecp256k1's; it gives the answers of
 * `verifySignature`, many times as fast (protocol.md §2.2).
 */
export function createNativeVerifier(): SignatureVerifier {
  return createSignatureVerifier(createNativePrimitives())
}

/** Makes the curve operations of {@link createNativeVerifier}. */
export function createNativePrimitives(): SignaturePrimitives {
  const verifyByPoint = DECODES_FAST ? verifyBySpki : createRememberingVerifier()
  return {
    recoverSecp256k1(hash, rs, recovery) {
      try {
        return secp256k1.ecdsaRecover(rs, recovery, hash, false).subarray(1)
      } catch {
        return undefined
      }
    },
    verifyP256: (message, rs, key) => isOnP256(key) && verifyByPoint(message, rs, key),
  }
}

/** Imports keys as JWK, which is the fastest way to an answer at once before OpenSSL 3.5, and remembers the last of them. Each key is a point of the curve. */
export function createRememberingVerifier(): typeof verifyBySpki {
  const keys = createLruCache<string, KeyObject>(CACHED_KEYS)
  return (message, rs, keyBytes) => {
    const name = Buffer.from(keyBytes).toString('latin1')
    const known = keys.get(name)
    const key = known ?? createPublicKey(toJwkInput(keyBytes))
    if (known === undefined) keys.set(name, key)
    return verify('sha256', message, key, encodeDer(rs))
  }
}

function toJwkInput(key: Uint8Array): JsonWebKeyInput {
  const coordinate = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url')
  const jwk = { kty: 'EC', crv: 'P-256', x: coordinate(key.subarray(0, 32)), y: coordinate(key.subarray(32)) }
  return { key: jwk, format: 'jwk' }
}
