import type { Hex } from 'viem'
import type { Block, BlockResult, Receipt, RejectReason, StateReader } from '../../protocol/index.ts'
import type { BlockId, BlockRef, Heads } from '../BlockRef.ts'
import type { ChainBase } from './ChainBase.ts'
import type { OpaqueBucket, OpaqueBucketName } from './OpaqueBucket.ts'
import type { StoredOutput } from './StoredOutput.ts'

/** The L1 block, and where there is one the batcher's transaction, from which a safe block was derived. */
export type Inclusion = { l1Block: BlockId; transactionHash: Hex | undefined }

/** Where a transaction stands in the chain. */
export type TransactionLocation = { blockHash: Hex; blockNumber: bigint; index: number; raw: Uint8Array }

/** Why an executed transaction had no effect; undefined when it was valid. */
export type Verdict = RejectReason | undefined

/**
 * The chain on disk: synchronous reads, atomic writes, on disk when they resolve but for {@link ChainStore.appendSafe}. One writer at
 * a time (the Engine).
 *
 * Blocks that a rewind drops are forgotten; trie nodes and configs are content-addressed and stay.
 */
export interface ChainStore extends StateReader {
  blockByNumber(number: bigint): Block | undefined
  blockByHash(hash: Hex): Block | undefined
  receiptsOf(blockHash: Hex): readonly Receipt[] | undefined
  /** Tells of each transaction of a block what was wrong with it. */
  verdictsOf(blockHash: Hex): readonly Verdict[] | undefined
  /** Finds a transaction by the hash of its raw bytes: the place where it was valid, else its first place. */
  transaction(hash: Hex): TransactionLocation | undefined
  /** Finds the deposit that forced the set-config with this hash. */
  forcedTransaction(setConfigHash: Hex): TransactionLocation | undefined
  /** Tells where the chain of this database begins. */
  base(): ChainBase
  heads(): Heads
  /**
   * Appends a child of the unsafe head.
   *
   * @throws {NotOnHeadError} when it is none.
   */
  appendUnsafe(result: BlockResult): Promise<void>
  /**
   * Appends a child of the unsafe head that is safe at once. It may resolve before the block is on disk: a crash loses
   * the newest of such blocks, which L1 holds. Every later write is on disk after this one, and fails when it did.
   *
   * @throws {NotOnHeadError} when it is none, or the safe head is not the unsafe head.
   */
  appendSafe(result: BlockResult, inclusion: Inclusion): Promise<void>
  /**
   * Moves the safe head to its child `ref`.
   *
   * @throws {NotOnHeadError} when it is none.
   */
  markSafe(ref: BlockId, inclusion: Inclusion): Promise<void>
  /**
   * Moves the finalized head forward to a safe block.
   *
   * @throws {NotOnHeadError} when the block is not safe.
   */
  markFinalized(ref: BlockId): Promise<void>
  /**
   * Drops every block above `number` and takes the safe head back to `safeNumber`, by default only as far as needed.
   *
   * @throws {CriticalFault} when that is below the finalized head, and so always where it is below the base.
   */
  rewind(number: bigint, safeNumber?: bigint): Promise<void>
  /** Tells from which L1 block a safe block was derived; undefined for genesis, unsafe blocks and those below the base. */
  inclusionOf(blockNumber: bigint): Inclusion | undefined
  /** Finds the newest block that was safe once L1 block `l1Number` had been read; the base where that is not known. */
  safeHeadAtL1(l1Number: bigint): BlockRef
  /** Counts the standing outputs; known are those from the base's first output on, which are never counted out. */
  outputCount(): bigint
  outputByIndex(index: bigint): StoredOutput | undefined
  /** Finds the first standing output at or above an L2 block, which must be above the base. */
  outputForBlock(l2BlockNumber: bigint): StoredOutput | undefined
  /**
   * Adds the output with the next index.
   *
   * @throws {OutputIndexError} when its index is another.
   */
  putOutput(output: StoredOutput): Promise<void>
  /** Removes the known outputs from index `count` on (deleted on L1, or reorganised away). */
  truncateOutputs(count: bigint): Promise<void>
  /**
   * Streams the snapshot that an output of a finalized block vouches for (docs/snapshot.md), while the chain may go on.
   *
   * @throws as `writeSnapshot`, when it is read.
   */
  snapshot(output: StoredOutput): AsyncIterable<Uint8Array>
  /** Opens a bucket of bytes that belongs to another part. */
  bucket(name: OpaqueBucketName): OpaqueBucket
  /**
   * Resolves when all that {@link ChainStore.appendSafe} left to be written is on disk.
   *
   * @throws what made it fail.
   */
  flush(): Promise<void>
  close(): Promise<void>
}
