import { type Address, type Hex, numberToHex } from 'viem'
import {
  type Block,
  blockToRlp,
  DEPOSIT_TX_TYPE,
  decodeSetConfig,
  depositFromBytes,
  KEYSTORE_ADDRESS,
  type Log,
  logsToBloom,
  type Receipt,
  toHex,
  transactionHash,
} from '../../protocol/index.ts'
import type { Verdict } from '../store/ChainStore.ts'

/** A log as `eth_getLogs` shows it. */
export type LogJson = ReturnType<typeof logToJson>

const ZERO_ADDRESS: Address = '0x0000000000000000000000000000000000000000'
/** Neither kind of transaction carries a signature of Ethereum's; tools want the fields nevertheless. */
const NO_SIGNATURE = { v: '0x0', r: '0x0', s: '0x0' } as const

/** Turns a block's header into the fields that `eth_subscribe` shows of new heads. */
export function headerToJson({ header, hash }: Block) {
  return {
    hash,
    parentHash: header.parentHash,
    sha3Uncles: header.ommersHash,
    miner: header.beneficiary,
    stateRoot: header.stateRoot,
    transactionsRoot: header.transactionsRoot,
    receiptsRoot: header.receiptsRoot,
    logsBloom: header.logsBloom,
    difficulty: numberToHex(header.difficulty),
    number: numberToHex(header.number),
    gasLimit: numberToHex(header.gasLimit),
    gasUsed: numberToHex(header.gasUsed),
    timestamp: numberToHex(header.timestamp),
    extraData: header.extraData,
    mixHash: header.mixHash,
    nonce: header.nonce,
    baseFeePerGas: numberToHex(header.baseFeePerGas),
    withdrawalsRoot: header.withdrawalsRoot,
    blobGasUsed: numberToHex(header.blobGasUsed),
    excessBlobGas: numberToHex(header.excessBlobGas),
    parentBeaconBlockRoot: header.parentBeaconBlockRoot,
    requestsHash: header.requestsHash,
  }
}

/** Turns a block into what `eth_getBlockBy*` shows, with hashes of its transactions. */
export function blockToJson(block: Block) {
  return { ...blockBase(block), transactions: block.transactions.map(transactionHash) }
}

/** Turns a block into what `eth_getBlockBy*` shows, with its full transactions. */
export function fullBlockToJson(block: Block, chainId: bigint) {
  const transactions = block.transactions.map((_, index) => transactionToJson(block, index, chainId))
  return { ...blockBase(block), transactions }
}

/** Turns the transaction at an index into what `eth_getTransactionBy*` shows; null when there is none. */
export function transactionToJson(block: Block, index: number, chainId: bigint) {
  const raw = block.transactions[index]
  if (raw === undefined) return null
  const place = {
    hash: transactionHash(raw),
    blockHash: block.hash,
    blockNumber: numberToHex(block.header.number),
    blockTimestamp: numberToHex(block.header.timestamp),
    transactionIndex: numberToHex(index),
    gasPrice: '0x0',
    ...NO_SIGNATURE,
  }
  return raw[0] === DEPOSIT_TX_TYPE
    ? { ...place, ...depositToJson(raw) }
    : { ...place, ...setConfigToJson(raw, chainId) }
}

/** The receipts of a block, and beside each what was wrong with its transaction. */
type BlockReceipts = { receipts: readonly Receipt[]; verdicts: readonly Verdict[] }

/** Turns the receipts of a block into what `eth_getBlockReceipts` shows. */
export function receiptsToJson(block: Block, { receipts, verdicts }: BlockReceipts) {
  let firstLog = 0
  return receipts.map((receipt, index) => {
    const json = showReceipt(block, { receipt, verdict: verdicts[index], index, firstLog })
    firstLog += receipt.logs.length
    return json
  })
}

/** Turns the receipt at an index into what `eth_getTransactionReceipt` shows; null when there is none. */
export function receiptToJson(block: Block, { receipts, verdicts }: BlockReceipts, index: number) {
  const receipt = receipts[index]
  if (receipt === undefined) return null
  const firstLog = receipts.slice(0, index).reduce((count, { logs }) => count + logs.length, 0)
  return showReceipt(block, { receipt, verdict: verdicts[index], index, firstLog })
}

/** `firstLog` is the index in the block of the receipt's first log. */
function showReceipt(
  block: Block,
  {
    receipt,
    verdict,
    index,
    firstLog,
  }: { receipt: Receipt; verdict: Verdict; index: number; firstLog: number },
) {
  const raw = block.transactions[index]
  if (raw === undefined) return null
  const hash = transactionHash(raw)
  const { from, to } =
    raw[0] === DEPOSIT_TX_TYPE ? depositEnds(raw) : { from: ZERO_ADDRESS, to: KEYSTORE_ADDRESS }
  return {
    transactionHash: hash,
    transactionIndex: numberToHex(index),
    blockHash: block.hash,
    blockNumber: numberToHex(block.header.number),
    from,
    to,
    type: numberToHex(receipt.type),
    status: numberToHex(receipt.status),
    cumulativeGasUsed: numberToHex(receipt.cumulativeGasUsed),
    gasUsed: numberToHex(raw.length),
    effectiveGasPrice: '0x0',
    contractAddress: null,
    logsBloom: logsToBloom(receipt.logs),
    logs: receipt.logs.map((log, i) =>
      logToJson(log, { block, hash, transactionIndex: index, logIndex: firstLog + i, removed: false }),
    ),
    keystoreRoot: receipt.keystoreRoot,
    ...(verdict === undefined ? {} : { invalidReason: verdict }),
  }
}

/** A log that has not been turned into JSON yet, which hashes its transaction. */
export type LogInBlock = { log: Log; toJson(removed: boolean): LogJson }

/** Lists the logs of a block. */
export function logsInBlock(block: Block, receipts: readonly Receipt[]): LogInBlock[] {
  let logIndex = 0
  return receipts.flatMap(({ logs }, transactionIndex) => {
    const raw = block.transactions[transactionIndex]
    if (raw === undefined) return []
    return logs.map((log) => {
      const place = { block, transactionIndex, logIndex: logIndex++ }
      return { log, toJson: (removed) => logToJson(log, { ...place, hash: transactionHash(raw), removed }) }
    })
  })
}

function logToJson(
  log: Log,
  place: { block: Block; hash: Hex; transactionIndex: number; logIndex: number; removed: boolean },
) {
  return {
    address: log.address,
    topics: log.topics,
    data: toHex(log.data),
    blockNumber: numberToHex(place.block.header.number),
    blockHash: place.block.hash,
    blockTimestamp: numberToHex(place.block.header.timestamp),
    transactionHash: place.hash,
    transactionIndex: numberToHex(place.transactionIndex),
    logIndex: numberToHex(place.logIndex),
    removed: place.removed,
  }
}

function blockBase(block: Block) {
  return {
    ...headerToJson(block),
    totalDifficulty: '0x0',
    size: numberToHex(blockToRlp(block).length),
    uncles: [],
    withdrawals: [],
  }
}

/** A set-config has no sender: anybody may carry it. */
function setConfigToJson(raw: Uint8Array, chainId: bigint) {
  const base = {
    type: numberToHex(raw[0] ?? 0),
    chainId: numberToHex(chainId),
    from: ZERO_ADDRESS,
    to: KEYSTORE_ADDRESS,
    value: '0x0',
    gas: numberToHex(raw.length),
    input: toHex(raw),
  }
  const decoded = decodeSetConfig(raw, chainId)
  if (!decoded.ok) return { ...base, nonce: '0x0' }
  const { id, kind, next } = decoded.tx
  return { ...base, nonce: numberToHex(next.nonce), keystoreId: id, kind: numberToHex(kind) }
}

function depositToJson(raw: Uint8Array) {
  const { sourceHash, from, to, mint, value, gas, isSystemTx, data } = depositFromBytes(raw)
  return {
    type: numberToHex(DEPOSIT_TX_TYPE),
    sourceHash,
    from,
    to: to ?? null,
    mint: numberToHex(mint),
    value: numberToHex(value),
    gas: numberToHex(gas),
    isSystemTx,
    input: toHex(data),
    nonce: '0x0',
  }
}

function depositEnds(raw: Uint8Array): { from: Address; to: Address | null } {
  const { from, to } = depositFromBytes(raw)
  return { from, to: to ?? null }
}
