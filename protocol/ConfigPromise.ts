import type { Hex } from 'viem'
import { asciiToBytes, fromHex, keccak } from './bytes.ts'
import { createDomain, typedDataDigest } from './Eip712.ts'
import type { SetConfigKind } from './SetConfig.ts'
import { verifySignature } from './Signature.ts'
import { createWords, writeNumber, writeUint64 } from './words.ts'

/**
 * What a sequencer promises: that the set-config `txHash`, which gives keystore `id` the config `configHash` at `nonce`,
 * is in the rollup at block `byBlock` or before (docs/rpc.md).
 *
 * It is void exactly if a successful deposit at or before `byBlock` took that nonce.
 */
export type ConfigPromise = {
  id: Hex
  kind: SetConfigKind
  nonce: bigint
  configHash: Hex
  txHash: Hex
  byBlock: bigint
}

/** A promise, the 65-byte signature `r ‖ s ‖ v` over its digest, and the address of its signer. */
export type SignedPromise = { promise: ConfigPromise; signature: Hex; signer: Hex }

const FIELDS = [
  { name: 'id', type: 'bytes32' },
  { name: 'kind', type: 'uint8' },
  { name: 'nonce', type: 'uint64' },
  { name: 'configHash', type: 'bytes32' },
  { name: 'txHash', type: 'bytes32' },
  { name: 'byBlock', type: 'uint64' },
] as const
const TYPE_HASH = keccak(
  asciiToBytes(`Promise(${FIELDS.map(({ name, type }) => `${type} ${name}`).join(',')})`),
)

/** Computes the EIP-712 digest that the promise signer signs, in the domain of set-configs (protocol.md §3.2). */
export function promiseDigest(chainId: bigint, promise: ConfigPromise): Hex {
  const struct = createWords(7)
  struct.set(TYPE_HASH)
  struct.set(fromHex(promise.id, 32), 32)
  writeNumber(struct, 2, promise.kind, 8)
  writeUint64(struct, 3, promise.nonce)
  struct.set(fromHex(promise.configHash, 32), 128)
  struct.set(fromHex(promise.txHash, 32), 160)
  writeUint64(struct, 6, promise.byBlock)
  return typedDataDigest(chainId, struct)
}

/** Builds the typed data of a promise, whose hash is {@link promiseDigest}, for libraries that recover its signer. */
export function promiseTypedData(chainId: bigint, promise: ConfigPromise) {
  return {
    domain: createDomain(chainId),
    types: { Promise: FIELDS },
    primaryType: 'Promise',
    message: promise,
  } as const
}

/** Tells whether a promise is signed by the address that it names; whether that is the promise signer is the caller's to check. */
export function isPromiseSigned(chainId: bigint, { promise, signature, signer }: SignedPromise): boolean {
  return verifySignature(1, signer, promiseDigest(chainId, promise), signature)
}

/**
 * Tells whether two promises prove that their signer equivocates: both of kind 0 or 2, for one keystore and nonce, with
 * different configs (docs/rpc.md). The signatures are the caller's to check.
 */
export function areEquivocating(a: ConfigPromise, b: ConfigPromise): boolean {
  if (a.kind === 1 || b.kind === 1) return false
  return a.id === b.id && a.nonce === b.nonce && a.configHash !== b.configHash
}
