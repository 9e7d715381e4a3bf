import type { Address, Hex } from 'viem'
import {
  decodeRlp,
  encodeRlp,
  fromHex,
  rlpToBytes,
  rlpToList,
  rlpToUint,
  toHex,
  uintToRlp,
} from '../protocol/index.ts'
import type { Fees } from './Fees.ts'

/** One version of a transaction that was handed to L1. */
export type Attempt = Fees & { hash: Hex }

/** An L1 transaction as it is kept on disk until L1 has finalized it: written before it is first sent. */
export type TrackedTransaction = {
  nonce: bigint
  /** What the transaction is for, in the sender's own words. */
  reference: string
  to: Address
  data: Uint8Array
  gasLimit: bigint
  /** Oldest first; each replaces the one before. */
  attempts: readonly Attempt[]
}

/** Encodes a tracked transaction as `rlp([nonce, reference, to, data, gasLimit, [[hash, maxFee, priorityFee], ...]])`. */
export function trackedToBytes(tracked: TrackedTransaction): Uint8Array {
  return encodeRlp([
    uintToRlp(tracked.nonce),
    new TextEncoder().encode(tracked.reference),
    fromHex(tracked.to, 20),
    tracked.data,
    uintToRlp(tracked.gasLimit),
    tracked.attempts.map(({ hash, maxFeePerGas, maxPriorityFeePerGas }) => [
      fromHex(hash, 32),
      uintToRlp(maxFeePerGas),
      uintToRlp(maxPriorityFeePerGas),
    ]),
  ])
}

/**
 * Decodes what {@link trackedToBytes} encoded.
 *
 * @throws {RlpError} when the bytes are anything else.
 */
export function trackedFromBytes(bytes: Uint8Array): TrackedTransaction {
  const [nonce, reference, to, data, gasLimit, attempts] = rlpToList(decodeRlp(bytes), 6)
  return {
    nonce: rlpToUint(nonce, 64),
    reference: new TextDecoder().decode(rlpToBytes(reference)),
    to: toHex(rlpToBytes(to, 20)),
    data: rlpToBytes(data),
    gasLimit: rlpToUint(gasLimit, 64),
    attempts: rlpToList(attempts).map((item) => {
      const [hash, maxFee, priorityFee] = rlpToList(item, 3)
      return {
        hash: toHex(rlpToBytes(hash, 32)),
        maxFeePerGas: rlpToUint(maxFee, 256),
        maxPriorityFeePerGas: rlpToUint(priorityFee, 256),
      }
    }),
  }
}
