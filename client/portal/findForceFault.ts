import type { Client, Hex } from 'viem'
import {
  configHash,
  type InvalidReason,
  type RollupConfig,
  validateSetConfig,
  verifySignature,
} from '../../protocol/index.ts'
import { getConfig } from '../keyroll/getConfig.ts'
import { decodeForced } from './portalCall.ts'

/** What a set-config is checked against, beside what the node says. */
export type FindForceFaultParameters = {
  rollup: Pick<RollupConfig, 'l2ChainId' | 'minRecoveryDelay' | 'challengePeriod'>
  raw: Hex
  /** Seconds; that of the newest L1 block, which the deposit's Keyroll block will not be before. */
  timestamp: bigint
}

/** Why forcing a set-config would burn gas for nothing. */
export type ForceFault = 'ALREADY_IN_EFFECT' | InvalidReason

/**
 * Names what keeps a set-config from taking effect on the state that a Keyroll node has derived from L1, or nothing. Unsafe blocks
 * count for nothing, for without their sequencer they may never come to L1; what comes before the deposit in the chain may still
 * change the answer.
 *
 * @throws {UndecodableSetConfigError}
 * @throws {KeyrollRefusedError}
 * @throws {WrongNodeAnswerError}
 */
export async function findForceFault(
  client: Client,
  { rollup, raw, timestamp }: FindForceFaultParameters,
): Promise<ForceFault | undefined> {
  const tx = decodeForced(rollup, raw)
  const keystore = await getConfig(client, { id: tx.id, block: 'safe' })
  if (keystore.configHash === configHash(tx.next)) return 'ALREADY_IN_EFFECT'
  // A keystore that nobody wrote is known by the set-config alone: by the initial config in it, or not at all.
  const current = keystore.config ?? tx.initial
  if (current === undefined) return 'NONCE_TOO_HIGH'
  const recovery = keystore.recovery && { ...keystore.recovery, nonce: current.nonce + 1n }
  return validateSetConfig({ tx, current, recovery, timestamp, rollup, verify: verifySignature })
}
