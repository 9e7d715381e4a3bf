import type { BlockRef } from '../BlockRef.ts'
import type { ChainStore } from '../store/ChainStore.ts'
import { NoSnapshotError } from './snapshotErrors.ts'

/**
 * Finds the block whose state the snapshot of a safe block holds: the safe head before the L1 block that led to that block. Derivation
 * goes on at the boundary of an L1 block only (protocol.md §6), and an output's block may be anywhere between two.
 *
 * @throws {NoSnapshotError} when that is genesis, or below where this database begins.
 */
export function findSnapshotBase(
  store: Pick<ChainStore, 'base' | 'inclusionOf' | 'safeHeadAtL1'>,
  number: bigint,
): BlockRef {
  const base = store.base()
  const carrier = store.inclusionOf(number)?.l1Block.number
  if (carrier === undefined || number <= base.block.number) {
    const message = `block ${number} is not a safe block above ${base.block.number}, where this database begins`
    throw new NoSnapshotError('TOO_EARLY', message)
  }
  const found = store.safeHeadAtL1(carrier - 1n)
  if (found.number > 0n) return found
  const message = `nothing was derived before L1 block ${carrier}, which led to block ${number}: genesis needs no snapshot`
  throw new NoSnapshotError('TOO_EARLY', message)
}
