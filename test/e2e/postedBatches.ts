import type { Hex } from 'viem'
import { expect } from 'vitest'
import { batchInboxAbi } from '../../contracts/index.ts'
import {
  batchFromBytes,
  decodeBatcherData,
  decodeBlob,
  fromHex,
  type SingularBatch,
} from '../../protocol/index.ts'
import type { SequencerWorld } from '../sequencerWorld.ts'

/** A batch on L1. */
export type PostedBatch = { batch: SingularBatch; transactionHash: Hex; isInBlobs: boolean }

/** Reads every batch on L1, repetitions included, with the transaction that carries it. Bytes that hold no batches fail the test. */
export async function postedBatches({ l1, rollup }: SequencerWorld): Promise<readonly PostedBatch[]> {
  const logs = await l1.getContractEvents({
    address: rollup.batchInboxAddress,
    abi: batchInboxAbi,
    eventName: 'BatchSubmitted',
    fromBlock: 0n,
  })
  const posted = await Promise.all(
    logs.map(async ({ transactionHash }) => {
      const { input, type, blobVersionedHashes = [] } = await l1.getTransaction({ hash: transactionHash })
      const isInBlobs = type === 'eip4844'
      const data = isInBlobs
        ? (await Promise.all(blobVersionedHashes.map((hash) => blobFromL1(l1, hash)))).map(decodeBlob)
        : [fromHex(input)]
      return data.flatMap((bytes) => {
        const decoded = decodeBatcherData(bytes)
        if (!decoded.ok) expect.unreachable(decoded.reason)
        return decoded.batches.map((batch) => ({ batch: batchFromBytes(batch), transactionHash, isInBlobs }))
      })
    }),
  )
  return posted.flat()
}

async function blobFromL1(l1: SequencerWorld['l1'], versionedHash: Hex): Promise<Uint8Array> {
  const blob: Hex = await l1.request({ method: 'anvil_getBlobByHash', params: [versionedHash] } as never)
  return fromHex(blob)
}
