import {
  type BlockRef,
  type ChainStore,
  CriticalFault,
  type Inclusion,
  type L1Client,
  type L1Header,
  type Logger,
  type ParallelVerifier,
} from '../node/index.ts'
import type { BlockAttributes, RollupConfig } from '../protocol/index.ts'
import { type AttributesBuilder, createAttributesBuilder } from './AttributesBuilder.ts'
import { type AcceptedBatch, type BatchStage, createBatchStage } from './BatchStage.ts'
import { type ChannelStage, createChannelStage } from './ChannelStage.ts'
import { createDecoder, type Decoder } from './Decoder.ts'
import type { OnDrop } from './Dropped.ts'
import { createL1Retrieval, type L1Retrieval } from './L1Retrieval.ts'
import { createL1Source } from './L1Source.ts'
import { createL1Traversal, type L1Traversal } from './L1Traversal.ts'
import { createLookahead } from './Lookahead.ts'
import { createPreparation } from './prepareBatches.ts'

/** What the next block is made of, and where on L1 that was decided. */
export type DerivedBlock = { attributes: BlockAttributes; inclusion: Inclusion }

/** Where a pipeline begins to read. */
export type PipelineStart = {
  /** The parent's L1 origin. */
  origin: L1Header
  /** The first L1 block whose data have not all been read. */
  firstData: bigint
}

/** Lets a pipeline read ahead on L1, and have decoded and checked what it will need. */
export type Foresight = {
  decoder: Decoder
  expect: ParallelVerifier['expect']
  store: Pick<ChainStore, 'heads' | 'blockByHash' | 'trie'>
  logger: Pick<Logger, 'warn'>
}

/** Derives blocks from L1: its stages pull from one another, and nobody decides anything ahead of the parent. */
export interface Pipeline {
  /** Gets the L1 block whose data are being read. */
  origin(): L1Header
  /** Gets a block of the chain of L1 that was walked, back to the parent's origin. */
  headerAt(number: bigint): L1Header | undefined
  /** Derives the block after `parent`; undefined when the L1 block decides no more. */
  next(parent: BlockRef): Promise<DerivedBlock | undefined>
  /** Moves on to the next L1 block; false while L1 has none. */
  advance(): Promise<boolean>
  /** Forgets everything and starts anew. */
  reset(start: PipelineStart): void
}

/** Joins the stages (protocol.md §6): traversal, retrieval, channels, batches, attributes. */
export function createPipeline({
  l1,
  rollup,
  start,
  onDrop,
  foresight,
}: {
  l1: L1Client
  rollup: RollupConfig
  start: PipelineStart
  onDrop: OnDrop
  foresight?: Foresight | undefined
}): Pipeline {
  const direct = createL1Source(l1, rollup)
  const lookahead = foresight && createLookahead(direct, createPreparation({ ...foresight, rollup }))
  const source = lookahead ?? direct
  const decoder = foresight?.decoder ?? createDecoder()
  const traversal: L1Traversal = createL1Traversal(source, start.origin)
  const retrieval: L1Retrieval = createL1Retrieval({ traversal, source, first: start.firstData, onDrop })
  const channels: ChannelStage = createChannelStage({ retrieval: { next: retrieve }, decoder, onDrop })
  const batches: BatchStage = createBatchStage({ traversal, channels, decoder, rollup, onDrop })
  const builder: AttributesBuilder = createAttributesBuilder({ l1, rollup })
  // A batch taken from the stage below stays here until its block is built: L1 may fail while deposits are read.
  let taken: { accepted: AcceptedBatch; parent: BlockRef } | undefined

  async function retrieve() {
    const datum = await retrieval.next()
    if (datum !== undefined) lookahead?.took(datum)
    return datum
  }

  async function take(parent: BlockRef): Promise<AcceptedBatch | undefined> {
    if (taken?.parent.hash === parent.hash) return taken.accepted
    const accepted = await batches.next(parent)
    taken = accepted && { accepted, parent }
    return accepted
  }

  return {
    origin: () => traversal.origin(),
    headerAt: (number) => traversal.headerAt(number),
    async next(parent) {
      traversal.forgetBelow(parent.l1Origin.number)
      const accepted = await take(parent)
      if (accepted === undefined) return undefined
      const { batch, transactionHash } = accepted
      const epoch = traversal.headerAt(batch.epochNumber)
      if (epoch === undefined)
        throw new CriticalFault(`lost L1 block ${batch.epochNumber}: a defect in derivation`)
      const { timestamp, transactions } = batch
      const attributes = await builder.build({ parent, epoch, timestamp, transactions })
      const { number, hash } = traversal.origin()
      return { attributes, inclusion: { l1Block: { number, hash }, transactionHash } }
    },
    advance: () => traversal.advance(),
    reset({ origin, firstData }) {
      taken = undefined
      lookahead?.reset()
      traversal.reset(origin)
      retrieval.reset(firstData)
      channels.flush()
    },
  }
}
