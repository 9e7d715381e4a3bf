import type { Address } from 'viem'
import type { Logger } from '../node/index.ts'
import type { L1Contracts } from './l1/L1Contracts.ts'
import { repeat } from './repeat.ts'

/** A role on L1 for which this process may hold the key. */
export type L1Role = 'batcher' | 'proposer'

/** What a {@link RoleWatch} is made of. */
export type RoleWatchModules = {
  contracts: Pick<L1Contracts, L1Role>
  /** The account of each role; undefined where its key runs elsewhere, or nowhere. */
  accounts: Readonly<Record<L1Role, Address | undefined>>
  /** Milliseconds between two looks. */
  intervalMs: number
  logger: Logger
}

/** Knows whether SystemConfig names the accounts of this process for their roles; whom it names can change at any time. */
export interface RoleWatch {
  /** Lists the roles in which SystemConfig names somebody else; empty before L1 was asked. */
  missing(): readonly L1Role[]
  /**
   * Asks SystemConfig, and says once what has changed.
   *
   * @throws {TemporaryFault} when L1 does not answer; the last answer stands.
   */
  refresh(): Promise<void>
  run(signal: AbortSignal): Promise<void>
}

const ROLES: readonly L1Role[] = ['batcher', 'proposer']

/** Makes a watch that knows nothing before its first look. */
export function createRoleWatch({ contracts, accounts, intervalMs, logger }: RoleWatchModules): RoleWatch {
  let missing: readonly L1Role[] = []

  async function isMissing(role: L1Role): Promise<boolean> {
    const account = accounts[role]?.toLowerCase()
    if (account === undefined) return false
    const named = await contracts[role]()
    const isNamed = named === account
    const wasNamed = !missing.includes(role)
    if (wasNamed && !isNamed)
      logger.error({ role, account, named }, `SystemConfig names another ${role}: this one does nothing`)
    if (!wasNamed && isNamed) logger.info({ role, account }, `SystemConfig names this ${role} again`)
    return !isNamed
  }

  async function refresh(): Promise<void> {
    const answers = await Promise.all(ROLES.map(isMissing))
    missing = ROLES.filter((_, i) => answers[i])
  }

  return {
    missing: () => missing,
    refresh,
    run: (signal) => repeat(refresh, { intervalMs, signal, logger }),
  }
}
