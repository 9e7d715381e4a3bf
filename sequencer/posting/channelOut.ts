import { type BlockRef, blockToRef, type ChainStore } from '../../node/index.ts'
import {
  type Block,
  batchToBytes,
  DEPOSIT_TX_TYPE,
  encodeBatcherData,
  type SingularBatch,
} from '../../protocol/index.ts'

/** Consecutive blocks as one batcher datum. */
export type ChannelOut = {
  first: BlockRef
  last: BlockRef
  /** `0x00 ‖ frame`, the frame a whole channel (protocol.md §6). */
  data: Uint8Array
  /** Whether the next block did not fit, so that waiting for it would be of no use. */
  isFull: boolean
}

/** More than version byte, frame header, channel version and the ends of brotli blocks take up together. */
const FRAMING_BYTES = 64
/** Of the RLP string around a batch. */
const STRING_HEADER_BYTES = 4

/**
 * Packs the blocks from `first` on into one channel of at most `maxBytes`; a block that is larger goes alone.
 *
 * Returns undefined when there is no block `first` on this chain.
 */
function packChannel(
  store: Pick<ChainStore, 'blockByNumber'>,
  first: bigint,
  last: bigint,
  maxBytes: number,
): ChannelOut | undefined {
  const blocks: Block[] = []
  let bytes = FRAMING_BYTES
  let isFull = false
  for (let number = first; number <= last && !isFull; number++) {
    const block = store.blockByNumber(number)
    if (block === undefined) break
    const size = batchToBytes(blockToBatch(block)).length + STRING_HEADER_BYTES
    isFull = blocks.length > 0 && bytes + size > maxBytes
    if (isFull) break
    blocks.push(block)
    bytes += size
  }
  const [begin, end] = [blocks[0], blocks.at(-1)]
  if (begin === undefined || end === undefined) return undefined
  const data = encodeBatcherData(blocks.map(blockToBatch))
  return { first: blockToRef(begin), last: blockToRef(end), data, isFull: isFull || bytes >= maxBytes }
}

/** How much goes into one L1 transaction: so many channels, each of so many bytes. */
export type Room = { maxBytes: number; maxChannels: number }

/** Packs the blocks from `first` to `last` into channels, each beginning where the one before ends. */
export function packChannels(
  store: Pick<ChainStore, 'blockByNumber'>,
  first: bigint,
  last: bigint,
  { maxBytes, maxChannels }: Room,
): readonly ChannelOut[] {
  const channels: ChannelOut[] = []
  while (channels.length < maxChannels) {
    const next = (channels.at(-1)?.last.number ?? first - 1n) + 1n
    const channel = next > last ? undefined : packChannel(store, next, last, maxBytes)
    if (channel === undefined) break
    channels.push(channel)
  }
  return channels
}

/** Makes the singular batch from which derivation makes this block again. */
function blockToBatch(block: Block): SingularBatch {
  const { l1Origin, parentHash, timestamp } = blockToRef(block)
  return {
    parentHash,
    epochNumber: l1Origin.number,
    epochHash: l1Origin.hash,
    timestamp,
    transactions: block.transactions.filter((raw) => raw[0] !== DEPOSIT_TX_TYPE),
  }
}
