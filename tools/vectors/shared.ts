import type { Hex } from 'viem'
import { type Authority, type Config, keccakHex, type ShortConfig } from '../../protocol/index.ts'

/** The rollup that the vectors belong to. */
export const CHAIN_ID = 0x4b52n

/** Seconds that a recovery has to wait at least, on the vectors' rollup. */
export const MIN_RECOVERY_DELAY = 86_400

/** Seconds of the vectors' rollup's challenge period. */
export const CHALLENGE_PERIOD = 604_800

/** Makes 32 bytes that stand for something, from its name. */
export function hashOf(name: string): Hex {
  return keccakHex(new TextEncoder().encode(name))
}

/** Spreads a config over one level of names, numbers as decimal strings, so that forge reads it by path. */
export function flattenConfig({
  nonce,
  signers,
  guardians,
  recoveryDelay,
  maxStaleness,
}: Config | ShortConfig) {
  return {
    nonce: nonce.toString(),
    signersRoot: signers.root,
    signersThreshold: signers.threshold.toString(),
    guardiansRoot: guardians.root,
    guardiansThreshold: guardians.threshold.toString(),
    recoveryDelay: recoveryDelay.toString(),
    maxStaleness: maxStaleness.toString(),
  }
}

/** Makes an authority of a root. */
export function authority(root: Hex, threshold: number): Authority {
  return { root, threshold }
}
