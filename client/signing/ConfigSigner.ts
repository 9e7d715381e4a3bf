import type { Hex, TypedDataDefinition } from 'viem'
import type { Signer } from '../../protocol/index.ts'

/** What a signer is asked to sign, in the two forms that devices take. */
export type SigningRequest = {
  /** The EIP-712 digest. */
  digest: Hex
  /** What hashes to the digest, for wallets that show it. */
  typedData: TypedDataDefinition
}

/** A signer that can sign: its leaf in an authority's tree, and the device behind it. */
export type ConfigSigner = Signer & {
  /** Signs as the signer's scheme says (protocol.md §2.2). */
  sign(request: SigningRequest): Promise<Hex>
}
