import type { TransactionKind } from '../l1/Fees.ts'

/** Where batches go: `auto` is whichever costs less. */
export type DataAvailability = TransactionKind | 'auto'

/** When {@link DataChooser} changes its mind. */
export type DataChooserOptions = {
  /** By how much more the kind in use must cost than the other. */
  switchMarginPercent: bigint
  /** For how many L1 blocks, without a look in between that says otherwise. */
  switchPatience: bigint
}

/** What the same bytes cost in either form, in wei; blobs have no cost where L1 has none. */
export type DataCosts = { calldata: bigint; blobs: bigint | undefined }

/** Chooses between calldata and blobs, and stays with the choice unless the other is clearly cheaper for a while (ADR 0012). */
export interface DataChooser {
  /** Tells the choice as of the last look; undefined before the first. */
  current(): TransactionKind | undefined
  /** Looks at the costs as of an L1 block, and chooses. */
  choose(costs: DataCosts, l1Block: bigint): TransactionKind
}

/** Makes a chooser that begins with `initial`, or with what is cheaper at its first look. */
export function createDataChooser(
  { switchMarginPercent, switchPatience }: DataChooserOptions,
  initial: TransactionKind | undefined,
): DataChooser {
  let current = initial
  let cheaperSince: bigint | undefined

  return {
    current: () => current,
    choose({ calldata, blobs }, l1Block) {
      if (blobs === undefined) {
        cheaperSince = undefined
        current = 'calldata'
        return current
      }
      if (current === undefined) {
        current = blobs < calldata ? 'blobs' : 'calldata'
        return current
      }
      const [own, other] = current === 'calldata' ? [calldata, blobs] : [blobs, calldata]
      if (other * (100n + switchMarginPercent) > own * 100n) {
        cheaperSince = undefined
        return current
      }
      // L1's head may have been said too high, or go back.
      if (cheaperSince === undefined || l1Block < cheaperSince) cheaperSince = l1Block
      if (l1Block - cheaperSince < switchPatience) return current
      cheaperSince = undefined
      current = current === 'calldata' ? 'blobs' : 'calldata'
      return current
    },
  }
}
