import type { Address } from 'viem'
import { CriticalFault, type L1Client, type L1Header, type L1Log, type L1Receipt } from '../node/index.ts'
import {
  DEPOSIT_RECORDED_TOPIC,
  DepositLogError,
  depositFromLogs,
  depositToBytes,
  TRANSACTION_DEPOSITED_TOPIC,
} from '../protocol/index.ts'

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
    return depositsFromReceipts(header, receipts, portal)
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

function depositsFromReceipts(
  { hash }: L1Header,
  receipts: readonly L1Receipt[],
  portal: Address,
): Uint8Array[] {
  return receipts
    .filter(({ status }) => status === 1)
    .flatMap(({ logs }) => pairs(logs, portal))
    .map(([deposited, recorded]) => depositToBytes(depositFromLogs(hash, deposited, recorded)))
}

function pairs(logs: readonly L1Log[], portal: Address): [L1Log, L1Log][] {
  return logs.flatMap((log, i): [L1Log, L1Log][] => {
    if (log.address !== portal || log.topics[0] !== TRANSACTION_DEPOSITED_TOPIC) return []
    const recorded = logs[i + 1]
    if (recorded?.address !== portal || recorded.topics[0] !== DEPOSIT_RECORDED_TOPIC) {
      throw new DepositLogError('got a deposit without DepositRecorded directly after it')
    }
    return [[log, recorded]]
  })
}
