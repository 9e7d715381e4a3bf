import { type BlockRef, type L1Client, type L1Header, ResetFault } from '../node/index.ts'
import type { BlockAttributes, RollupConfig } from '../protocol/index.ts'
import { readDeposits } from './deposits.ts'

/** Puts together what a block is made of. */
export interface AttributesBuilder {
  /**
   * Builds the attributes of the block after `parent` with the L1 origin `epoch`: the origin's deposits when it is new, then
   * `transactions`.
   *
   * @throws {ResetFault} when `epoch` is neither the parent's origin nor the L1 block after it.
   * @throws {TemporaryFault} when L1 cannot be read.
   */
  build(request: {
    parent: BlockRef
    epoch: L1Header
    /** Seconds. */
    timestamp: bigint
    /** Raw set-configs. */
    transactions: readonly Uint8Array[]
  }): Promise<BlockAttributes>
}

/** Makes the builder that sequencer and verifier share, so that both make the same block of the same choice. */
export function createAttributesBuilder({
  l1,
  rollup,
}: {
  l1: Pick<L1Client, 'mayHaveLogs' | 'receipts'>
  rollup: Pick<RollupConfig, 'depositContractAddress'>
}): AttributesBuilder {
  return {
    async build({ parent, epoch, timestamp, transactions }) {
      const { number, hash, parentBeaconBlockRoot } = epoch
      const isSame = hash === parent.l1Origin.hash
      const isNext = number === parent.l1Origin.number + 1n && epoch.parentHash === parent.l1Origin.hash
      if (!isSame && !isNext) {
        throw new ResetFault(
          `L1 block ${number} ${hash} does not follow ${parent.l1Origin.number} ${parent.l1Origin.hash}`,
        )
      }
      const deposits = isSame ? [] : await readDeposits(l1, epoch, rollup.depositContractAddress)
      return {
        timestamp,
        l1Origin: { number, hash, parentBeaconBlockRoot },
        sequenceNumber: isSame ? parent.sequenceNumber + 1n : 0n,
        transactions: [...deposits, ...transactions],
      }
    },
  }
}
