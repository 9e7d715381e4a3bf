import type { Hex } from 'viem'
import type { BlockId } from '../BlockRef.ts'

/** An output as the OutputOracle recorded it, and the L1 transaction that posted it (protocol.md §5.4). */
export type StoredOutput = {
  index: bigint
  outputRoot: Hex
  /** Seconds; the L1 block time of the proposal. */
  l1Timestamp: bigint
  l2BlockNumber: bigint
  l1Block: BlockId
  transactionHash: Hex
}
