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
  type UnsafeBlock,
  unsafeBlockDigest,
} from '../../protocol/index.ts'

/** Signs promises, and the blocks that keep them, for one rollup. */
export interface PromiseSigner {
  readonly address: Address
  sign(promise: ConfigPromise): SignedPromise
  /** Signs an unsafe block: 65 bytes `r ‖ s ‖ v` (protocol.md §9). */
  signBlock(block: UnsafeBlock): Hex
}

/**
 * Makes a signer of promises from a secp256k1 key.
 *
 * @throws {InvalidHexError} when the key is not 32 bytes.
 */
export function createPromiseSigner(privateKey: Hex, chainId: bigint): PromiseSigner {
  const key = fromHex(privateKey, 32)
  const address = privateKeyToAddress(privateKey).toLowerCase() as Address
  function signDigest(digest: Hex): Hex {
    const { signature, recid } = secp256k1.ecdsaSign(fromHex(digest), key)
    return toHex(concat(signature, Uint8Array.of(27 + recid)))
  }
  return {
    address,
    sign: (promise) => ({
      promise,
      signature: signDigest(promiseDigest(chainId, promise)),
      signer: address,
    }),
    signBlock: (block) => signDigest(unsafeBlockDigest(chainId, block)),
  }
}
