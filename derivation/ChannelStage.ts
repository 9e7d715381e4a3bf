import type { Hex } from 'viem'
import type { Decoder } from './Decoder.ts'
import type { OnDrop } from './Dropped.ts'
import type { L1Retrieval } from './L1Retrieval.ts'

/** The bytes of one batch, and the L1 transaction that carried them. */
export type EncodedBatch = { bytes: Uint8Array; transactionHash: Hex }

/** Takes channels apart into batches. */
export interface ChannelStage {
  /** Gets the next batch in the order of L1; undefined when the L1 block has no more. */
  next(): Promise<EncodedBatch | undefined>
  /** Drops the rest of the channel that the last batch came from. */
  flush(): void
}

/** Makes the channel stage; by the one-frame rule each datum is a whole channel or garbage (protocol.md §6). */
export function createChannelStage({
  retrieval,
  decoder,
  onDrop,
}: {
  retrieval: Pick<L1Retrieval, 'next'>
  decoder: Pick<Decoder, 'batcherData'>
  onDrop: OnDrop
}): ChannelStage {
  let channel: readonly EncodedBatch[] = []
  /** Place in the channel of the batch to give next. */
  let at = 0
  return {
    async next() {
      while (at === channel.length) {
        const datum = await retrieval.next()
        if (datum === undefined) return undefined
        const { transactionHash } = datum
        const decoded = decoder.batcherData(datum.bytes)
        at = 0
        channel = decoded.ok ? decoded.batches.map((bytes) => ({ bytes, transactionHash })) : []
        if (!decoded.ok) onDrop(decoded.reason, transactionHash)
      }
      return channel[at++]
    },
    flush() {
      channel = []
      at = 0
    },
  }
}
