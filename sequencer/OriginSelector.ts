import { type BlockRef, type L1Client, type L1Header, ResetFault, TemporaryFault } from '../node/index.ts'
import type { RollupConfig } from '../protocol/index.ts'

/** The L1 origin for the next block, and whether the block has to be empty because the origin is too old. */
export type SelectedOrigin = { origin: L1Header; mustBeEmpty: boolean }

/** Chooses the L1 origin of the next block as op-node does. */
export interface OriginSelector {
  /**
   * Chooses between the parent's origin and the L1 block after it.
   *
   * @throws {TemporaryFault} when L1 cannot be read, or has no block yet that the next one could stand on.
   * @throws {ResetFault} when L1 left the chain that the parent's origin is on.
   */
  select(parent: BlockRef): Promise<SelectedOrigin>
}

/** Makes a selector that looks only at L1 blocks with `confirmations` blocks above them. */
export function createOriginSelector({
  l1,
  rollup,
  confirmations,
}: {
  l1: Pick<L1Client, 'header' | 'headerByHash'>
  rollup: Pick<RollupConfig, 'blockTime' | 'maxSequencerDrift' | 'seqWindowSize'>
  confirmations: bigint
}): OriginSelector {
  async function readCurrent({ l1Origin }: BlockRef): Promise<L1Header> {
    const current = await l1.headerByHash(l1Origin.hash)
    if (current !== undefined) return current
    throw new ResetFault(
      `L1 no longer has block ${l1Origin.number} ${l1Origin.hash}, the unsafe head's origin`,
    )
  }

  async function readNext(current: L1Header): Promise<L1Header | undefined> {
    const next = await l1.header(current.number + 1n)
    if (next === undefined) {
      // Without a next block only the hash at this height tells whether the origin still stands.
      const same = await l1.header(current.number)
      if (same !== undefined && same.hash !== current.hash) throw leftChain(current, same)
      return undefined
    }
    if (next.parentHash !== current.hash) throw leftChain(current, next)
    if (confirmations === 0n) return next
    const head = await l1.header('latest')
    return head !== undefined && head.number >= next.number + confirmations ? next : undefined
  }

  /**
   * Whether every batch with this origin comes too late. After a long absence the first blocks to catch up with are such:
   * left empty, they are the blocks that derivation makes in their place, and those after them stand.
   */
  async function isClosed(origin: L1Header): Promise<boolean> {
    const head = await l1.header('latest')
    return head !== undefined && head.number >= origin.number + rollup.seqWindowSize
  }

  return {
    async select(parent) {
      const current = await readCurrent(parent)
      const next = await readNext(current)
      const timestamp = parent.timestamp + rollup.blockTime
      const isTooOld = (origin: L1Header) => timestamp > origin.timestamp + rollup.maxSequencerDrift
      if (next !== undefined && next.timestamp <= timestamp)
        return { origin: next, mustBeEmpty: isTooOld(next) || (await isClosed(next)) }
      if (next === undefined && isTooOld(current)) {
        // Whether this block keeps its origin depends on the next one's time: derivation would drop a wrong guess.
        throw new TemporaryFault(
          `L1 block ${current.number} is too old an origin for time ${timestamp}, and the next one is not there yet`,
        )
      }
      // Without a next block the origin is L1's head, whose window is open for long.
      const mustBeEmpty = isTooOld(current) || (next !== undefined && (await isClosed(current)))
      return { origin: current, mustBeEmpty }
    },
  }
}

function leftChain(current: L1Header, other: L1Header): ResetFault {
  return new ResetFault(`L1 reorganised: block ${other.number} ${other.hash} does not follow ${current.hash}`)
}
