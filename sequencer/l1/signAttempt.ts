import type { Hex, PrivateKeyAccount } from 'viem'
import { commitmentToVersionedHash } from '../../node/index.ts'
import { toHex } from '../../protocol/index.ts'
import { EMPTY_BLOB } from './BlobSidecars.ts'
import type { Fees, TransactionKind } from './Fees.ts'
import { kindOf, type TrackedBlob, type TrackedTransaction } from './TrackedTransaction.ts'

/** What is signed: the transaction itself, or the empty one of the other kind that takes its nonce. */
export type SignedAttempt = { raw: Hex; blobs: readonly TrackedBlob[] }

/** Of a transaction that does nothing. */
const CANCELLATION_GAS = 21_000n

/** Tells which kind an attempt for a transaction of this kind is. */
export function attemptKind(kind: TransactionKind, isCancellation: boolean): TransactionKind {
  const isBlobs = (kind === 'blobs') !== isCancellation
  return isBlobs ? 'blobs' : 'calldata'
}

/** Signs the transaction, or its cancellation, with these fees; the bytes are those in a block, without a sidecar. */
export async function signAttempt(
  account: PrivateKeyAccount,
  chainId: bigint,
  tracked: TrackedTransaction,
  fees: Fees,
  isCancellation: boolean,
): Promise<SignedAttempt> {
  const isBlobs = attemptKind(kindOf(tracked), isCancellation) === 'blobs'
  const call = isCancellation
    ? { to: account.address, data: '0x' as const, gas: CANCELLATION_GAS }
    : { to: tracked.to, data: toHex(tracked.data), gas: tracked.gasLimit }
  const { maxFeePerGas, maxPriorityFeePerGas, maxFeePerBlobGas } = fees
  const common = {
    ...call,
    chainId: Number(chainId),
    nonce: Number(tracked.nonce),
    maxFeePerGas,
    maxPriorityFeePerGas,
  }
  if (!isBlobs) return { raw: await account.signTransaction({ ...common, type: 'eip1559' }), blobs: [] }
  const blobs = isCancellation ? [EMPTY_BLOB] : tracked.blobs
  const blobVersionedHashes = blobs.map(({ commitment }) => commitmentToVersionedHash(commitment))
  const raw = await account.signTransaction({
    ...common,
    type: 'eip4844',
    maxFeePerBlobGas,
    blobVersionedHashes,
  })
  return { raw, blobs }
}
