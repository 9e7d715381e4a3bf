import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** What a sequencer counts and measures. */
export type SequencerMetrics = ReturnType<typeof createSequencerMetrics>

/** Adds the sequencer's metrics to a process's registry. */
export function createSequencerMetrics(registry: Registry) {
  const registers = [registry]
  return {
    submissions: new Counter({
      name: 'keyroll_pool_submissions_total',
      help: 'Submitted transactions by outcome: PROMISED, KNOWN, or the reason of the refusal',
      labelNames: ['outcome'] as const,
      registers,
    }),
    commitSeconds: new Histogram({
      name: 'keyroll_pool_commit_seconds',
      help: 'Time to write and sync one group of promises',
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
      registers,
    }),
    pending: new Gauge({
      name: 'keyroll_pool_pending_transactions',
      help: 'Promised transactions that are not in a block',
      registers,
    }),
    pendingBytes: new Gauge({
      name: 'keyroll_pool_pending_bytes',
      help: 'Bytes of the promised transactions that are not in a block',
      registers,
    }),
    resequenced: new Counter({
      name: 'keyroll_pool_resequenced_total',
      help: 'Promised transactions that were in a block which L1 took back, and are pending again',
      registers,
    }),
    displaced: new Counter({
      name: 'keyroll_pool_displaced_total',
      help: 'Promised transactions that can no longer take effect, by reason',
      labelNames: ['reason'] as const,
      registers,
    }),
    unkept: new Counter({
      name: 'keyroll_pool_unkept_promises_total',
      help: 'Promises that were not kept for good: late, displaced, or void because a deposit was faster',
      labelNames: ['outcome'] as const,
      registers,
    }),
    overdue: new Gauge({
      name: 'keyroll_pool_overdue_transactions',
      help: 'Pending promised transactions whose byBlock is past',
      registers,
    }),
    mayPromise: new Gauge({
      name: 'keyroll_sequencer_may_promise',
      help: '1 while the sequencer signs promises, 0 while something forbids it',
      registers,
    }),
    active: new Gauge({
      name: 'keyroll_sequencer_active',
      help: '1 while the sequencer builds blocks',
      registers,
    }),
    buildSeconds: new Histogram({
      name: 'keyroll_sequencer_build_seconds',
      help: 'Time to choose an L1 origin and build a block',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers,
    }),
    buildFailures: new Counter({
      name: 'keyroll_sequencer_build_failures_total',
      help: 'Attempts to build a block that failed, by the name of the error',
      labelNames: ['error'] as const,
      registers,
    }),
    driftBlocks: new Counter({
      name: 'keyroll_sequencer_drift_blocks_total',
      help: 'Blocks that had to stay empty because their L1 origin was too old',
      registers,
    }),
    l1Sent: new Counter({
      name: 'keyroll_l1_transactions_sent_total',
      help: 'L1 transactions handed to L1, by sender and attempt (first, repeated, bumped, trimmed, cancelling)',
      labelNames: ['sender', 'attempt'] as const,
      registers,
    }),
    l1Refused: new Counter({
      name: 'keyroll_l1_transactions_refused_total',
      help: 'L1 transactions that L1 would not take, by sender and outcome',
      labelNames: ['sender', 'outcome'] as const,
      registers,
    }),
    l1Settled: new Counter({
      name: 'keyroll_l1_transactions_settled_total',
      help: 'L1 transactions that came to an end, by sender and outcome (success, reverted, lost)',
      labelNames: ['sender', 'outcome'] as const,
      registers,
    }),
    l1Unsettled: new Gauge({
      name: 'keyroll_l1_transactions_pending',
      help: 'L1 transactions without a confirmed receipt, by sender',
      labelNames: ['sender'] as const,
      registers,
    }),
    l1AtCeiling: new Counter({
      name: 'keyroll_l1_transactions_at_ceiling_total',
      help: 'Times that a fee ceiling kept an L1 transaction waiting, by sender',
      labelNames: ['sender'] as const,
      registers,
    }),
    batchedBlocks: new Counter({
      name: 'keyroll_batcher_blocks_total',
      help: 'Blocks posted to L1, those posted again included',
      registers,
    }),
    batchedBytes: new Counter({
      name: 'keyroll_batcher_bytes_total',
      help: 'Bytes of channels posted to L1, by kind (calldata, blobs)',
      labelNames: ['kind'] as const,
      registers,
    }),
    batchCost: new Gauge({
      name: 'keyroll_batcher_cost_gwei',
      help: 'What the newest choice between calldata and blobs would have cost, by kind, in gwei',
      labelNames: ['kind'] as const,
      registers,
    }),
    safeSubmissions: new Counter({
      name: 'keyroll_batcher_safe_submissions_total',
      help: 'Submissions that made all their blocks safe, as expected',
      registers,
    }),
    repostedRanges: new Counter({
      name: 'keyroll_batcher_reposts_total',
      help: 'Submissions whose blocks have to be posted again, by reason (REORGANISED, REVERTED, LOST, DROPPED)',
      labelNames: ['reason'] as const,
      registers,
    }),
    batcherPause: new Gauge({
      name: 'keyroll_batcher_pause_l1_blocks',
      help: 'L1 blocks for which nothing is posted after the same blocks came to nothing again and again; 0 without such failures',
      registers,
    }),
    proposedBlock: new Gauge({
      name: 'keyroll_proposer_block_number',
      help: 'Block number of the newest proposed output',
      registers,
    }),
    refusedOutputs: new Counter({
      name: 'keyroll_proposer_refused_total',
      help: 'Proposals that the output oracle refused, by where: ESTIMATE cost nothing, BLOCK was paid',
      labelNames: ['where'] as const,
      registers,
    }),
    proposerPause: new Gauge({
      name: 'keyroll_proposer_pause_l1_blocks',
      help: 'L1 blocks for which nothing is proposed after the same output was refused in blocks again and again; 0 without such failures',
      registers,
    }),
  }
}
