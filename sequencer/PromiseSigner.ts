import secp256k1 from 'secp256k1'
import type { Address, Hex } from 'viem'
import { privateKeyToAddress } from 'viem/accounts'
import {
  type ConfigPromise,
  concat,
  fromHex,
  promiseDigest,
  type SignedPromise,
  toHex,
} from '../protocol/index.ts'

/** Signs promises for one rollup. */
export interface PromiseSigner {
  readonly address: Address
  sign(promise: ConfigPromise): SignedPromise
}

/**
 * Makes a signer of promises from a secp256k1 key.
 *
 * @throws {InvalidHexError} when the key is not 32 bytes.
 */
export function createPromiseSigner(privateKey: Hex, chainId: bigint): PromiseSigner {
  const key = fromHex(privateKey, 32)
  const address = privateKeyToAddress(privateKey).toLowerCase() as Address
  return {
    address,
    sign(promise) {
      const { signature, recid } = secp256k1.ecdsaSign(fromHex(promiseDigest(chainId, promise)), key)
      return { promise, signature: toHex(concat(signature, Uint8Array.of(27 + recid))), signer: address }
    },
  }
}
