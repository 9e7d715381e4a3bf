import type { Address, Hex } from 'viem'
import { asciiToBytes, concat, fromHex, keccak, keccakHex, toHex } from './bytes.ts'
import { DEPOSIT_TX_TYPE } from './constants.ts'
import { KeyrollError } from './errors.ts'
import { decodeRlp, encodeRlp, RlpError, rlpToBytes, rlpToList, rlpToUint, uintToRlp } from './Rlp.ts'

/** A deposit transaction (OP Stack, deposits; protocol.md §4.1). */
export type Deposit = {
  sourceHash: Hex
  from: Address
  /** Undefined for a creation, which this chain's portal never lets through. */
  to: Address | undefined
  /** Wei. */
  mint: bigint
  /** Wei. */
  value: bigint
  gas: bigint
  isSystemTx: boolean
  /** The raw bytes of a set-config, or anything else. */
  data: Uint8Array
}

/** First topic of the portal's `TransactionDeposited(address indexed,address indexed,uint256 indexed,bytes)`. */
export const TRANSACTION_DEPOSITED_TOPIC: Hex = keccakHex(
  asciiToBytes('TransactionDeposited(address,address,uint256,bytes)'),
)

/** First topic of the portal's `DepositRecorded(uint256 indexed,bytes32)`. */
export const DEPOSIT_RECORDED_TOPIC: Hex = keccakHex(asciiToBytes('DepositRecorded(uint256,bytes32)'))

// opaqueData = mint (32 bytes) ‖ value (32) ‖ gas limit (8) ‖ is creation (1) ‖ data
const OPAQUE_HEAD_BYTES = 73
const WORD = 32

/** Encodes a deposit: `0x7e ‖ rlp([sourceHash, from, to, mint, value, gas, isSystemTx, data])`. */
export function depositToBytes(deposit: Deposit): Uint8Array {
  const payload = encodeRlp([
    fromHex(deposit.sourceHash, 32),
    fromHex(deposit.from, 20),
    deposit.to === undefined ? Uint8Array.of() : fromHex(deposit.to, 20),
    uintToRlp(deposit.mint),
    uintToRlp(deposit.value),
    uintToRlp(deposit.gas),
    uintToRlp(deposit.isSystemTx ? 1 : 0),
    deposit.data,
  ])
  return concat(Uint8Array.of(DEPOSIT_TX_TYPE), payload)
}

/**
 * Decodes a deposit.
 *
 * @throws {RlpError} when the bytes are no canonical deposit.
 */
export function depositFromBytes(bytes: Uint8Array): Deposit {
  if (bytes[0] !== DEPOSIT_TX_TYPE) {
    throw new RlpError(`got transaction type ${bytes[0]}, expected ${DEPOSIT_TX_TYPE}`)
  }
  const fields = rlpToList(decodeRlp(bytes.subarray(1)), 8)
  const to = rlpToBytes(fields[2])
  const isSystemTx = rlpToUint(fields[6], 8)
  if (isSystemTx > 1n) throw new RlpError(`got isSystemTx ${isSystemTx}, expected 0 or 1`)
  return {
    sourceHash: toHex(rlpToBytes(fields[0], 32)),
    from: toHex(rlpToBytes(fields[1], 20)),
    to: to.length === 0 ? undefined : toHex(rlpToBytes(to, 20)),
    mint: rlpToUint(fields[3], 128),
    value: rlpToUint(fields[4], 256),
    gas: rlpToUint(fields[5], 64),
    isSystemTx: isSystemTx === 1n,
    data: rlpToBytes(fields[7]),
  }
}

/** A log of L1, as JSON-RPC gives it. */
export type PortalLog = { address: Address; topics: readonly Hex[]; data: Hex }

/** A deposit, and its place in the portal's hash chain. */
export type RecordedDeposit = { index: bigint; deposit: Deposit }

/**
 * Reads the deposits among the logs of a successful L1 transaction, in their order: each is the portal's
 * `TransactionDeposited`, and `DepositRecorded` directly after it, whose index goes into the source hash
 * (protocol.md §4.1). Logs of other contracts are passed over.
 *
 * @throws {DepositLogError} when the portal's logs are not such pairs; only a portal with a defect writes others.
 */
export function depositsFromLogs(
  l1BlockHash: Hex,
  portal: Address,
  logs: readonly PortalLog[],
): RecordedDeposit[] {
  return logs.flatMap((deposited, i): RecordedDeposit[] => {
    if (deposited.address !== portal || deposited.topics[0] !== TRANSACTION_DEPOSITED_TOPIC) return []
    const recorded = logs[i + 1]
    if (recorded?.address !== portal) {
      throw new DepositLogError('got a deposit without DepositRecorded directly after it')
    }
    const index = depositIndexFromLog(recorded)
    return [{ index, deposit: depositFromLog(deposited, userDepositSourceHash(l1BlockHash, index)) }]
  })
}

/**
 * Reads the deposit out of `TransactionDeposited`, all but its source hash.
 *
 * @throws {DepositLogError} when the log is not one of version 0.
 */
export function depositFromLog(log: PortalLog, sourceHash: Hex): Deposit {
  if (log.topics.length !== 4 || log.topics[0] !== TRANSACTION_DEPOSITED_TOPIC) {
    throw new DepositLogError('got another log, expected TransactionDeposited')
  }
  const version = BigInt(log.topics[3] as Hex)
  if (version !== 0n) throw new DepositLogError(`got deposit version ${version}, expected 0`)
  const opaque = abiBytes(fromHex(log.data))
  if (opaque.length < OPAQUE_HEAD_BYTES) {
    throw new DepositLogError(
      `got ${opaque.length} bytes of opaque data, expected at least ${OPAQUE_HEAD_BYTES}`,
    )
  }
  const mint = wordAt(opaque, 0)
  if (mint >= 1n << 128n) throw new DepositLogError(`got mint ${mint}, expected less than 2^128`)
  return {
    sourceHash,
    from: topicToAddress(log.topics[1] as Hex),
    to: opaque[72] === 0 ? topicToAddress(log.topics[2] as Hex) : undefined,
    mint,
    value: wordAt(opaque, WORD),
    gas: new DataView(opaque.buffer, opaque.byteOffset).getBigUint64(2 * WORD),
    isSystemTx: false,
    data: opaque.subarray(OPAQUE_HEAD_BYTES),
  }
}

/** Computes a user deposit's source hash: `keccak(0^32 ‖ keccak(l1BlockHash ‖ uint256(depositIndex)))`. */
export function userDepositSourceHash(l1BlockHash: Hex, depositIndex: bigint): Hex {
  const index = fromHex(`0x${depositIndex.toString(16).padStart(2 * WORD, '0')}`)
  return keccakHex(concat(new Uint8Array(WORD), keccak(concat(fromHex(l1BlockHash, 32), index))))
}

function depositIndexFromLog(log: PortalLog): bigint {
  if (log.topics.length !== 2 || log.topics[0] !== DEPOSIT_RECORDED_TOPIC) {
    throw new DepositLogError('got another log after TransactionDeposited, expected DepositRecorded')
  }
  return BigInt(log.topics[1] as Hex)
}

function topicToAddress(topic: Hex): Address {
  return `0x${topic.slice(-40)}`
}

/** Reads the only member of ABI-encoded data, a `bytes`. */
function abiBytes(data: Uint8Array): Uint8Array {
  const length = data.length >= 2 * WORD ? wordAt(data, WORD) : 0n
  if (data.length < 2 * WORD || wordAt(data, 0) !== BigInt(WORD) || length > BigInt(data.length - 2 * WORD)) {
    throw new DepositLogError('got log data that are not one ABI-encoded bytes')
  }
  return data.subarray(2 * WORD, 2 * WORD + Number(length))
}

function wordAt(bytes: Uint8Array, offset: number): bigint {
  return BigInt(toHex(bytes.subarray(offset, offset + WORD)))
}

/** Reports portal logs that are not a deposit's. */
export class DepositLogError extends KeyrollError {
  override readonly name = 'DepositLogError'
}
