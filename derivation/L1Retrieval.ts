import { type Hex, toEventSelector } from 'viem'
import {
  type L1Client,
  type L1Header,
  type L1Receipt,
  type L1Transaction,
  ResetFault,
} from '../node/index.ts'
import { BlobError, decodeBlob, type RollupConfig } from '../protocol/index.ts'
import type { OnDrop } from './Dropped.ts'
import type { L1Traversal } from './L1Traversal.ts'

/** One calldata payload or the content of one blob, and the L1 transaction that carried it. */
export type BatcherDatum = { bytes: Uint8Array; transactionHash: Hex }

/** Reads the batcher's data in the L1 block that the traversal has reached. */
export interface L1Retrieval {
  /** Gets the next datum in the order of L1; undefined when the block has no more. */
  next(): Promise<BatcherDatum | undefined>
  /** Starts again; blocks before `first` have been read already. */
  reset(first: bigint): void
}

/** What retrieval needs of L1. */
export type RetrievalL1 = Pick<L1Client, 'mayHaveLogs' | 'receipts' | 'transactions' | 'blobs'>

const BATCH_SUBMITTED = toEventSelector('BatchSubmitted(uint256,bytes32,bytes32)')

/** Makes the retrieval stage. */
export function createL1Retrieval({
  traversal,
  l1,
  rollup,
  first,
  onDrop,
}: {
  traversal: Pick<L1Traversal, 'origin'>
  l1: RetrievalL1
  rollup: Pick<RollupConfig, 'batchInboxAddress'>
  /** Number of the first block to read. */
  first: bigint
  onDrop: OnDrop
}): L1Retrieval {
  let readFrom = first
  let loaded: Hex | undefined
  let data: readonly BatcherDatum[] = []
  const inbox = rollup.batchInboxAddress

  async function load(header: L1Header): Promise<readonly BatcherDatum[]> {
    if (header.number < readFrom || !l1.mayHaveLogs(header, [inbox])) return []
    const receipts = await l1.receipts(header)
    if (!receipts.some(isSubmission)) return []
    const transactions = await l1.transactions(header)
    if (transactions.length !== receipts.length) {
      throw new ResetFault(
        `L1 gave ${receipts.length} receipts for ${transactions.length} transactions of ${header.hash}`,
      )
    }
    const submissions = transactions.filter((transaction, i) => {
      return transaction.to === inbox && isSubmission(receipts[i] as L1Receipt)
    })
    const found: BatcherDatum[] = []
    for (const transaction of submissions) found.push(...(await dataOf(header, transaction)))
    return found
  }

  /** A submission counts exactly when the inbox's event stands in a successful receipt (protocol.md §5.3). */
  function isSubmission({ status, logs }: L1Receipt): boolean {
    return (
      status === 1 && logs.some(({ address, topics }) => address === inbox && topics[0] === BATCH_SUBMITTED)
    )
  }

  async function dataOf(header: L1Header, transaction: L1Transaction): Promise<BatcherDatum[]> {
    const { hash: transactionHash, input, blobVersionedHashes } = transaction
    if (blobVersionedHashes.length === 0) return [{ bytes: input, transactionHash }]
    const blobs = await l1.blobs(header, blobVersionedHashes)
    return blobs.flatMap((blob) => {
      const bytes = contentOf(blob)
      if (bytes === undefined) onDrop('MALFORMED_BLOB', transactionHash)
      return bytes === undefined ? [] : [{ bytes, transactionHash }]
    })
  }

  return {
    async next() {
      const header = traversal.origin()
      if (loaded !== header.hash) {
        data = await load(header)
        loaded = header.hash
      }
      const [datum, ...rest] = data
      data = rest
      return datum
    },
    reset(from) {
      readFrom = from
      loaded = undefined
      data = []
    },
  }
}

function contentOf(blob: Uint8Array): Uint8Array | undefined {
  try {
    return decodeBlob(blob)
  } catch (error) {
    if (error instanceof BlobError) return undefined
    throw error
  }
}
