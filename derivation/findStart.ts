import {
  type BlockId,
  type BlockRef,
  blockToRef,
  type ChainStore,
  CriticalFault,
  type L1Client,
  TemporaryFault,
} from '../node/index.ts'
import type { RollupConfig } from '../protocol/index.ts'
import type { PipelineStart } from './Pipeline.ts'

/** Where derivation begins after a start or a reorganisation of L1. */
export type DerivationStart = PipelineStart & {
  /** The newest safe block whose data still stand on L1. */
  safe: BlockRef
  /** The newest unsafe block whose origin L1 has not taken back. */
  unsafe: BlockRef
  /** The safe head before the first L1 block to read; blocks up to `safe` are derived once more, and must come out the same. */
  parent: BlockRef
  /** The L1 block by which all of this holds: reading on from where L1 has another one would leave out what that fork carries. */
  landmark: BlockId
}

type Standing = 'stands' | 'gone' | 'unknown'

/**
 * Finds the newest block that L1, as it is now, still carries, and where to read on.
 *
 * Derivation goes on from the boundary of an L1 block, never from the middle of one: which batches are future or past
 * depends on the safe head at that boundary, so only there does reading on equal reading afresh.
 *
 * @throws {TemporaryFault} when L1 lags behind what was derived already.
 * @throws {CriticalFault} when L1 is not the rollup's, or has taken back what was finalized.
 */
export async function findStart({
  l1,
  store,
  rollup,
}: {
  l1: Pick<L1Client, 'header' | 'headerByHash'>
  store: Pick<ChainStore, 'base' | 'heads' | 'blockByNumber' | 'inclusionOf' | 'safeHeadAtL1'>
  rollup: Pick<RollupConfig, 'genesis'>
}): Promise<DerivationStart> {
  const genesis = rollup.genesis.l1
  const standing = async ({ number, hash }: BlockId): Promise<Standing> => {
    const header = await l1.header(number)
    if (header === undefined) return 'unknown'
    return header.hash === hash ? 'stands' : 'gone'
  }
  const refAt = (number: bigint): BlockRef => {
    const block = store.blockByNumber(number)
    if (block === undefined)
      throw new CriticalFault(`the database lacks block ${number}: derive it into a new one`)
    return blockToRef(block)
  }
  const base = store.base()
  const inclusionAt = (number: bigint): BlockId => store.inclusionOf(number)?.l1Block ?? base.l1Block

  const heads = store.heads()
  if ((await standing(genesis)) === 'gone') {
    throw new CriticalFault(
      `L1 has another block ${genesis.number} than ${genesis.hash}: check the L1 URL and the rollup config`,
    )
  }
  const safeNumber = await findLast(heads.finalized.number, heads.safe.number, async (number) => {
    const found = await standing(inclusionAt(number))
    if (found === 'unknown') throw new TemporaryFault(`L1 lags behind block ${inclusionAt(number).number}`)
    return found === 'stands'
  })
  if (safeNumber === undefined) {
    throw new CriticalFault(
      `L1 took back block ${inclusionAt(heads.finalized.number).number}, which was finalized`,
      { details: { reason: 'FINALIZED_L1_REVERTED' } },
    )
  }
  // An origin that L1 does not have yet may still come: only what L1 contradicts is given up. But while L1 is asked others build
  // unsafe blocks, or take them back: what is gone does not stand.
  const unsafeNumber = await findLast(safeNumber, heads.unsafe.number, async (number) => {
    const block = store.blockByNumber(number)
    return block !== undefined && (await standing(blockToRef(block).l1Origin)) !== 'gone'
  })
  // The base is the last block that its L1 block led to; every other may have had successors in the same one.
  const firstData =
    safeNumber === base.block.number ? base.l1Block.number + 1n : inclusionAt(safeNumber).number
  const parent = store.safeHeadAtL1(firstData - 1n)
  const origin = await l1.headerByHash(parent.l1Origin.hash)
  if (origin === undefined) throw new TemporaryFault(`L1 does not give block ${parent.l1Origin.hash}`)
  // What was built meanwhile on a head that stands is kept.
  const isWhole = unsafeNumber === heads.unsafe.number
  const lastStanding = isWhole ? undefined : store.blockByNumber(unsafeNumber ?? safeNumber)
  return {
    safe: refAt(safeNumber),
    unsafe: lastStanding === undefined ? store.heads().unsafe : blockToRef(lastStanding),
    parent,
    origin,
    firstData,
    landmark: inclusionAt(safeNumber),
  }
}

/** Finds by halving the last number from `low` to `high` that holds, when those that hold come first; undefined when none does. */
export async function findLast(
  low: bigint,
  high: bigint,
  holds: (number: bigint) => boolean | Promise<boolean>,
): Promise<bigint | undefined> {
  if (await holds(high)) return high
  if (low === high || !(await holds(low))) return undefined
  let [known, unknown] = [low, high]
  while (unknown - known > 1n) {
    const middle = (known + unknown) / 2n
    if (await holds(middle)) known = middle
    else unknown = middle
  }
  return known
}
