import { Counter, Gauge, type Registry } from 'prom-client'

/** What a follower of unsafe blocks counts and measures. */
export type UnsafeFollowerMetrics = ReturnType<typeof createUnsafeFollowerMetrics>

/** Adds a follower's metrics to a process's registry. */
export function createUnsafeFollowerMetrics(registry: Registry) {
  const registers = [registry]
  return {
    blocks: new Counter({
      name: 'keyroll_unsafe_blocks_total',
      help: 'What became of unsafe blocks of the sequencer: FOLLOWED, or why not',
      labelNames: ['outcome'] as const,
      registers,
    }),
    connected: new Gauge({
      name: 'keyroll_sequencer_connected',
      help: '1 while the sequencer pushes its unsafe blocks over a WebSocket',
      registers,
    }),
  }
}
