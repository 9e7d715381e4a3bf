import { MAX_BLOCK_BYTES, parseSetConfig, type SetConfigParser } from '../protocol/index.ts'

/** Why a batch's transactions can be in no block (protocol.md §6). */
export type TransactionsFlaw = 'UNDECODABLE_TRANSACTION' | 'TOO_MANY_BYTES'

/** Checks that a batch's transactions are set-configs of this rollup, and fit one block; undefined when they are and do. */
export function checkTransactions(
  transactions: readonly Uint8Array[],
  l2ChainId: bigint,
  parse: SetConfigParser = parseSetConfig,
): TransactionsFlaw | undefined {
  let bytes = 0
  for (const raw of transactions) bytes += raw.length
  if (bytes > MAX_BLOCK_BYTES) return 'TOO_MANY_BYTES'
  for (const raw of transactions) if (!parse(raw, l2ChainId).ok) return 'UNDECODABLE_TRANSACTION'
  return undefined
}
