import type { L1Client, L1Header } from '../node/index.ts'
import type { RollupConfig } from '../protocol/index.ts'
import { type BatcherDataL1, type BatcherDatum, readBatcherData } from './readBatcherData.ts'

/** What the pipeline reads of L1, block by block. */
export interface L1Source {
  /** Reads the header at a number; undefined when L1 has none there yet. */
  header(number: bigint): Promise<L1Header | undefined>
  /**
   * Reads the batcher's data in a block, in the order of L1.
   *
   * @throws {ResetFault} when L1 no longer knows the block.
   * @throws {TemporaryFault} when L1 cannot be read.
   */
  batcherData(header: L1Header): Promise<readonly BatcherDatum[]>
}

/** Makes a source that asks L1 when it is asked. */
export function createL1Source(
  l1: BatcherDataL1 & Pick<L1Client, 'header'>,
  { batchInboxAddress }: Pick<RollupConfig, 'batchInboxAddress'>,
): L1Source {
  return {
    header: (number) => l1.header(number),
    batcherData: (header) => readBatcherData(l1, batchInboxAddress, header),
  }
}
