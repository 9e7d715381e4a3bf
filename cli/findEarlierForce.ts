import { type Client, getAbiItem, type Hash, type Hex, zeroHash } from 'viem'
import { getBlockNumber, getLogs } from 'viem/actions'
import { keystorePortalAbi } from '../contracts/index.ts'
import { depositFromLog, KEYSTORE_ADDRESS, type RollupConfig, toHex } from '../protocol/index.ts'

/** Nodes refuse to search more at once. */
const BLOCKS_AT_ONCE = 500n
/** So many blocks are searched at most, whatever the rollup's window is: a day and a half of L1. */
const MOST_BLOCKS = 10_000n

/** What is looked for: the rollup whose portal took the bytes, and the bytes of a set-config. */
export type FindEarlierForceParameters = {
  rollup: Pick<RollupConfig, 'depositContractAddress' | 'seqWindowSize'>
  raw: Hex
}

/**
 * Finds the newest L1 transaction of the last sequencing window that deposited the same set-config; nodes have derived what is
 * older, and say whether it is in effect.
 *
 * @throws viem's errors when L1 does not show its logs.
 * @throws {DepositLogError} when the portal's logs are not deposits.
 */
export async function findEarlierForce(
  l1: Client,
  { rollup, raw }: FindEarlierForceParameters,
): Promise<{ transactionHash: Hash; blockNumber: bigint } | undefined> {
  const head = await getBlockNumber(l1, { cacheTime: 0 })
  const oldest = max(head - min(rollup.seqWindowSize, MOST_BLOCKS), 0n)
  for (let last = head; last >= oldest; last -= BLOCKS_AT_ONCE) {
    const logs = await getLogs(l1, {
      address: rollup.depositContractAddress,
      event: getAbiItem({ abi: keystorePortalAbi, name: 'TransactionDeposited' }),
      args: { to: KEYSTORE_ADDRESS },
      fromBlock: max(last - BLOCKS_AT_ONCE + 1n, oldest),
      toBlock: last,
    })
    const found = logs.findLast((log) => toHex(depositFromLog(log, zeroHash).data) === raw)
    if (found !== undefined) return found
  }
  return undefined
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
