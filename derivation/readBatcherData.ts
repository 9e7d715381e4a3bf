import { type Address, type Hex, toEventSelector } from 'viem'
import {
  type L1Client,
  type L1Header,
  type L1Receipt,
  type L1Transaction,
  ResetFault,
} from '../node/index.ts'
import { BlobError, decodeBlob } from '../protocol/index.ts'

/** One calldata payload or the content of one blob, undefined where the blob has none, and the L1 transaction that carried it. */
export type BatcherDatum = { bytes: Uint8Array | undefined; transactionHash: Hex }

/** What reading batcher data needs of L1. */
export type BatcherDataL1 = Pick<L1Client, 'mayHaveLogs' | 'receipts' | 'transactions' | 'blobs'>

const BATCH_SUBMITTED = toEventSelector('BatchSubmitted(uint256,bytes32,bytes32)')

/**
 * Reads the batcher's data in an L1 block, in the order of L1 (protocol.md §5.3).
 *
 * @throws {ResetFault} when L1 no longer knows the block.
 * @throws {TemporaryFault} when L1 cannot be read.
 */
export async function readBatcherData(
  l1: BatcherDataL1,
  inbox: Address,
  header: L1Header,
): Promise<readonly BatcherDatum[]> {
  if (!l1.mayHaveLogs(header, [inbox])) return []
  const receipts = await l1.receipts(header)
  if (!receipts.some((receipt) => isSubmission(receipt, inbox))) return []
  const transactions = await l1.transactions(header)
  if (transactions.length !== receipts.length) {
    throw new ResetFault(
      `L1 gave ${receipts.length} receipts for ${transactions.length} transactions of ${header.hash}`,
    )
  }
  const submissions = transactions.filter((transaction, i) => {
    return transaction.to === inbox && isSubmission(receipts[i] as L1Receipt, inbox)
  })
  const found: BatcherDatum[] = []
  for (const transaction of submissions) found.push(...(await dataOf(l1, header, transaction)))
  return found
}

/** A submission counts exactly when the inbox's event stands in a successful receipt (protocol.md §5.3). */
function isSubmission({ status, logs }: L1Receipt, inbox: Address): boolean {
  return (
    status === 1 && logs.some(({ address, topics }) => address === inbox && topics[0] === BATCH_SUBMITTED)
  )
}

async function dataOf(
  l1: BatcherDataL1,
  header: L1Header,
  { hash: transactionHash, input, blobVersionedHashes }: L1Transaction,
): Promise<BatcherDatum[]> {
  if (blobVersionedHashes.length === 0) return [{ bytes: input, transactionHash }]
  const blobs = await l1.blobs(header, blobVersionedHashes)
  return blobs.map((blob) => ({ bytes: contentOf(blob), transactionHash }))
}

function contentOf(blob: Uint8Array): Uint8Array | undefined {
  try {
    return decodeBlob(blob)
  } catch (error) {
    if (error instanceof BlobError) return undefined
    throw error
  }
}
