import type { Address, Hex } from 'viem'
import { concat, fromHex, toHex } from './bytes.ts'
import { DEPOSIT_TX_TYPE, SET_CONFIG_TX_TYPE } from './constants.ts'
import {
  decodeRlp,
  encodeRlp,
  RlpError,
  type RlpItem,
  rlpToBytes,
  rlpToList,
  rlpToUint,
  uintToRlp,
} from './Rlp.ts'

/** A log: who wrote it, what it is filed under, and its ABI-encoded rest. */
export type Log = { address: Address; topics: readonly Hex[]; data: Hex }

/** The receipt of a transaction (protocol.md §4). */
export type Receipt = {
  /** The transaction's EIP-2718 type, `0x4b` or `0x7e`. */
  type: number
  /** 1 when the transaction was valid. */
  status: 0 | 1
  /** Bytes of raw transactions up to and including this one. */
  cumulativeGasUsed: bigint
  logsBloom: Hex
  logs: readonly Log[]
  /** The keystore root after this transaction. */
  keystoreRoot: Hex
}

const MAX_TOPICS = 4

/** Encodes a receipt: `type ‖ rlp([status, cumulativeGasUsed, logsBloom, logs, keystoreRoot])` (protocol.md §4). */
export function receiptToBytes(receipt: Receipt): Uint8Array {
  const payload = encodeRlp([
    uintToRlp(receipt.status),
    uintToRlp(receipt.cumulativeGasUsed),
    fromHex(receipt.logsBloom, 256),
    receipt.logs.map((log) => [
      fromHex(log.address, 20),
      log.topics.map((topic) => fromHex(topic, 32)),
      fromHex(log.data),
    ]),
    fromHex(receipt.keystoreRoot, 32),
  ])
  return concat(Uint8Array.of(receipt.type), payload)
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
  const [status, cumulativeGasUsed, logsBloom, logs, keystoreRoot] = rlpToList(
    decodeRlp(bytes.subarray(1)),
    5,
  )
  return {
    type,
    status: statusFromItem(status),
    cumulativeGasUsed: rlpToUint(cumulativeGasUsed, 64),
    logsBloom: toHex(rlpToBytes(logsBloom, 256)),
    logs: rlpToList(logs).map(logFromItem),
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
    data: toHex(rlpToBytes(data)),
  }
}

function statusFromItem(item: RlpItem | undefined): 0 | 1 {
  const status = rlpToUint(item, 8)
  if (status > 1n) throw new RlpError(`got receipt status ${status}, expected 0 or 1`)
  return status === 1n ? 1 : 0
}
