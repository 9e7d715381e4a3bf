import type { Address } from 'viem'
import { CriticalFault, type L1Client, type L1Header } from '../node/index.ts'
import { DepositLogError, depositsFromLogs, depositToBytes } from '../protocol/index.ts'

/**
 * Reads the raw deposits of an L1 block, in their order (protocol.md §4.1).
 *
 * @throws {CriticalFault} when the portal's logs are not deposits: the rollup config names another contract.
 */
export async function readDeposits(
  l1: Pick<L1Client, 'mayHaveLogs' | 'receipts'>,
  header: L1Header,
  portal: Address,
): Promise<Uint8Array[]> {
  if (!l1.mayHaveLogs(header, [portal])) return []
  const receipts = await l1.receipts(header)
  try {
    return receipts
      .filter(({ status }) => status === 1)
      .flatMap(({ logs }) => depositsFromLogs(header.hash, portal, logs))
      .map(({ deposit }) => depositToBytes(deposit))
  } catch (cause) {
    if (!(cause instanceof DepositLogError)) throw cause
    throw new CriticalFault(
      `the portal ${portal} wrote logs in L1 block ${header.number} that are no deposits`,
      {
        cause,
      },
    )
  }
}
