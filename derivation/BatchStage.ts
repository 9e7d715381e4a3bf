import type { Hex } from 'viem'
import { type BlockRef, CriticalFault } from '../node/index.ts'
import type { RollupConfig, SingularBatch } from '../protocol/index.ts'
import type { ChannelStage, EncodedBatch } from './ChannelStage.ts'
import { type BatchFlaw, checkSingularBatch } from './checkSingularBatch.ts'
import { checkTransactions, type TransactionsFlaw } from './checkTransactions.ts'
import type { Decoder } from './Decoder.ts'
import type { OnDrop } from './Dropped.ts'
import type { L1Traversal } from './L1Traversal.ts'

/** A batch that makes the next block; without a transaction hash it was not on L1 but forced. */
export type AcceptedBatch = { batch: SingularBatch; transactionHash: Hex | undefined }

/** Picks the batches that make blocks. */
export interface BatchStage {
  /** Gets the batch for the block after `parent`; undefined when the L1 block decides no more. */
  next(parent: BlockRef): Promise<AcceptedBatch | undefined>
}

/** Makes the batch stage: validity by the OP Stack's Holocene rules, and empty batches once a sequencing window closes. */
export function createBatchStage({
  traversal,
  channels,
  decoder,
  rollup,
  onDrop,
}: {
  traversal: Pick<L1Traversal, 'origin' | 'headerAt'>
  channels: ChannelStage
  decoder: Pick<Decoder, 'batch' | 'setConfig'>
  rollup: Pick<RollupConfig, 'blockTime' | 'seqWindowSize' | 'maxSequencerDrift' | 'l2ChainId'>
  onDrop: OnDrop
}): BatchStage {
  /** Tells what is wrong with a batch, `PAST` when it only comes too late to matter, or nothing. */
  function flawOf(batch: SingularBatch, parent: BlockRef): BatchFlaw | TransactionsFlaw | 'PAST' | undefined {
    const epoch = traversal.headerAt(parent.l1Origin.number)
    const nextEpoch = traversal.headerAt(parent.l1Origin.number + 1n)
    const checked = checkSingularBatch({
      rules: rollup,
      l1Blocks: [epoch, nextEpoch].filter((header) => header !== undefined),
      parent,
      batch,
      inclusion: traversal.origin().number,
    })
    if (checked.validity === 'drop') return checked.reason
    if (checked.validity === 'past') return 'PAST'
    if (checked.validity === 'accept')
      return checkTransactions(batch.transactions, rollup.l2ChainId, decoder.setConfig)
    // Batches are read only from blocks after the parent's origin, so both epochs that could matter are known.
    throw new CriticalFault(
      `lost the L1 blocks after ${parent.l1Origin.number}: this is a defect in derivation`,
    )
  }

  function judge({ bytes, transactionHash }: EncodedBatch, parent: BlockRef): AcceptedBatch | undefined {
    const batch = decoder.batch(bytes)
    const flaw = batch === undefined ? 'MALFORMED_BATCH' : flawOf(batch, parent)
    if (batch !== undefined && flaw === undefined) return { batch, transactionHash }
    onDrop(flaw ?? 'MALFORMED_BATCH', transactionHash)
    if (flaw !== 'PAST') channels.flush()
    return undefined
  }

  function forced(parent: BlockRef): AcceptedBatch | undefined {
    const nextEpoch = traversal.headerAt(parent.l1Origin.number + 1n)
    if (nextEpoch === undefined) return undefined
    const timestamp = parent.timestamp + rollup.blockTime
    const { number, hash } = timestamp < nextEpoch.timestamp ? parent.l1Origin : nextEpoch
    if (number + rollup.seqWindowSize > traversal.origin().number) return undefined
    return {
      batch: { parentHash: parent.hash, epochNumber: number, epochHash: hash, timestamp, transactions: [] },
      transactionHash: undefined,
    }
  }

  return {
    async next(parent) {
      for (;;) {
        const encoded = await channels.next()
        if (encoded === undefined) return forced(parent)
        if (traversal.origin().number <= parent.l1Origin.number) {
          onDrop('BEFORE_ITS_ORIGIN', encoded.transactionHash)
          continue
        }
        const accepted = judge(encoded, parent)
        if (accepted !== undefined) return accepted
      }
    },
  }
}
