import type { Hex } from 'viem'

/** An L1 block hash, and the proof for which its source vouches for it (protocol.md §7.1). */
export type VouchedBlock = { hash: Hex; sourceProof: Hex }
