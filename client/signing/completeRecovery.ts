import type { Hex } from 'viem'
import { type Config, keccakHex, setConfigToBytes, toHex } from '../../protocol/index.ts'
import type { SignedSetConfig, SigningRollup } from './signSetConfig.ts'

/** A recovery whose delay is over. */
export type CompleteRecoveryParameters = {
  rollup: Pick<SigningRollup, 'l2ChainId'>
  id: Hex
  /** The config in force. */
  current: Config
  /** The config that the guardians approved. */
  next: Config
}

/** Makes the set-config that completes a recovery (kind 2); anybody may send it, and nobody signs it (protocol.md §3). */
export function completeRecovery({ rollup, id, current, next }: CompleteRecoveryParameters): SignedSetConfig {
  const initial = next.nonce === 1n ? current : undefined
  const tx = { chainId: rollup.l2ChainId, id, kind: 2, initial, next, approvals: [], openings: [] } as const
  const raw = setConfigToBytes({ ...tx, approvals: [], openings: [] })
  return { raw: toHex(raw), transactionHash: keccakHex(raw), tx: { ...tx, approvals: [], openings: [] } }
}
