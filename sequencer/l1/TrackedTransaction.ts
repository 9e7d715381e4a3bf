import type { Address, Hex } from 'viem'
import {
  BLOB_BYTES,
  decodeRlp,
  encodeRlp,
  fromHex,
  rlpToBytes,
  rlpToList,
  rlpToUint,
  toHex,
  uintToRlp,
} from '../../protocol/index.ts'
import type { Fees, TransactionKind } from './Fees.ts'

/** One version of a transaction that was handed to L1. */
export type Attempt = Fees & {
  hash: Hex
  /** Whether it is an empty transaction of the other kind, sent to free the nonce (ADR 0012). */
  isCancellation: boolean
}

/** A blob and its KZG commitment, which names it in a transaction; proofs can be computed again. */
export type TrackedBlob = { blob: Uint8Array; commitment: Hex }

/** An L1 transaction as it is kept on disk until L1 has finalized it: written before it is first sent. */
export type TrackedTransaction = {
  nonce: bigint
  /** What the transaction is for, in the sender's own words. */
  reference: string
  to: Address
  data: Uint8Array
  blobs: readonly TrackedBlob[]
  gasLimit: bigint
  /** Oldest first; each replaces the one before. */
  attempts: readonly Attempt[]
}

/** Tells in which of a node's pools a transaction waits. */
export function kindOf({ blobs }: Pick<TrackedTransaction, 'blobs'>): TransactionKind {
  return blobs.length > 0 ? 'blobs' : 'calldata'
}

/**
 * Encodes a tracked transaction as `rlp([nonce, reference, to, data, [[blob, commitment], ...], gasLimit,
 * [[hash, maxFee, priorityFee, maxBlobFee, isCancellation], ...]])`.
 */
export function trackedToBytes(tracked: TrackedTransaction): Uint8Array {
  return encodeRlp([
    uintToRlp(tracked.nonce),
    new TextEncoder().encode(tracked.reference),
    fromHex(tracked.to, 20),
    tracked.data,
    tracked.blobs.map(({ blob, commitment }) => [blob, fromHex(commitment, 48)]),
    uintToRlp(tracked.gasLimit),
    tracked.attempts.map((attempt) => [
      fromHex(attempt.hash, 32),
      uintToRlp(attempt.maxFeePerGas),
      uintToRlp(attempt.maxPriorityFeePerGas),
      uintToRlp(attempt.maxFeePerBlobGas),
      uintToRlp(attempt.isCancellation ? 1n : 0n),
    ]),
  ])
}

/**
 * Decodes what {@link trackedToBytes} encoded.
 *
 * @throws {RlpError} when the bytes are anything else.
 */
export function trackedFromBytes(bytes: Uint8Array): TrackedTransaction {
  const [nonce, reference, to, data, blobs, gasLimit, attempts] = rlpToList(decodeRlp(bytes), 7)
  return {
    nonce: rlpToUint(nonce, 64),
    reference: new TextDecoder().decode(rlpToBytes(reference)),
    to: toHex(rlpToBytes(to, 20)),
    data: rlpToBytes(data),
    blobs: rlpToList(blobs).map((item) => {
      const [blob, commitment] = rlpToList(item, 2)
      return { blob: rlpToBytes(blob, BLOB_BYTES), commitment: toHex(rlpToBytes(commitment, 48)) }
    }),
    gasLimit: rlpToUint(gasLimit, 64),
    attempts: rlpToList(attempts).map((item) => {
      const [hash, maxFee, priorityFee, maxBlobFee, isCancellation] = rlpToList(item, 5)
      return {
        hash: toHex(rlpToBytes(hash, 32)),
        maxFeePerGas: rlpToUint(maxFee, 256),
        maxPriorityFeePerGas: rlpToUint(priorityFee, 256),
        maxFeePerBlobGas: rlpToUint(maxBlobFee, 256),
        isCancellation: rlpToUint(isCancellation, 8) !== 0n,
      }
    }),
  }
}
