import { Counter, Gauge, type Registry } from 'prom-client'

/** What derivation counts and measures. */
export type DerivationMetrics = ReturnType<typeof createDerivationMetrics>

/** Adds derivation's metrics to a process's registry. */
export function createDerivationMetrics(registry: Registry) {
  const registers = [registry]
  return {
    dropped: new Counter({
      name: 'keyroll_derivation_dropped_total',
      help: 'Submissions, channels and batches on L1 that were dropped, by reason',
      labelNames: ['reason'] as const,
      registers,
    }),
    blocks: new Counter({
      name: 'keyroll_derivation_blocks_total',
      help: 'Derived blocks by source: a batch, or forced by the end of the sequencing window',
      labelNames: ['source'] as const,
      registers,
    }),
    l1Block: new Gauge({
      name: 'keyroll_derivation_l1_block',
      help: 'Number of the L1 block that derivation reads',
      registers,
    }),
    faults: new Counter({
      name: 'keyroll_derivation_faults_total',
      help: 'Faults met while deriving, by severity (temporary, reset, critical)',
      labelNames: ['severity'] as const,
      registers,
    }),
    missingBlobs: new Gauge({
      name: 'keyroll_derivation_missing_blobs',
      help: 'Blobs that derivation waits for because no beacon node serves them',
      registers,
    }),
    halted: new Gauge({
      name: 'keyroll_derivation_halted',
      help: '1 once a critical fault has stopped derivation',
      registers,
    }),
    checkedOutputs: new Counter({
      name: 'keyroll_outputs_checked_total',
      help: 'Outputs on L1 compared with the derived chain, by result (match, mismatch)',
      labelNames: ['result'] as const,
      registers,
    }),
    wrongOutputs: new Gauge({
      name: 'keyroll_outputs_wrong',
      help: 'Standing outputs on L1 that differ from the derived chain; above 0 the challenger must act',
      registers,
    }),
  }
}
