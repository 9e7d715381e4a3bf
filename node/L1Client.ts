import type { Address, Hex } from 'viem'
import type { BlockId } from './BlockRef.ts'

/** An L1 block as the heads name it. */
export type L1BlockRef = BlockId & { parentHash: Hex /** Seconds. */; timestamp: bigint }

/** An L1 header whose hash was recomputed from its fields. */
export type L1Header = L1BlockRef & {
  stateRoot: Hex
  transactionsRoot: Hex
  receiptsRoot: Hex
  logsBloom: Hex
  mixHash: Hex
  /** Wei. */
  baseFeePerGas: bigint
  /** Zero hash where the header has none. */
  parentBeaconBlockRoot: Hex
}

/** An L1 transaction whose bytes were checked against the header's transactions root. */
export type L1Transaction = {
  hash: Hex
  type: number
  /** Undefined for a contract creation. */
  to: Address | undefined
  input: Uint8Array
  blobVersionedHashes: readonly Hex[]
  raw: Uint8Array
}

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

/** Names an L1 block by what the L1 node holds of it. */
export type L1Tag = 'latest' | 'safe' | 'finalized'

/**
 * Reads L1 and believes nothing that a hash can check: whoever trusts a header's hash may trust all else.
 * Every method throws `TemporaryFault` when L1 cannot answer, after a few attempts.
 */
export interface L1Client {
  chainId(): Promise<bigint>
  /** Reads the header at a number or tag; undefined when L1 has none there (yet). */
  header(numberOrTag: bigint | L1Tag): Promise<L1Header | undefined>
  /** Reads a header by hash; undefined when L1 does not know it. */
  headerByHash(hash: Hex): Promise<L1Header | undefined>
  /** Reads all transactions of a block. @throws ResetFault when L1 no longer knows the block. */
  transactions(header: L1Header): Promise<readonly L1Transaction[]>
  /** Reads all receipts of a block, in the order of its transactions. @throws ResetFault when L1 no longer knows the block. */
  receipts(header: L1Header): Promise<readonly L1Receipt[]>
  /** Tells by the header's bloom alone whether the block may hold logs of any of the addresses. */
  mayHaveLogs(header: L1Header, addresses: readonly Address[]): boolean
  /** Reads the blobs with these versioned hashes, in this order. @throws CriticalFault without a beacon API. */
  blobs(header: L1Header, versionedHashes: readonly Hex[]): Promise<readonly Uint8Array[]>
}
