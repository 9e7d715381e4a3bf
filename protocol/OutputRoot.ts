import type { Hex } from 'viem'
import type { Block } from './Block.ts'
import { concat, fromHex, keccakHex } from './bytes.ts'

/** The preimage of an output root, less its version. */
export type Output = { stateRoot: Hex; keystoreRoot: Hex; blockHash: Hex }

/** Computes the version 0 output root: `keccak(0^32 ‖ stateRoot ‖ keystoreRoot ‖ blockHash)` (protocol.md §4). */
export function outputRoot({ stateRoot, keystoreRoot, blockHash }: Output): Hex {
  return keccakHex(
    concat(new Uint8Array(32), fromHex(stateRoot, 32), fromHex(keystoreRoot, 32), fromHex(blockHash, 32)),
  )
}

/** Computes the version 0 output root of the state after a block. */
export function outputRootOf({ header, hash }: Pick<Block, 'header' | 'hash'>): Hex {
  return outputRoot({ stateRoot: header.stateRoot, keystoreRoot: header.withdrawalsRoot, blockHash: hash })
}
