import type { Hex } from 'viem'

/** An L1 block hash, and the proof for which its source vouches for it (protocol.md §7.1). */
export type VouchedBlock = {
  hash: Hex
  sourceProof: Hex
  /** Whether the source forgets it with the next block that the chain takes over: a transaction may come too late. */
  isFleeting: boolean
}
