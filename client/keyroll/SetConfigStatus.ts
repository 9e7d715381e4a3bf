import type { Hex } from 'viem'
import type { SignedPromise } from '../../protocol/index.ts'

/**
 * How far a set-config has come, in this order: unknown to the node, promised, in a block, in a block derived from L1, under an
 * output, under an output past the challenge period (docs/rpc.md).
 */
export const SET_CONFIG_STAGES = ['unknown', 'pending', 'unsafe', 'safe', 'proposed', 'finalized'] as const

/** One of {@link SET_CONFIG_STAGES}. */
export type SetConfigStage = (typeof SET_CONFIG_STAGES)[number]

/** What a node knows of a set-config; times are seconds. */
export type SetConfigStatus = {
  stage: SetConfigStage
  transactionHash: Hex
  /** From the sequencer that gave it. */
  signedPromise?: SignedPromise
  /** Why it cannot take effect any more although it was promised: a deposit took its nonce, or one before it. */
  displacedReason?: string
  /** The Keyroll block. */
  blockNumber?: bigint
  blockHash?: Hex
  /** Whether it took effect. */
  valid?: boolean
  /** Why it did not. */
  invalidReason?: string
  /** Where L1 carries the block; a block that derivation made by itself has no transaction. */
  l1?: { blockNumber: bigint; blockHash: Hex; transactionHash: Hex | undefined }
  /** The first output that commits to the block. */
  output?: { index: bigint; outputRoot: Hex; l1Timestamp: bigint; l2BlockNumber: bigint }
}
