import { Counter, Gauge, type Registry } from 'prom-client'

/** What alarms count and measure. */
export type AlarmMetrics = ReturnType<typeof createAlarmMetrics>

/** Adds the metrics of alarms to a process's registry. */
export function createAlarmMetrics(registry: Registry) {
  const registers = [registry]
  return {
    standing: new Gauge({
      name: 'keyroll_alarms',
      help: 'Alarms that stand, by kind',
      labelNames: ['kind'] as const,
      registers,
    }),
    deliveries: new Counter({
      name: 'keyroll_alarm_deliveries_total',
      help: 'Posts to the alarm webhook by outcome (delivered, failed)',
      labelNames: ['outcome'] as const,
      registers,
    }),
  }
}
