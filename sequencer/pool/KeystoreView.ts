import type { Hex } from 'viem'
import {
  type Config,
  type InvalidReason,
  type Recovery,
  readKeystore,
  requireConfig,
  type SetConfigKind,
  type StateReader,
} from '../../protocol/index.ts'

/** What a keystore looks like after some block and some transactions: all that decides what may come next. */
export type KeystoreView = {
  configHash: Hex
  nonce: bigint
  /** Undefined while nobody has shown the initial config. */
  config: Config | undefined
  recovery: Recovery | undefined
}

/** The part of a validated set-config on which its validity at another moment depends. */
export type Step = {
  kind: SetConfigKind
  nonce: bigint
  configHash: Hex
  /** Hash of the config in force when it was found valid; its signatures are over it. */
  previous: Hex
}

/** Whether a step that was valid once may be taken now. */
export type Judgement =
  | { verdict: 'ready' }
  /** Not now, but perhaps after other steps, or later. */
  | { verdict: 'wait'; reason: InvalidReason }
  /** Never on this chain, whatever follows. */
  | { verdict: 'impossible'; reason: InvalidReason | 'PREDECESSOR_REPLACED' }

const READY: Judgement = { verdict: 'ready' }

/** Later than any block. */
export const END_OF_TIME = 2n ** 64n - 1n

/** Reads a keystore's view from the state with this keystore root. */
export function readKeystoreView(reader: StateReader, keystoreRoot: Hex, id: Hex): KeystoreView {
  const { configHash, written, recovery } = readKeystore(reader, keystoreRoot, id)
  const config = written ? requireConfig(reader, configHash) : reader.config(id)
  const nonce = config?.nonce ?? 0n
  return { configHash, nonce, config, recovery: recovery && { ...recovery, nonce: nonce + 1n } }
}

/**
 * Judges a step that was valid once, without looking at its signatures again.
 *
 * Nothing in protocol.md §3.3 but rules 1 and 3 to 6 depends on more than the config in force, which `previous` names.
 */
export function judge(view: KeystoreView, step: Step, timestamp: bigint): Judgement {
  if (step.nonce <= view.nonce) return { verdict: 'impossible', reason: 'NONCE_TOO_LOW' }
  if (step.nonce > view.nonce + 1n) return { verdict: 'wait', reason: 'NONCE_TOO_HIGH' }
  const recovery = view.recovery?.nonce === step.nonce ? view.recovery : undefined
  if (step.kind === 2) {
    // A reorg may have taken back the start of the recovery; it may come again.
    if (recovery === undefined) return { verdict: 'wait', reason: 'NO_RECOVERY_PENDING' }
    if (recovery.configHash !== step.configHash) return { verdict: 'impossible', reason: 'RECOVERY_MISMATCH' }
    return timestamp < recovery.readyAt ? { verdict: 'wait', reason: 'RECOVERY_NOT_READY' } : READY
  }
  if (step.previous !== view.configHash) return { verdict: 'impossible', reason: 'PREDECESSOR_REPLACED' }
  if (step.kind === 1 && recovery !== undefined) return { verdict: 'impossible', reason: 'RECOVERY_PENDING' }
  return READY
}

/** Computes the view after a step that is ready, `next` being its config, in a block with this timestamp. */
export function advance(
  view: KeystoreView,
  step: Step & { next: Config; initial: Config | undefined },
  timestamp: bigint,
): KeystoreView {
  const { configHash, next, nonce } = step
  if (step.kind !== 1) return { ...view, configHash, nonce, config: next }
  const config = view.config ?? step.initial
  const readyAt = timestamp === END_OF_TIME ? END_OF_TIME : timestamp + BigInt(config?.recoveryDelay ?? 0)
  return { ...view, config, recovery: { configHash, nonce, readyAt } }
}
