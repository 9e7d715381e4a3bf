import { fromHex, isScheme, MAX_THRESHOLD, type Signer } from '../../protocol/index.ts'
import { SignerError, ThresholdError } from '../errors.ts'
import { toP256Key } from './p256.ts'

const ADDRESS_BYTES = 20
const POINT_BYTES = 64

/**
 * Makes sure that each key is one by which somebody could sign: a signer is in a config unseen, and a wrong byte in its key shows
 * only when it is missed.
 *
 * @throws {SignerError} when a scheme is unknown, an address is zero, or a point is off the curve.
 * @throws {InvalidHexError} when a key is not of its scheme's width.
 */
export function assertUsableKeys(signers: readonly Signer[]): void {
  for (const { scheme, key } of signers) {
    if (!isScheme(scheme)) throw new SignerError(`got scheme ${scheme}, expected 1, 2 or 3`)
    if (scheme !== 1) toP256Key(fromHex(key, POINT_BYTES))
    else if (fromHex(key, ADDRESS_BYTES).every((byte) => byte === 0)) {
      throw new SignerError('got the zero address, expected that of an account')
    }
  }
}

/**
 * Makes sure that signers can meet a threshold. A key counts once, also when it stands under two schemes: approvals ascend strictly by
 * `keccak(key)` (protocol.md §3.3).
 *
 * @throws {ThresholdError}
 */
export function assertThreshold(threshold: number, signers: readonly Signer[]): void {
  const keys = new Set(signers.map(({ key }) => key.toLowerCase())).size
  const canBeMet = Number.isInteger(threshold) && 1 <= threshold && threshold <= Math.min(keys, MAX_THRESHOLD)
  if (!canBeMet) throw new ThresholdError(threshold, keys)
}
