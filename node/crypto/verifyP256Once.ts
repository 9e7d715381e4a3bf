import { KeyObject, verify, webcrypto } from 'node:crypto'

// This is all that a thread which checks signatures loads: it shall start soon, and take little memory.

/** An uncompressed point (SEC 1 §2.3.3). */
const RAW_KEY = Uint8Array.of(0x04, ...new Uint8Array(64))
const ECDSA_P256 = { name: 'ECDSA', namedCurve: 'P-256' }
const VERIFY_ONLY: webcrypto.KeyUsage[] = ['verify']

const P = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn
const B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn

/**
 * Answers as `verifyP256` of `createNativePrimitives` does, in four fifths of the time that it takes for a key it has not seen: the
 * import of raw keys is the shortest, and only WebCrypto has it. It remembers no key: each is some kB that V8 does not see, freed
 * with an object that has grown old, and a thread whose heap is small collects those too seldom.
 */
export async function verifyP256Once(
  message: Uint8Array,
  rs: Uint8Array,
  keyBytes: Uint8Array,
): Promise<boolean> {
  if (!isOnP256(keyBytes)) return false
  RAW_KEY.set(keyBytes, 1)
  // It is read before the call returns. Extractable, or Node will not make a KeyObject of it for ever (DEP0204).
  const key = KeyObject.from(await webcrypto.subtle.importKey('raw', RAW_KEY, ECDSA_P256, true, VERIFY_ONLY))
  return verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, rs)
}

/** Tells whether `x ‖ y` is a point of the curve. Which keys are valid is consensus, so it is not left to the OpenSSL at hand (protocol.md §2.2). */
export function isOnP256(key: Uint8Array): boolean {
  const hex = Buffer.from(key.buffer, key.byteOffset, 64).toString('hex')
  const x = BigInt(`0x${hex.slice(0, 64)}`)
  const y = BigInt(`0x${hex.slice(64)}`)
  return x < P && y < P && (y * y - (x * x * x - 3n * x + B)) % P === 0n
}
