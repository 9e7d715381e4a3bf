import { createPublicKey, type JsonWebKeyInput, type KeyObject, verify } from 'node:crypto'
import secp256k1 from 'secp256k1'
import {
  createSignatureVerifier,
  type SignaturePrimitives,
  type SignatureVerifier,
} from '../../protocol/index.ts'
import { createLruCache } from '../LruCache.ts'
import { encodeDer, isOnP256 } from './verifyP256Once.ts'

/** Importing a key costs about as much as verifying with it, and wallets come back. */
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
  const keys = createLruCache<string, KeyObject>(CACHED_KEYS)
  return {
    recoverSecp256k1(hash, rs, recovery) {
      try {
        return secp256k1.ecdsaRecover(rs, recovery, hash, false).subarray(1)
      } catch {
        return undefined
      }
    },
    verifyP256(message, rs, keyBytes) {
      const name = Buffer.from(keyBytes).toString('latin1')
      let key = keys.get(name)
      if (key === undefined) {
        if (!isOnP256(keyBytes)) return false
        key = createPublicKey(toJwkInput(keyBytes))
        keys.set(name, key)
      }
      return verify('sha256', message, key, encodeDer(rs))
    },
  }
}

function toJwkInput(key: Uint8Array): JsonWebKeyInput {
  const coordinate = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url')
  const jwk = { kty: 'EC', crv: 'P-256', x: coordinate(key.subarray(0, 32)), y: coordinate(key.subarray(32)) }
  return { key: jwk, format: 'jwk' }
}
