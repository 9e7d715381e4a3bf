import {
  decodeRlp,
  encodeRlp,
  fromHex,
  type Receipt,
  receiptFromBytes,
  receiptToBytes,
  rlpToBytes,
  rlpToList,
  rlpToUint,
  toHex,
  uintToRlp,
} from '../../protocol/index.ts'
import type { BlockId } from '../BlockRef.ts'
import type { Inclusion, Verdict } from './ChainStore.ts'
import type { StoredOutput } from './StoredOutput.ts'

/** Receipts of a block, and beside each what was wrong with its transaction. */
export type StoredReceipts = { receipts: readonly Receipt[]; verdicts: readonly Verdict[] }

/** Where a transaction stands. */
export type Position = { blockNumber: bigint; index: number }

/** Heads by number and hash. */
export type HeadIds = { unsafe: BlockId; safe: BlockId; finalized: BlockId }

const POSITION_BYTES = 12

/** Encodes `rlp([[receipt, ...], [verdict, ...]])`. */
export function receiptsToBytes({ receipts, verdicts }: StoredReceipts): Uint8Array {
  return encodedReceiptsToBytes(receipts.map(receiptToBytes), verdicts)
}

/** Encodes as `receiptsToBytes` does, for whoever has the receipts' bytes already. */
export function encodedReceiptsToBytes(
  receipts: readonly Uint8Array[],
  verdicts: readonly Verdict[],
): Uint8Array {
  return encodeRlp([receipts, verdicts.map(verdictToBytes)])
}

function verdictToBytes(verdict: Verdict): Uint8Array {
  return Buffer.from(verdict ?? '', 'latin1')
}

/** Decodes what `receiptsToBytes` encoded. */
export function receiptsFromBytes(bytes: Uint8Array): StoredReceipts {
  const [receipts, verdicts] = rlpToList(decodeRlp(bytes), 2)
  return {
    receipts: rlpToList(receipts).map((item) => receiptFromBytes(rlpToBytes(item))),
    verdicts: rlpToList(verdicts).map((item) => {
      const text = Buffer.from(rlpToBytes(item)).toString('latin1')
      return text === '' ? undefined : (text as Verdict)
    }),
  }
}

/** Encodes a position in 12 bytes: block number ‖ index. */
export function positionToBytes({ blockNumber, index }: Position): Uint8Array {
  const bytes = Buffer.allocUnsafe(POSITION_BYTES)
  bytes.writeBigUInt64BE(blockNumber, 0)
  bytes.writeUInt32BE(index, 8)
  return bytes
}

/** Decodes what `positionToBytes` encoded. */
export function positionFromBytes(bytes: Uint8Array): Position {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return { blockNumber: view.getBigUint64(0), index: view.getUint32(8) }
}

/** Encodes `rlp([l1 number, l1 hash, transaction hash or empty])`. */
export function inclusionToBytes({ l1Block, transactionHash }: Inclusion): Uint8Array {
  const hash = transactionHash === undefined ? new Uint8Array() : fromHex(transactionHash, 32)
  return encodeRlp([uintToRlp(l1Block.number), fromHex(l1Block.hash, 32), hash])
}

/** Decodes what `inclusionToBytes` encoded. */
export function inclusionFromBytes(bytes: Uint8Array): Inclusion {
  const [number, hash, transactionHash] = rlpToList(decodeRlp(bytes), 3)
  const transactionHashBytes = rlpToBytes(transactionHash)
  return {
    l1Block: { number: rlpToUint(number, 64), hash: toHex(rlpToBytes(hash, 32)) },
    transactionHash: transactionHashBytes.length === 0 ? undefined : toHex(transactionHashBytes),
  }
}

/** Encodes `rlp([[number, hash] of unsafe, of safe, of finalized])`. */
export function headsToBytes({ unsafe, safe, finalized }: HeadIds): Uint8Array {
  return encodeRlp(
    [unsafe, safe, finalized].map(({ number, hash }) => [uintToRlp(number), fromHex(hash, 32)]),
  )
}

/** Decodes what `headsToBytes` encoded. */
export function headsFromBytes(bytes: Uint8Array): HeadIds {
  const [unsafe, safe, finalized] = rlpToList(decodeRlp(bytes), 3).map((item): BlockId => {
    const [number, hash] = rlpToList(item, 2)
    return { number: rlpToUint(number, 64), hash: toHex(rlpToBytes(hash, 32)) }
  })
  return { unsafe: unsafe as BlockId, safe: safe as BlockId, finalized: finalized as BlockId }
}

/** Encodes an output as an RLP list of its fields. */
export function outputToBytes(output: StoredOutput): Uint8Array {
  return encodeRlp([
    uintToRlp(output.index),
    fromHex(output.outputRoot, 32),
    uintToRlp(output.l1Timestamp),
    uintToRlp(output.l2BlockNumber),
    uintToRlp(output.l1Block.number),
    fromHex(output.l1Block.hash, 32),
    fromHex(output.transactionHash, 32),
  ])
}

/** Decodes what `outputToBytes` encoded. */
export function outputFromBytes(bytes: Uint8Array): StoredOutput {
  const items = rlpToList(decodeRlp(bytes), 7)
  const hash = (i: number) => toHex(rlpToBytes(items[i], 32))
  return {
    index: rlpToUint(items[0], 256),
    outputRoot: hash(1),
    l1Timestamp: rlpToUint(items[2], 64),
    l2BlockNumber: rlpToUint(items[3], 64),
    l1Block: { number: rlpToUint(items[4], 64), hash: hash(5) },
    transactionHash: hash(6),
  }
}
