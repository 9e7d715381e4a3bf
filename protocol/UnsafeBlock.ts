import type { Hex } from 'viem'
import { asciiToBytes, fromHex, keccak } from './bytes.ts'
import { createDomain, typedDataDigest } from './Eip712.ts'
import { type SignatureVerifier, verifySignature } from './Signature.ts'
import { createWords, writeUint64 } from './words.ts'

/** Names the block that a promise signer stands for before L1 does (protocol.md §9). */
export type UnsafeBlock = { blockHash: Hex; blockNumber: bigint }

/** The RLP of a block, the 65-byte signature `r ‖ s ‖ v` over its {@link unsafeBlockDigest}, and the address of its signer. */
export type SignedBlock = { block: Uint8Array; signature: Hex; signer: Hex }

const FIELDS = [
  { name: 'blockHash', type: 'bytes32' },
  { name: 'blockNumber', type: 'uint64' },
] as const
const TYPE_HASH = keccak(
  asciiToBytes(`UnsafeBlock(${FIELDS.map(({ name, type }) => `${type} ${name}`).join(',')})`),
)

/** Computes the EIP-712 digest that the promise signer signs of an unsafe block (protocol.md §9). */
export function unsafeBlockDigest(chainId: bigint, { blockHash, blockNumber }: UnsafeBlock): Hex {
  const struct = createWords(3)
  struct.set(TYPE_HASH)
  struct.set(fromHex(blockHash, 32), 32)
  writeUint64(struct, 2, blockNumber)
  return typedDataDigest(chainId, struct)
}

/** Builds the typed data of an unsafe block, whose hash is {@link unsafeBlockDigest}, for libraries that recover its signer. */
export function unsafeBlockTypedData(chainId: bigint, block: UnsafeBlock) {
  return {
    domain: createDomain(chainId),
    types: { UnsafeBlock: FIELDS },
    primaryType: 'UnsafeBlock',
    message: block,
  } as const
}

/** Tells whether an address has signed an unsafe block; whether it is the promise signer is the caller's to check (protocol.md §9). */
export function isUnsafeBlockSigned(
  chainId: bigint,
  block: UnsafeBlock,
  { signature, signer }: Pick<SignedBlock, 'signature' | 'signer'>,
  verify: SignatureVerifier = verifySignature,
): boolean {
  return verify(1, signer, unsafeBlockDigest(chainId, block), signature)
}
