import type { Block, BlockAttributes, Receipt } from '../protocol/index.ts'
import type { BlockId, BlockRef } from './BlockRef.ts'
import type { Inclusion } from './ChainStore.ts'

/** A block with its receipts. */
export type ExecutedBlock = { block: Block; receipts: readonly Receipt[] }

/** What happened to the chain; listeners hear it after it is on disk. */
export type EngineEvent =
  | ({ type: 'unsafe'; ref: BlockRef } & ExecutedBlock)
  | { type: 'safe'; ref: BlockRef; inclusion: Inclusion }
  | { type: 'finalized'; ref: BlockRef }
  /** `unsafe` and `safe` are the heads now; `dropped` are the blocks no longer in the chain, newest first. */
  | { type: 'rewound'; unsafe: BlockRef; safe: BlockRef; dropped: readonly ExecutedBlock[] }

/** The single writer of the chain: its methods run one after the other, in the order of the calls. */
export interface Engine {
  /**
   * Builds a block on the unsafe head.
   *
   * `attributes` may be a function of the head, called when the block's turn has come.
   */
  build(attributes: BlockAttributes | ((head: BlockRef) => BlockAttributes)): Promise<Block>
  /**
   * Makes the block that `attributes` describe the safe child of `parent`, which must be the safe head.
   * An equal unsafe block is marked safe; a different one is dropped with all above it, and the derived one built.
   */
  consolidate(
    parent: BlockId,
    attributes: BlockAttributes,
    inclusion: Inclusion,
  ): Promise<{ block: Block; replaced: boolean }>
  finalize(ref: BlockId): Promise<void>
  /** Drops blocks above `number`, and takes the safe head back to `safeNumber` (by default as little as needed). */
  reset(number: bigint, safeNumber?: bigint): Promise<void>
  /** Registers a listener and returns the function that removes it. */
  subscribe(listener: (event: EngineEvent) => void): () => void
  /** Resolves when every call made so far has finished. */
  idle(): Promise<void>
}
