import type { Hex, TransactionReceipt } from 'viem'
import { depositsFromLogs, depositToBytes, keccakHex, toHex, transactionHash } from '../../protocol/index.ts'
import type { ForcingRollup } from './ForcingRollup.ts'

/** A set-config on its way to the rollup through L1. */
export type ForcedConfig = {
  raw: Hex
  /** Hash of the set-config, as the sequencer would name it. */
  setConfigHash: Hex
  /** Hash of the deposit, the rollup's transaction that carries the set-config; ask for its status by this. */
  transactionHash: Hex
  sourceHash: Hex
  /** Its place among all deposits of the portal. */
  depositIndex: bigint
  l1BlockNumber: bigint
  l1BlockHash: Hex
  /** The newest L1 block a node must have read before the deposit is surely derived: the end of the sequencing window. */
  latestL1Block: bigint
}

/**
 * Finds the set-configs that an L1 transaction forced, in its receipt. Another L1 block after a reorganisation makes other
 * hashes.
 *
 * @throws {DepositLogError} when the rollup's portal is another contract.
 */
export function findForced(
  { depositContractAddress, seqWindowSize }: Pick<ForcingRollup, 'depositContractAddress' | 'seqWindowSize'>,
  receipt: Pick<TransactionReceipt, 'status' | 'blockHash' | 'blockNumber' | 'logs'>,
): ForcedConfig[] {
  const { status, blockHash, blockNumber } = receipt
  if (status !== 'success') return []
  const logs = receipt.logs.map(({ address, topics, data }) => ({ address: lower(address), topics, data }))
  return depositsFromLogs(blockHash, lower(depositContractAddress), logs).map(({ index, deposit }) => ({
    raw: toHex(deposit.data),
    setConfigHash: keccakHex(deposit.data),
    transactionHash: transactionHash(depositToBytes(deposit)),
    sourceHash: deposit.sourceHash,
    depositIndex: index,
    l1BlockNumber: blockNumber,
    l1BlockHash: blockHash,
    latestL1Block: blockNumber + seqWindowSize,
  }))
}

function lower(address: Hex): Hex {
  return address.toLowerCase() as Hex
}
