import { Gauge, type Registry } from 'prom-client'

/** Adds what tells how far reading L1 has come to a process's registry. */
export function createSyncMetrics(registry: Registry) {
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers: [registry] })
  return {
    l1Head: gauge('keyroll_l1_head', 'Number of the newest L1 block that was seen'),
    remaining: gauge('keyroll_sync_remaining_l1_blocks', 'L1 blocks between the one being read and the head'),
    l1BlocksPerSecond: gauge('keyroll_sync_l1_blocks_per_second', 'L1 blocks read, average of a minute'),
    blocksPerSecond: gauge('keyroll_sync_blocks_per_second', 'Blocks that became safe, average of a minute'),
    setConfigsPerSecond: gauge(
      'keyroll_sync_set_configs_per_second',
      'Set-configs executed, average of a minute',
    ),
    eta: gauge(
      'keyroll_sync_eta_seconds',
      'Seconds until L1 has been read at this pace; NaN when there is no end in sight',
    ),
  }
}
