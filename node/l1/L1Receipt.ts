import type { Address, Hex } from 'viem'
import { concat, encodeRlp, fromHex, orderedTrieRoot, uintToRlp } from '../../protocol/index.ts'
import type { L1Header } from './L1Header.ts'
import { hexField, quantityField, toList, toObject } from './l1Json.ts'
import { RefusedAnswerError } from './RefusedAnswerError.ts'

/** A log of an L1 receipt; `logIndex` counts over the whole block. */
export type L1Log = {
  address: Address
  topics: readonly Hex[]
  data: Hex
  logIndex: number
  transactionIndex: number
}

/** An L1 receipt that was checked against the header's receipts root; its place in the list is the transaction's. */
export type L1Receipt = {
  type: number
  status: 0 | 1
  cumulativeGasUsed: bigint
  logsBloom: Hex
  logs: readonly L1Log[]
}

/** A receipt as a node tells it: where in its block the logs stand is counted, not believed. */
export type ToldReceipt = Omit<L1Receipt, 'logs'> & {
  logs: readonly Omit<L1Log, 'logIndex' | 'transactionIndex'>[]
}

/** EIP-2718. */
const MAX_TYPE = 0x7fn

/**
 * Reads all receipts of a block.
 *
 * @throws {RefusedAnswerError} when one is malformed, or they do not have the header's root.
 */
export function l1ReceiptsFromJson(header: L1Header, json: unknown): readonly L1Receipt[] {
  return checkReceipts(header, toList(json).map(receiptFromJson))
}

/** Reads a receipt. @throws {RefusedAnswerError} when it is malformed. */
export function receiptFromJson(json: unknown): ToldReceipt {
  const receipt = toObject(json)
  const status = receipt.status
  if (status !== '0x0' && status !== '0x1')
    throw new RefusedAnswerError('got a receipt with a wrong status from L1')
  const type = receipt.type === undefined ? 0n : quantityField(receipt, 'type')
  if (type > MAX_TYPE)
    throw new RefusedAnswerError(`got a receipt of type ${type} from L1, expected at most ${MAX_TYPE}`)
  return {
    type: Number(type),
    status: status === '0x1' ? 1 : 0,
    cumulativeGasUsed: quantityField(receipt, 'cumulativeGasUsed'),
    logsBloom: hexField(receipt, 'logsBloom', 256),
    logs: toList(receipt.logs).map((entry) => {
      const log = toObject(entry)
      return {
        address: hexField(log, 'address', 20) as Address,
        topics: toList(log.topics).map((topic) => hexField({ topic }, 'topic', 32)),
        data: hexField(log, 'data'),
      }
    }),
  }
}

/**
 * Takes receipts for all those of a block, in the order of its transactions.
 *
 * @throws {RefusedAnswerError} when they do not have the header's root.
 */
export function checkReceipts(header: L1Header, told: readonly ToldReceipt[]): readonly L1Receipt[] {
  const root = orderedTrieRoot(told.map(receiptToBytes))
  if (root !== header.receiptsRoot) {
    throw new RefusedAnswerError(
      `got receipts of L1 block ${header.hash} with root ${root}, expected ${header.receiptsRoot}`,
    )
  }
  let logIndex = 0
  return told.map((receipt, transactionIndex) => ({
    ...receipt,
    logs: receipt.logs.map((log) => ({ ...log, logIndex: logIndex++, transactionIndex })),
  }))
}

/** EIP-2718 bytes of an Ethereum receipt, which has no keystore root. */
function receiptToBytes({ type, status, cumulativeGasUsed, logsBloom, logs }: ToldReceipt): Uint8Array {
  const payload = encodeRlp([
    uintToRlp(status),
    uintToRlp(cumulativeGasUsed),
    fromHex(logsBloom),
    logs.map((log) => [fromHex(log.address), log.topics.map((topic) => fromHex(topic)), fromHex(log.data)]),
  ])
  return type === 0 ? payload : concat(Uint8Array.of(type), payload)
}
