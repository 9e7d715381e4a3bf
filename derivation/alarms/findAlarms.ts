import { type ChainStore, CriticalFault } from '../../node/index.ts'
import type { RollupConfig } from '../../protocol/index.ts'
import type { Derivation } from '../createDerivation.ts'
import type { WrongOutput } from '../OutputChecker.ts'
import type { Alarm } from './Alarm.ts'

/** Looks for what a human must hear of. */
export interface AlarmFinder {
  /** Lists what is wrong at a time, in milliseconds. */
  find(now: number): readonly Alarm[]
}

/**
 * Makes the finder of a derivation's alarms; what should move and does not is wrong after `patienceMs` milliseconds.
 */
export function createAlarmFinder({
  derivation,
  store,
  rollup,
  patienceMs,
}: {
  derivation: Pick<Derivation, 'status' | 'failure' | 'wrongOutputs'>
  store: Pick<ChainStore, 'heads' | 'inclusionOf'>
  rollup: Pick<RollupConfig, 'challengePeriod'>
  patienceMs: number
}): AlarmFinder {
  let troubled: { since: number; attempts: number } | undefined
  let best: { safe: bigint; l1: bigint; at: number } | undefined

  /**
   * Milliseconds for which nothing has come forward: the safe head by a batch, or while L1 is being read, the L1 block. The blocks
   * that a closed sequencing window forces say only that there are no batches.
   */
  function standstill(now: number): number {
    const { isSynced, derivedL1 } = derivation.status()
    const safe = store.heads().safe.number
    best ??= { safe, l1: derivedL1?.number ?? -1n, at: now }
    const l1 = derivedL1?.number ?? best.l1
    const isByBatch = safe > best.safe && store.inclusionOf(safe)?.transactionHash !== undefined
    if (isByBatch || (!isSynced && l1 > best.l1)) best = { safe, l1, at: now }
    return now - best.at
  }

  function halted(failure: unknown): Alarm {
    const message = failure instanceof Error ? failure.message : String(failure)
    const isReverted = failure instanceof CriticalFault && failure.details.reason === 'FINALIZED_L1_REVERTED'
    const kind = isReverted ? 'FINALIZED_L1_REVERTED' : 'DERIVATION_HALTED'
    return { kind, key: message, text: `derivation has halted: ${message}`, details: { message } }
  }

  /** Milliseconds for which the same step of derivation has failed. */
  function troubleTime(now: number): number {
    const { trouble } = derivation.status()
    // Fewer attempts than at the last look: this is another step.
    const isSame = troubled !== undefined && trouble !== undefined && trouble.attempts >= troubled.attempts
    troubled = trouble && { since: isSame && troubled ? troubled.since : now, attempts: trouble.attempts }
    return now - (troubled?.since ?? now)
  }

  function stuck(now: number): Alarm[] {
    const { trouble } = derivation.status()
    const [stoodStill, failedFor] = [standstill(now), troubleTime(now)]
    if (trouble !== undefined && failedFor >= patienceMs) {
      const { message, details } = trouble.fault
      const kind = details.reason === 'BLOBS_MISSING' ? 'BLOBS_MISSING' : 'L1_UNAVAILABLE'
      const seconds = Math.floor(failedFor / 1_000)
      const text = `derivation cannot go on for ${seconds} seconds: ${message}`
      return [{ kind, key: '', text, details: { message, seconds } }]
    }
    if (stoodStill < patienceMs) return []
    const { safe } = store.heads()
    const seconds = Math.floor(stoodStill / 1_000)
    const l1Block = Number(derivation.status().derivedL1?.number ?? 0n)
    const text = `no batch has brought the safe head, block ${safe.number}, forward for ${seconds} seconds`
    const details = { l2Block: Number(safe.number), l2Timestamp: Number(safe.timestamp), l1Block, seconds }
    return [{ kind: 'SAFE_HEAD_STALLED', key: '', text, details }]
  }

  function wrong({ output, expected }: WrongOutput): Alarm {
    const { index, outputRoot, l2BlockNumber, l1Timestamp, l1Block, transactionHash } = output
    const deadline = Number(l1Timestamp) + rollup.challengePeriod
    return {
      kind: 'WRONG_OUTPUT',
      key: `${index} ${outputRoot}`,
      text: `output ${index} on L1 is not of this chain: the challenger must delete it before ${new Date(
        deadline * 1_000,
      ).toISOString()}`,
      details: {
        outputIndex: Number(index),
        l2Block: Number(l2BlockNumber),
        posted: outputRoot,
        expected,
        l1Transaction: transactionHash,
        l1Block: Number(l1Block.number),
        deadline,
      },
    }
  }

  return {
    find(now) {
      const failure = derivation.failure()
      const outputs = derivation.wrongOutputs().map(wrong)
      return failure === undefined ? [...outputs, ...stuck(now)] : [...outputs, halted(failure)]
    },
  }
}
