import { createLruCache } from '../node/index.ts'
import type { SignatureVerifier } from '../protocol/index.ts'

/**
 * Makes a verifier that remembers which signatures are valid: what the pool has checked, the block need not check again.
 */
export function createCachingVerifier(verify: SignatureVerifier, capacity = 50_000): SignatureVerifier {
  const valid = createLruCache<string, true>(capacity)
  return (scheme, key, digest, signature) => {
    // The whole question is the key of the cache, so no answer can be taken for another's.
    const question = `${scheme}${key}${digest}${signature}`
    if (valid.get(question)) return true
    const isValid = verify(scheme, key, digest, signature)
    if (isValid) valid.set(question, true)
    return isValid
  }
}
