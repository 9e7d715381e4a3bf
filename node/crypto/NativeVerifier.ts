import { createPublicKey, type JsonWebKeyInput, type KeyObject, verify } from 'node:crypto'
import secp256k1 from 'secp256k1'
import {
  createSignatureVerifier,
  type SignaturePrimitives,
  type SignatureVerifier,
} from '../../protocol/index.ts'
import { createLruCache } from '../LruCache.ts'

/** Importing a key costs about as much as verifying with it, and wallets come back. */
const CACHED_KEYS = 1_000

const P = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn
const B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn

/**
 * Makes a verifier whose curve operations are OpenSSL's (P-256) and libsecp256k1's; it gives the answers of
 * `verifySignature`, many times as fast (protocol.md §2.2).
 */
export function createNativeVerifier(): SignatureVerifier {
  return createSignatureVerifier(createNativePrimitives())
}

/**
 * Makes the curve operations of {@link createNativeVerifier}. Each remembered key is some kB that V8 does not see, freed with an
 * object that has grown old: a thread whose heap is small collects those so seldom that it must remember none.
 */
export function createNativePrimitives(cachedKeys = CACHED_KEYS): SignaturePrimitives {
  const keys = createLruCache<string, KeyObject>(cachedKeys)
  return {
    recoverSecp256k1(hash, rs, recovery) {
      try {
        return secp256k1.ecdsaRecover(rs, recovery, hash, false).subarray(1)
      } catch {
        return undefined
      }
    },
    verifyP256(message, rs, keyBytes) {
      if (cachedKeys === 0) {
        if (!isOnP256(keyBytes)) return false
        return verify('sha256', message, { ...toJwkInput(keyBytes), dsaEncoding: 'ieee-p1363' }, rs)
      }
      const name = Buffer.from(keyBytes).toString('latin1')
      let key = keys.get(name)
      if (key === undefined) {
        if (!isOnP256(keyBytes)) return false
        key = createPublicKey(toJwkInput(keyBytes))
        keys.set(name, key)
      }
      return verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, rs)
    },
  }
}

/** Which keys are valid is consensus, so it is not left to the OpenSSL at hand (protocol.md §2.2). */
function isOnP256(key: Uint8Array): boolean {
  const x = BigInt(`0x${Buffer.from(key.subarray(0, 32)).toString('hex')}`)
  const y = BigInt(`0x${Buffer.from(key.subarray(32)).toString('hex')}`)
  return x < P && y < P && (y * y - (x * x * x - 3n * x + B)) % P === 0n
}

function toJwkInput(key: Uint8Array): JsonWebKeyInput {
  const coordinate = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url')
  const jwk = { kty: 'EC', crv: 'P-256', x: coordinate(key.subarray(0, 32)), y: coordinate(key.subarray(32)) }
  return { key: jwk, format: 'jwk' }
}
