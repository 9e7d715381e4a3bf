import type { Hex } from 'viem'
import type { OnDrop } from './Dropped.ts'
import type { L1Source } from './L1Source.ts'
import type { L1Traversal } from './L1Traversal.ts'

/** One calldata payload or the content of one blob, and the L1 transaction that carried it. */
export type RetrievedDatum = { bytes: Uint8Array; transactionHash: Hex }

/** Reads the batcher's data in the L1 block that the traversal has reached. */
export interface L1Retrieval {
  /** Gets the next datum in the order of L1; undefined when the block has no more. */
  next(): Promise<RetrievedDatum | undefined>
  /** Starts again; blocks before `first` have been read already. */
  reset(first: bigint): void
}

/** Makes the retrieval stage. */
export function createL1Retrieval({
  traversal,
  source,
  first,
  onDrop,
}: {
  traversal: Pick<L1Traversal, 'origin'>
  source: Pick<L1Source, 'batcherData'>
  /** Number of the first block to read. */
  first: bigint
  onDrop: OnDrop
}): L1Retrieval {
  let readFrom = first
  let loaded: Hex | undefined
  let data: RetrievedDatum[] = []

  async function load(): Promise<void> {
    const header = traversal.origin()
    if (loaded === header.hash) return
    const found = header.number < readFrom ? [] : await source.batcherData(header)
    // Reversed, so that taking the first one is taking the last.
    data = found.flatMap(({ bytes, transactionHash }) => {
      if (bytes === undefined) onDrop('MALFORMED_BLOB', transactionHash)
      return bytes === undefined ? [] : [{ bytes, transactionHash }]
    })
    data.reverse()
    loaded = header.hash
  }

  return {
    async next() {
      await load()
      return data.pop()
    },
    reset(from) {
      readFrom = from
      loaded = undefined
      data = []
    },
  }
}
