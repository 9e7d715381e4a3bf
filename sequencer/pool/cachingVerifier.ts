import { hash } from 'node:crypto'
import { createLruCache } from '../../node/index.ts'
import type { SignatureVerifier } from '../../protocol/index.ts'

/**
 * Makes a verifier that remembers which signatures are valid: what the pool has checked, the block need not check again.
 */
export function createCachingVerifier(verify: SignatureVerifier, capacity = 50_000): SignatureVerifier {
  const valid = createLruCache<string, true>(capacity)
  return (scheme, key, digest, signature) => {
    // The parts begin with 0x, so no two questions read alike. Of a WebAuthn signature outsiders choose kilobytes: only the hash
    // is kept, which is no easier to find twice than those of the protocol.
    const question = hash('sha256', `${scheme}${key}${digest}${signature}`, 'base64url')
    if (valid.get(question)) return true
    const isValid = verify(scheme, key, digest, signature)
    if (isValid) valid.set(question, true)
    return isValid
  }
}
