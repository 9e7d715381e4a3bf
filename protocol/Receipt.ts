import type { Hex } from 'viem'
import { addBloom, BLOOM_BYTES, bloomOf } from './Bloom.ts'
import { compareBytes, toHex } from './bytes.ts'
import { DEPOSIT_TX_TYPE, SET_CONFIG_TX_TYPE } from './constants.ts'
import type { Log } from './KeystoreLogs.ts'
import { decodeRlp, RlpError, type RlpItem, rlpToBytes, rlpToList, rlpToUint } from './Rlp.ts'
import { borrowRlpWriter, type RlpWriter } from './RlpWriter.ts'
import { createSlabs } from './slabs.ts'

/** The receipt of a transaction (protocol.md §4); its bloom is that of its logs. */
export type Receipt = {
  /** The transaction's EIP-2718 type, `0x4b` or `0x7e`. */
  type: number
  /** 1 when the transaction was valid. */
  status: 0 | 1
  /** Bytes of raw transactions up to and including this one. */
  cumulativeGasUsed: bigint
  logs: readonly Log[]
  /** The keystore root after this transaction. */
  keystoreRoot: Hex
}

const MAX_TOPICS = 4

/** Some twenty receipts stand in one, all of one block or two. */
const allocateReceipt = createSlabs(16_384)

/** Encodes a receipt: `type ‖ rlp([status, cumulativeGasUsed, logsBloom, logs, keystoreRoot])` (protocol.md §4); the answer is part of a longer buffer. */
export function receiptToBytes(receipt: Receipt): Uint8Array {
  return encodeReceipt(receipt, bloomOf(receipt.logs))
}

/** Encodes the receipts of a block, and makes the bloom of all their logs from the blooms in them (protocol.md §4). */
export function encodeReceipts(receipts: readonly Receipt[]): { encoded: Uint8Array[]; logsBloom: Hex } {
  const joined = new Uint8Array(BLOOM_BYTES)
  const encoded: Uint8Array[] = []
  for (const receipt of receipts) {
    const bloom = bloomOf(receipt.logs)
    addBloom(joined, bloom)
    encoded.push(encodeReceipt(receipt, bloom))
  }
  return { encoded, logsBloom: toHex(joined) }
}

function encodeReceipt(
  { type, status, cumulativeGasUsed, logs, keystoreRoot }: Receipt,
  bloom: Uint8Array,
): Uint8Array {
  const writer = borrowRlpWriter()
  writer.hex(keystoreRoot, 32)
  const logsEnd = writer.length
  for (let i = logs.length - 1; i >= 0; i--) writeLog(writer, logs[i] as Log)
  writer.list(logsEnd)
  writer.string(bloom)
  writer.uint(cumulativeGasUsed)
  writer.uint(status)
  writer.list()
  writer.byte(type)
  const bytes = allocateReceipt(writer.length)
  bytes.set(writer.view())
  return bytes
}

function writeLog(writer: RlpWriter, { address, topics, data }: Log): void {
  const end = writer.length
  writer.string(data)
  const topicsEnd = writer.length
  for (let i = topics.length - 1; i >= 0; i--) writer.hex(topics[i] as Hex, 32)
  writer.list(topicsEnd)
  writer.hex(address, 20)
  writer.list(end)
}

/**
 * Decodes a receipt.
 *
 * @throws {RlpError} when the bytes are no receipt of this chain.
 */
export function receiptFromBytes(bytes: Uint8Array): Receipt {
  const type = bytes[0]
  if (type !== SET_CONFIG_TX_TYPE && type !== DEPOSIT_TX_TYPE) {
    throw new RlpError(`got receipt type ${type}, expected ${SET_CONFIG_TX_TYPE} or ${DEPOSIT_TX_TYPE}`)
  }
  const [status, cumulativeGasUsed, logsBloom, logItems, keystoreRoot] = rlpToList(
    decodeRlp(bytes.subarray(1)),
    5,
  )
  const logs = rlpToList(logItems).map(logFromItem)
  if (compareBytes(rlpToBytes(logsBloom, BLOOM_BYTES), bloomOf(logs)) !== 0) {
    throw new RlpError('got a bloom that is not the one of the logs beside it')
  }
  return {
    type,
    status: statusFromItem(status),
    cumulativeGasUsed: rlpToUint(cumulativeGasUsed, 64),
    logs,
    keystoreRoot: toHex(rlpToBytes(keystoreRoot, 32)),
  }
}

function logFromItem(item: RlpItem): Log {
  const [address, topics, data] = rlpToList(item, 3)
  const topicList = rlpToList(topics)
  if (topicList.length > MAX_TOPICS) throw new RlpError(`got ${topicList.length} topics, expected at most 4`)
  return {
    address: toHex(rlpToBytes(address, 20)),
    topics: topicList.map((topic) => toHex(rlpToBytes(topic, 32))),
    data: rlpToBytes(data),
  }
}

function statusFromItem(item: RlpItem | undefined): 0 | 1 {
  const status = rlpToUint(item, 8)
  if (status > 1n) throw new RlpError(`got receipt status ${status}, expected 0 or 1`)
  return status === 1n ? 1 : 0
}
