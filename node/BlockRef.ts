import type { Hex } from 'viem'
import { type Block, type BlockId, decodeExtraData } from '../protocol/index.ts'

export type { BlockId }

/** What the heads say of an L2 block: enough to order it, check it and find its L1 origin. */
export type BlockRef = BlockId & {
  parentHash: Hex
  /** Seconds. */
  timestamp: bigint
  l1Origin: BlockId
  sequenceNumber: bigint
}

/** The three heads of the chain; `finalized` <= `safe` <= `unsafe`. */
export type Heads = { unsafe: BlockRef; safe: BlockRef; finalized: BlockRef }

/** Reads a block's reference out of its header (protocol.md §4). */
export function blockToRef({ header, hash }: Block): BlockRef {
  const { l1OriginNumber, sequenceNumber } = decodeExtraData(header.extraData)
  return {
    number: header.number,
    hash,
    parentHash: header.parentHash,
    timestamp: header.timestamp,
    l1Origin: { number: l1OriginNumber, hash: header.mixHash },
    sequenceNumber,
  }
}
