import { secp256k1 } from '@noble/curves/secp256k1.js'
import type { Hex, LocalAccount } from 'viem'
import { concat, fromHex, toHex } from '../../protocol/index.ts'
import { SignerError } from '../errors.ts'
import type { ConfigSigner } from './ConfigSigner.ts'

const SIGNATURE_BYTES = 65
const V_OFFSET = 27

/**
 * Takes an account that signs typed data for a signer of scheme 1: a viem local account, or one that asks a wallet.
 *
 * Its `sign` rejects with {@link SignerError} when what the account returns is no signature.
 */
export function toSecp256k1Signer(account: Pick<LocalAccount, 'address' | 'signTypedData'>): ConfigSigner {
  return {
    scheme: 1,
    key: account.address.toLowerCase() as Hex,
    sign: async ({ typedData }) => toRollupForm(await account.signTypedData(typedData)),
  }
}

/** Turns `r ‖ s ‖ v` into the form that the rollup demands: devices return either `s`, and 0 or 1 where others say 27 or 28. */
function toRollupForm(signature: Hex): Hex {
  try {
    const bytes = fromHex(signature, SIGNATURE_BYTES)
    const { r, s } = secp256k1.Signature.fromBytes(bytes.subarray(0, SIGNATURE_BYTES - 1), 'compact')
    const v = bytes[SIGNATURE_BYTES - 1] as number
    const parity = v < V_OFFSET ? v : v - V_OFFSET
    if (parity > 1) throw new SignerError(`got v ${v}, expected 0, 1, 27 or 28`)
    const order = secp256k1.Point.CURVE().n
    const isHigh = s > order / 2n
    const low = new secp256k1.Signature(r, isHigh ? order - s : s).toBytes('compact')
    return toHex(concat(low, Uint8Array.of(V_OFFSET + (isHigh ? 1 - parity : parity))))
  } catch (cause) {
    throw new SignerError(`got ${signature}, expected a secp256k1 signature r ‖ s ‖ v`, { cause })
  }
}
