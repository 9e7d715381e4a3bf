import { outputRootOf, type RollupConfig } from '../../protocol/index.ts'
import type { ChainStore } from '../store/ChainStore.ts'
import type { StoredOutput } from '../store/StoredOutput.ts'
import { findSnapshotBase } from './findSnapshotBase.ts'
import { NoSnapshotError } from './snapshotErrors.ts'

/** Which snapshot is wanted: that of an output, or of the block of one. */
export type WantedSnapshot = { outputIndex: bigint } | { blockNumber: bigint }

type Store = Pick<
  ChainStore,
  | 'base'
  | 'heads'
  | 'blockByNumber'
  | 'inclusionOf'
  | 'safeHeadAtL1'
  | 'outputCount'
  | 'outputByIndex'
  | 'outputForBlock'
>

/**
 * Chooses the output that a snapshot is to rest on: the one that is wanted, else the newest of a finalized block that is past its
 * challenge period by the time of the finalized head, else the newest of a finalized block.
 *
 * @throws {NoSnapshotError} when there is none, or the one that is wanted cannot be used.
 */
export function chooseSnapshotOutput(
  store: Store,
  rollup: Pick<RollupConfig, 'challengePeriod'>,
  wanted?: WantedSnapshot,
): StoredOutput {
  if (wanted === undefined) return newestOutput(store, rollup)
  const output =
    'outputIndex' in wanted
      ? store.outputByIndex(wanted.outputIndex)
      : store.outputForBlock(wanted.blockNumber)
  if (output === undefined) {
    throw new NoSnapshotError('NO_OUTPUT', 'this node knows no such output: is it deleted, or not read yet?')
  }
  if ('blockNumber' in wanted && output.l2BlockNumber !== wanted.blockNumber) {
    const message = `no output is of block ${wanted.blockNumber}; the next one, ${output.index}, is of block ${output.l2BlockNumber}`
    throw new NoSnapshotError('NOT_AN_OUTPUT_BLOCK', message)
  }
  requireUsable(store, output)
  return output
}

function newestOutput(
  store: Store,
  { challengePeriod }: Pick<RollupConfig, 'challengePeriod'>,
): StoredOutput {
  const { timestamp } = store.heads().finalized
  let newest: StoredOutput | undefined
  for (let index = store.outputCount() - 1n; index >= store.base().firstOutput.index; index--) {
    const output = store.outputByIndex(index)
    if (output === undefined || !isUsable(store, output)) continue
    if (output.l1Timestamp + BigInt(challengePeriod) <= timestamp) return output
    newest ??= output
  }
  if (newest !== undefined) return newest
  throw new NoSnapshotError('NO_OUTPUT', 'no output on L1 is of a finalized block of this chain yet')
}

function isUsable(store: Store, output: StoredOutput): boolean {
  try {
    requireUsable(store, output)
    return true
  } catch (error) {
    if (error instanceof NoSnapshotError) return false
    throw error
  }
}

function requireUsable(
  store: Store,
  { index, l2BlockNumber: number, outputRoot: posted }: StoredOutput,
): void {
  const { finalized } = store.heads()
  if (number > finalized.number) {
    const message = `output ${index} is of block ${number}, and final is only block ${finalized.number}`
    throw new NoSnapshotError('NOT_FINALIZED', message)
  }
  findSnapshotBase(store, number)
  const block = store.blockByNumber(number)
  if (block === undefined) return
  const own = outputRootOf(block)
  if (own === posted) return
  throw new NoSnapshotError('OUTPUT_DIFFERS', `output ${index} is ${posted}, but this chain's is ${own}`)
}
