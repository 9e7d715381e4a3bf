import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** What the shared parts of a node count and measure; other parts add theirs to `registry`. */
export type Metrics = ReturnType<typeof createMetrics>

/** Makes a process's metrics in a registry of their own, so that two nodes in one process do not collide. */
export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  return {
    registry,
    headNumber: new Gauge({
      name: 'keyroll_head_number',
      help: 'Block number of the unsafe, safe and finalized head',
      labelNames: ['head'] as const,
      registers,
    }),
    headTimestamp: new Gauge({
      name: 'keyroll_head_timestamp_seconds',
      help: 'Timestamp of the unsafe, safe and finalized head',
      labelNames: ['head'] as const,
      registers,
    }),
    transactions: new Counter({
      name: 'keyroll_transactions_total',
      help: 'Executed transactions by their verdict; VALID where they took effect',
      labelNames: ['verdict'] as const,
      registers,
    }),
    rewinds: new Counter({
      name: 'keyroll_rewound_blocks_total',
      help: 'Blocks dropped because L1 said otherwise',
      registers,
    }),
    executionSeconds: new Histogram({
      name: 'keyroll_block_execution_seconds',
      help: 'Time to execute a block and write it to disk',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
      registers,
    }),
    rpcCalls: new Counter({
      name: 'keyroll_rpc_calls_total',
      help: 'JSON-RPC calls by method and outcome (ok, or the reason of the error)',
      labelNames: ['method', 'outcome'] as const,
      registers,
    }),
    rpcSeconds: new Histogram({
      name: 'keyroll_rpc_call_seconds',
      help: 'Time to answer a JSON-RPC call',
      labelNames: ['method'] as const,
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
      registers,
    }),
    l1Requests: new Counter({
      name: 'keyroll_l1_requests_total',
      help: 'Requests to L1 by node, method and outcome (ok, failed, or refused when a hash did not match)',
      labelNames: ['node', 'method', 'outcome'] as const,
      registers,
    }),
  }
}
