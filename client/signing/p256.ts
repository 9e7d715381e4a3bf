import { p256 } from '@noble/curves/nist.js'
import type { Hex } from 'viem'
import { concat, toHex } from '../../protocol/index.ts'
import { SignerError } from '../errors.ts'

/** Which of the usual forms a P-256 signature comes in: `r ‖ s` (WebCrypto) or ASN.1 DER (WebAuthn, platforms). */
export type P256SignatureForm = 'compact' | 'der'

/** DER of a SubjectPublicKeyInfo for P-256 up to the point's `x ‖ y`. */
const SPKI_BYTES = 91
const RAW_BYTES = 65

/**
 * Turns a P-256 signature into `r ‖ s` with low `s`, as the rollup demands: devices return either of the two.
 *
 * @throws {SignerError} when it is no signature.
 */
export function toLowS(signature: Uint8Array, form: P256SignatureForm): Hex {
  try {
    const { r, s } = p256.Signature.fromBytes(signature, form)
    const order = p256.Point.CURVE().n
    return toHex(new p256.Signature(r, s > order / 2n ? order - s : s).toBytes('compact'))
  } catch (cause) {
    throw new SignerError(`got ${toHex(signature)}, expected a P-256 signature as ${form}`, { cause })
  }
}

/**
 * Turns a P-256 public key into the key `x ‖ y` of a signer; takes SPKI (as `AuthenticatorAttestationResponse.getPublicKey()`
 * and `exportKey('spki')` give), an uncompressed point (`exportKey('raw')`) or `x ‖ y`.
 *
 * @throws {SignerError} when it is none of these, or not a point of the curve.
 */
export function toP256Key(publicKey: Uint8Array): Hex {
  const point =
    publicKey.length === SPKI_BYTES
      ? publicKey.subarray(SPKI_BYTES - RAW_BYTES)
      : publicKey.length === RAW_BYTES - 1
        ? concat(Uint8Array.of(4), publicKey)
        : publicKey
  try {
    return toHex(p256.Point.fromBytes(point).toBytes(false).subarray(1))
  } catch (cause) {
    throw new SignerError(`got ${toHex(publicKey)}, expected a P-256 public key`, { cause })
  }
}
