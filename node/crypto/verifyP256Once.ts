import { KeyObject, verify, webcrypto } from 'node:crypto'

// This is all that a thread which checks signatures loads: it shall start soon, and take little memory.

/** Verifies `r ‖ s` over `sha256(message)` by a key `x ‖ y` that is a point of the curve. */
type VerifyByPoint = (message: Uint8Array, rs: Uint8Array, key: Uint8Array) => boolean | Promise<boolean>

const INTEGER = 0x02
const SEQUENCE = 0x30
const DER = Buffer.alloc(72)

/**
 * Encodes `r ‖ s`, 64 bytes, as an Ecdsa-Sig-Value (RFC 3279 §2.2.3) into memory that the next call overwrites. Node would do it
 * too, but asks the key for the length of its integers, and has OpenSSL convert the key for that.
 */
export function encodeDer(rs: Uint8Array): Uint8Array {
  let end = 2
  for (const from of [0, 32]) {
    let at = from
    while (at < from + 31 && rs[at] === 0) at++
    const isNegative = (rs[at] as number) >= 0x80
    DER[end++] = INTEGER
    DER[end++] = from + 32 - at + (isNegative ? 1 : 0)
    if (isNegative) DER[end++] = 0
    while (at < from + 32) DER[end++] = rs[at++] as number
  }
  DER[0] = SEQUENCE
  DER[1] = end - 2
  return DER.subarray(0, end)
}

/** A SubjectPublicKeyInfo (RFC 5480 §2) of P-256 with an uncompressed point (SEC 1 §2.3.3), whose 64 last bytes stand for `x ‖ y`. */
const SPKI = Buffer.from(`3059301306072a8648ce3d020106082a8648ce3d03010703420004${'00'.repeat(64)}`, 'hex')
const POINT_AT = SPKI.length - 65
const COORDINATES_AT = POINT_AT + 1

/** One call that leaves nothing behind: a `KeyObject` is kept, and its key with it, until V8 collects it. */
export const verifyBySpki = (message: Uint8Array, rs: Uint8Array, keyBytes: Uint8Array): boolean => {
  SPKI.set(keyBytes, COORDINATES_AT)
  return verify('sha256', message, { key: SPKI, format: 'der', type: 'spki' }, encodeDer(rs))
}

const RAW_KEY = SPKI.subarray(POINT_AT)
const ECDSA_P256 = { name: 'ECDSA', namedCurve: 'P-256' }
const VERIFY_ONLY: webcrypto.KeyUsage[] = ['verify']

const verifyByRawKey: VerifyByPoint = async (message, rs, keyBytes) => {
  SPKI.set(keyBytes, COORDINATES_AT)
  // It is read before the call returns. Extractable, or Node will not make a KeyObject of it for ever (DEP0204).
  const key = KeyObject.from(await webcrypto.subtle.importKey('raw', RAW_KEY, ECDSA_P256, true, VERIFY_ONLY))
  return verify('sha256', message, key, encodeDer(rs))
}

/** Both ways, for tests: which one is taken depends on the OpenSSL at hand. */
export const VERIFY_BY = { spki: verifyBySpki, rawKey: verifyByRawKey }

/** OpenSSL took three times as long to decode a key before 3.5; the import of raw keys, which only WebCrypto has, avoids that. */
function decodesFast(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > 3 || (major === 3 && minor >= 5)
}

/** Whether the OpenSSL at hand decodes a key so fast that it need not be remembered. */
export const DECODES_FAST = decodesFast(process.versions.openssl)

const verifyByPoint: VerifyByPoint = DECODES_FAST ? verifyBySpki : verifyByRawKey

const P = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn
const B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn

/**
 * Answers as `verifyP256` of `createNativePrimitives` does, by the import of keys that is fastest with the OpenSSL at hand (ADR 11). It
 * remembers no key: each is some kB that V8 does not see, freed with an object that has grown old, and a thread whose heap is small
 * collects those too seldom.
 */
export async function verifyP256Once(message: Uint8Array, rs: Uint8Array, key: Uint8Array): Promise<boolean> {
  return isOnP256(key) && verifyByPoint(message, rs, key)
}

/** Tells whether `x ‖ y` is a point of the curve. Which keys are valid is consensus, so it is not left to the OpenSSL at hand (protocol.md §2.2). */
export function isOnP256(key: Uint8Array): boolean {
  const hex = Buffer.from(key.buffer, key.byteOffset, 64).toString('hex')
  const x = BigInt(`0x${hex.slice(0, 64)}`)
  const y = BigInt(`0x${hex.slice(64)}`)
  return x < P && y < P && (y * y - (x * x * x - 3n * x + B)) % P === 0n
}
