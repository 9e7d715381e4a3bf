import type { Address, Hex } from 'viem'
import { fromHex, keccakHex, toHex } from './bytes.ts'
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

/** An Isthmus header (protocol.md §4): Ethereum's 21 fields in their order. Numbers are quantities, the rest bytes. */
export type Header = {
  parentHash: Hex
  ommersHash: Hex
  beneficiary: Address
  stateRoot: Hex
  transactionsRoot: Hex
  receiptsRoot: Hex
  /** 256 bytes. */
  logsBloom: Hex
  difficulty: bigint
  number: bigint
  gasLimit: bigint
  /** Bytes of all raw transactions of the block. */
  gasUsed: bigint
  /** Seconds. */
  timestamp: bigint
  /** uint64 L1 origin number ‖ uint64 sequence number. */
  extraData: Hex
  /** The L1 origin's hash. */
  mixHash: Hex
  /** 8 bytes. */
  nonce: Hex
  baseFeePerGas: bigint
  /** The keystore root. */
  withdrawalsRoot: Hex
  blobGasUsed: bigint
  excessBlobGas: bigint
  /** The L1 origin's parent beacon block root; zero where it has none. */
  parentBeaconBlockRoot: Hex
  requestsHash: Hex
}

/** What every L1 header says since the Merge; `parentBeaconBlockRoot` is undefined before Cancun. */
export type L1HeaderFields = {
  hash: Hex
  parentHash: Hex
  stateRoot: Hex
  transactionsRoot: Hex
  receiptsRoot: Hex
  logsBloom: Hex
  number: bigint
  /** Seconds. */
  timestamp: bigint
  mixHash: Hex
  /** Wei. */
  baseFeePerGas: bigint
  parentBeaconBlockRoot: Hex | undefined
}

const HEADER_FIELDS = 21
const LONDON_FIELDS = 16
const PARENT_BEACON_BLOCK_ROOT = 19
const MAX_L1_EXTRA_FIELDS = 16

/** Encodes a header as RLP. */
export function headerToRlp(header: Header): Uint8Array {
  return encodeRlp(headerToItem(header))
}

/** Lays a header out as an RLP item, to stand inside another. */
export function headerToItem(header: Header): RlpItem {
  return [
    fromHex(header.parentHash, 32),
    fromHex(header.ommersHash, 32),
    fromHex(header.beneficiary, 20),
    fromHex(header.stateRoot, 32),
    fromHex(header.transactionsRoot, 32),
    fromHex(header.receiptsRoot, 32),
    fromHex(header.logsBloom, 256),
    uintToRlp(header.difficulty),
    uintToRlp(header.number),
    uintToRlp(header.gasLimit),
    uintToRlp(header.gasUsed),
    uintToRlp(header.timestamp),
    fromHex(header.extraData),
    fromHex(header.mixHash, 32),
    fromHex(header.nonce, 8),
    uintToRlp(header.baseFeePerGas),
    fromHex(header.withdrawalsRoot, 32),
    uintToRlp(header.blobGasUsed),
    uintToRlp(header.excessBlobGas),
    fromHex(header.parentBeaconBlockRoot, 32),
    fromHex(header.requestsHash, 32),
  ]
}

/**
 * Decodes the RLP of a header of exactly 21 fields.
 *
 * @throws {RlpError} when it is anything else, or a field has the wrong width.
 */
export function headerFromRlp(bytes: Uint8Array): Header {
  return headerFromItem(decodeRlp(bytes))
}

/**
 * Reads a header out of a decoded RLP item.
 *
 * @throws {RlpError} as {@link headerFromRlp}.
 */
export function headerFromItem(item: RlpItem | undefined): Header {
  const fields = rlpToList(item, HEADER_FIELDS)
  return {
    parentHash: hexAt(fields, 0, 32),
    ommersHash: hexAt(fields, 1, 32),
    beneficiary: hexAt(fields, 2, 20),
    stateRoot: hexAt(fields, 3, 32),
    transactionsRoot: hexAt(fields, 4, 32),
    receiptsRoot: hexAt(fields, 5, 32),
    logsBloom: hexAt(fields, 6, 256),
    difficulty: rlpToUint(fields[7], 256),
    number: rlpToUint(fields[8], 64),
    gasLimit: rlpToUint(fields[9], 64),
    gasUsed: rlpToUint(fields[10], 64),
    timestamp: rlpToUint(fields[11], 64),
    extraData: hexAt(fields, 12),
    mixHash: hexAt(fields, 13, 32),
    nonce: hexAt(fields, 14, 8),
    baseFeePerGas: rlpToUint(fields[15], 256),
    withdrawalsRoot: hexAt(fields, 16, 32),
    blobGasUsed: rlpToUint(fields[17], 64),
    excessBlobGas: rlpToUint(fields[18], 64),
    parentBeaconBlockRoot: hexAt(fields, PARENT_BEACON_BLOCK_ROOT, 32),
    requestsHash: hexAt(fields, 20, 32),
  }
}

/** Computes a header's hash, the block's. */
export function headerHash(header: Header): Hex {
  return keccakHex(headerToRlp(header))
}

/**
 * Decodes the RLP of an L1 header of London or later; fields that later forks append are accepted unread.
 *
 * @throws {RlpError} when it is not canonical, has too few fields, or a field it reads has the wrong width.
 */
export function l1HeaderFromRlp(bytes: Uint8Array): L1HeaderFields {
  const fields = rlpToList(decodeRlp(bytes))
  if (fields.length < LONDON_FIELDS || fields.length > HEADER_FIELDS + MAX_L1_EXTRA_FIELDS) {
    throw new RlpError(`got a header of ${fields.length} fields, expected at least ${LONDON_FIELDS}`)
  }
  return {
    hash: keccakHex(bytes),
    parentHash: hexAt(fields, 0, 32),
    stateRoot: hexAt(fields, 3, 32),
    transactionsRoot: hexAt(fields, 4, 32),
    receiptsRoot: hexAt(fields, 5, 32),
    logsBloom: hexAt(fields, 6, 256),
    number: rlpToUint(fields[8], 64),
    timestamp: rlpToUint(fields[11], 64),
    mixHash: hexAt(fields, 13, 32),
    baseFeePerGas: rlpToUint(fields[15], 256),
    parentBeaconBlockRoot:
      fields.length > PARENT_BEACON_BLOCK_ROOT ? hexAt(fields, PARENT_BEACON_BLOCK_ROOT, 32) : undefined,
  }
}

function hexAt(fields: readonly RlpItem[], index: number, length?: number): Hex {
  return toHex(rlpToBytes(fields[index], length))
}
