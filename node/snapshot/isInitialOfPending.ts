import type { Hex } from 'viem'
import { configFromRlp, readKeystore, type StateReader, toHex } from '../../protocol/index.ts'

/**
 * Tells whether bytes are the initial config of a keystore that nobody has updated and whose recovery is pending: the only
 * configs that a node keeps although state does not hold their hash.
 */
export function isInitialOfPending(
  reader: StateReader,
  keystoreRoot: Hex,
  hash: Uint8Array,
  bytes: Uint8Array,
): boolean {
  if (configFromRlp(bytes).nonce !== 0n) return false
  const { written, recovery } = readKeystore(reader, keystoreRoot, toHex(hash))
  return !written && recovery !== undefined
}
