import type { Hex } from 'viem'
import { keccakHex } from './bytes.ts'
import { type Header, headerFromItem, headerHash, headerToItem } from './Header.ts'
import { decodeRlp, encodeRlp, rlpToBytes, rlpToList } from './Rlp.ts'

/** A block: its header, the header's hash, and its raw transactions, deposits first. */
export type Block = { header: Header; hash: Hex; transactions: readonly Uint8Array[] }

/** Encodes a block as `rlp([header, [raw, ...]])`. */
export function blockToRlp(block: Block): Uint8Array {
  return encodeRlp([headerToItem(block.header), block.transactions])
}

/**
 * Decodes the RLP of a block and recomputes its hash.
 *
 * @throws {RlpError} when it is not the canonical RLP of a block.
 */
export function blockFromRlp(bytes: Uint8Array): Block {
  const [headerItem, transactions] = rlpToList(decodeRlp(bytes), 2)
  const header = headerFromItem(headerItem)
  return {
    header,
    hash: headerHash(header),
    transactions: rlpToList(transactions).map((raw) => rlpToBytes(raw)),
  }
}

/** Computes the hash of a transaction, a deposit or a set-config, from its raw bytes. */
export function transactionHash(raw: Uint8Array): Hex {
  return keccakHex(raw)
}
