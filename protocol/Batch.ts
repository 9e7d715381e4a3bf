import type { Hex } from 'viem'
import { concat, fromHex, toHex } from './bytes.ts'
import { decodeRlp, encodeRlp, RlpError, rlpToBytes, rlpToList, rlpToUint, uintToRlp } from './Rlp.ts'

/** What the sequencer says of one block (OP Stack, derivation, singular batch). */
export type SingularBatch = {
  parentHash: Hex
  /** The L1 origin's number. */
  epochNumber: bigint
  epochHash: Hex
  /** Seconds. */
  timestamp: bigint
  /** Raw set-configs; deposits come from L1. */
  transactions: readonly Uint8Array[]
}

const SINGULAR_BATCH_VERSION = 0

/** Encodes a batch: `0x00 ‖ rlp([parentHash, epochNumber, epochHash, timestamp, [raw, ...]])`. */
export function batchToBytes(batch: SingularBatch): Uint8Array {
  const payload = encodeRlp([
    fromHex(batch.parentHash, 32),
    uintToRlp(batch.epochNumber),
    fromHex(batch.epochHash, 32),
    uintToRlp(batch.timestamp),
    batch.transactions,
  ])
  return concat(Uint8Array.of(SINGULAR_BATCH_VERSION), payload)
}

/**
 * Decodes a batch.
 *
 * @throws {RlpError} when the bytes are no canonical singular batch.
 */
export function batchFromBytes(bytes: Uint8Array): SingularBatch {
  if (bytes[0] !== SINGULAR_BATCH_VERSION) {
    throw new RlpError(`got batch version ${bytes[0]}, expected ${SINGULAR_BATCH_VERSION}`)
  }
  const [parentHash, epochNumber, epochHash, timestamp, transactions] = rlpToList(
    decodeRlp(bytes.subarray(1)),
    5,
  )
  return {
    parentHash: toHex(rlpToBytes(parentHash, 32)),
    epochNumber: rlpToUint(epochNumber, 64),
    epochHash: toHex(rlpToBytes(epochHash, 32)),
    timestamp: rlpToUint(timestamp, 64),
    transactions: rlpToList(transactions).map((raw) => rlpToBytes(raw)),
  }
}
