import type { ChainStore, Logger, Metrics, OpaqueBucket } from '../../node/index.ts'
import { KeyrollError, type RollupConfig } from '../../protocol/index.ts'
import type { Derivation } from '../createDerivation.ts'
import type { Alarm, AlarmKind, Notice } from './Alarm.ts'
import { createAlarmBook } from './AlarmBook.ts'
import { type AlarmWebhookOptions, createAlarmWebhook } from './AlarmWebhook.ts'
import { createAlarmMetrics } from './alarmMetrics.ts'
import { createBell } from './Bell.ts'
import { createAlarmFinder } from './findAlarms.ts'
import { createNoticeQueue } from './NoticeQueue.ts'

/** What an operator decides about alarms. */
export type AlarmOptions = {
  /** What a wrong output does: ends the process once it is told, or is told again and again. */
  onWrongOutput: 'exit' | 'alarm'
  /** Where alarms are posted, beside the log and the metrics. */
  webhook?: AlarmWebhookOptions
  /** For how long nothing may move, in milliseconds. */
  patienceMs: number
  /** How often what still stands is told again, in milliseconds. */
  repeatMs: number
}

/** Told for ever rather than missed: the verifier's own chain is right, and its readers need it most just then (docs/operations.md). */
export const DEFAULT_ALARM_OPTIONS: AlarmOptions = {
  onWrongOutput: 'alarm',
  patienceMs: 900_000,
  repeatMs: 3_600_000,
}

const LOOK_EVERY_MS = 500
/** How long the last word may take before the process ends without it. */
const LAST_WORD_MS = 30_000

/** A derivation that tells a human when something is wrong. */
export interface AlarmedDerivation {
  /**
   * Derives until the signal aborts, and sounds alarms meanwhile.
   *
   * @throws {WrongOutputError} when an output on L1 is wrong and that is to end the process; the alarm was told before.
   * @throws as `Derivation.run`, after the alarm was told.
   */
  run(signal: AbortSignal): Promise<void>
}

/** Puts alarms around a derivation: log, metrics, and where given a webhook. */
export function createAlarmedDerivation({
  derivation,
  store,
  rollup,
  logger,
  metrics,
  version,
  options,
}: {
  derivation: Derivation
  store: ChainStore
  rollup: RollupConfig
  logger: Logger
  metrics: Metrics
  version: string
  options: AlarmOptions
}): AlarmedDerivation {
  const { onWrongOutput, patienceMs, repeatMs } = options
  const ownMetrics = createAlarmMetrics(metrics.registry)
  const memory = store.bucket('alarms')
  const finder = createAlarmFinder({ derivation, store, rollup, patienceMs })
  const webhook = options.webhook && createAlarmWebhook(options.webhook, version)
  const queue = webhook && createNoticeQueue({ webhook, toPayload, onDelivered, logger, metrics: ownMetrics })

  function toPayload({ alarm: { kind, key, text, details }, status }: Notice) {
    const chainId = Number(rollup.l2ChainId)
    return {
      alarm: kind,
      status,
      id: `${chainId} ${kind} ${key}`.trimEnd(),
      text: `Keyroll ${chainId}: ${status === 'resolved' ? 'no longer: ' : ''}${text}`,
      rollupChainId: chainId,
      ...details,
      nodeVersion: version,
      time: new Date().toISOString(),
    }
  }

  async function onDelivered({ alarm, status }: Notice): Promise<void> {
    if (status === 'resolved') await forget(memory, alarm)
  }

  async function tell(notice: Notice): Promise<void> {
    const { alarm, status } = notice
    const { kind, key, details } = alarm
    if (status === 'resolved') logger.warn({ kind, key, ...details }, `ALARM OVER: ${alarm.text}`)
    else logger.error({ kind, key, status, ...details }, `ALARM: ${alarm.text}`)
    // Only a wrong output outlives the process; a notice of its end is owed even after a restart.
    if (kind === 'WRONG_OUTPUT' && status !== 'resolved') await remember(memory, alarm)
    if (queue !== undefined) queue.add(notice)
    else await onDelivered(notice)
  }

  async function watch(signal: AbortSignal): Promise<void> {
    const book = createAlarmBook({ repeatMs, told: await recall(memory) })
    const pause = createBell()

    const look = async () => {
      const wrong = finder.find(performance.now())
      // An output that L1 has deleted since is known to be gone only when L1 was read to its head.
      const undecided: readonly AlarmKind[] = derivation.status().isSynced ? [] : ['WRONG_OUTPUT']
      const notices = book.update(wrong, performance.now(), new Set(undecided))
      for (const notice of notices) await tell(notice)
      measure(book.standing())
      return notices.find(({ alarm, status }) => alarm.kind === 'WRONG_OUTPUT' && status !== 'resolved')
    }

    while (!signal.aborted) {
      const wrongOutput = await look()
      if (wrongOutput !== undefined && onWrongOutput === 'exit') {
        await queue?.flush(LAST_WORD_MS, signal)
        throw new WrongOutputError(wrongOutput.alarm.text)
      }
      if (derivation.failure() !== undefined) {
        await look()
        await queue?.flush(LAST_WORD_MS, signal)
        return
      }
      await pause.wait(LOOK_EVERY_MS, signal)
    }
  }

  function measure(standing: readonly Alarm[]): void {
    ownMetrics.standing.reset()
    for (const { kind } of standing) ownMetrics.standing.inc({ kind })
  }

  return {
    async run(signal) {
      const watching = watch(signal)
      const deriving = derivation.run(signal).catch(async (fault: unknown) => {
        await watching
        throw fault
      })
      await Promise.all([deriving, watching, queue?.run(signal)])
    },
  }
}

async function recall(memory: OpaqueBucket): Promise<Alarm[]> {
  const told: Alarm[] = []
  for await (const [, value] of memory.entries()) told.push(JSON.parse(Buffer.from(value).toString('utf8')))
  return told
}

function remember(memory: OpaqueBucket, alarm: Alarm): Promise<void> {
  return memory.write([{ key: keyOf(alarm), value: Buffer.from(JSON.stringify(alarm)) }])
}

function forget(memory: OpaqueBucket, alarm: Alarm): Promise<void> {
  return memory.write([{ key: keyOf(alarm), value: undefined }])
}

function keyOf({ kind, key }: Alarm): Uint8Array {
  return Buffer.from(`${kind} ${key}`)
}

/** Ends a process that is told to end when an output on L1 is wrong. */
export class WrongOutputError extends KeyrollError {
  override readonly name = 'WrongOutputError'
}
