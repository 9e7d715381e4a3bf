import type { Logger } from '../../node/index.ts'
import type { Notice } from './Alarm.ts'
import type { AlarmWebhook } from './AlarmWebhook.ts'
import type { AlarmMetrics } from './alarmMetrics.ts'
import { createBell } from './Bell.ts'

/** Delivers notices in their order, each until it is taken. */
export interface NoticeQueue {
  add(notice: Notice): void
  /** Delivers until the signal aborts. */
  run(signal: AbortSignal): Promise<void>
  /** Resolves to whether everything was delivered within a time, in milliseconds, and before the signal aborts. */
  flush(timeoutMs: number, signal: AbortSignal): Promise<boolean>
}

const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 300_000
/** While somebody waits for the last word, tries follow one another faster. */
const FIRST_RETRY_BEFORE_END_MS = 250
const LAST_RETRY_BEFORE_END_MS = 2_000
const MAX_WAITING = 1_000

/** Makes the queue in front of a webhook; `toPayload` says what is posted, and `onDelivered` hears what was taken. */
export function createNoticeQueue({
  webhook,
  toPayload,
  onDelivered,
  logger,
  metrics,
}: {
  webhook: AlarmWebhook
  toPayload: (notice: Notice) => Readonly<Record<string, unknown>>
  onDelivered: (notice: Notice) => Promise<void>
  logger: Logger
  metrics: AlarmMetrics
}): NoticeQueue {
  const waiting: Notice[] = []
  const bell = createBell()
  let isEnding = false
  let posting: Promise<boolean> | undefined

  async function postFirst(signal: AbortSignal): Promise<boolean> {
    const [notice] = waiting
    if (notice === undefined) return true
    try {
      await webhook.post(toPayload(notice), signal)
    } catch (error) {
      // What was not told is told after a restart, as far as it still stands.
      if (signal.aborted) return false
      metrics.deliveries.inc({ outcome: 'failed' })
      const { kind, key } = notice.alarm
      logger.error({ err: error, kind, key }, 'could not deliver an alarm; trying again')
      return false
    }
    waiting.shift()
    metrics.deliveries.inc({ outcome: 'delivered' })
    await onDelivered(notice)
    return true
  }

  /** One attempt at a time, whoever asks for it. */
  async function attempt(signal: AbortSignal): Promise<boolean> {
    posting ??= postFirst(signal).finally(() => {
      posting = undefined
    })
    return posting
  }

  return {
    add(notice) {
      const { alarm, status } = notice
      const isWaiting = waiting.some(
        (other) => other.alarm.key === alarm.key && other.alarm.kind === alarm.kind,
      )
      // A reminder of what has not been heard yet says nothing new.
      if (status === 'standing' && isWaiting) return
      if (waiting.length >= MAX_WAITING) {
        logger.error(
          { kind: alarm.kind, key: alarm.key },
          'too many undelivered alarms: this one is not posted',
        )
        return
      }
      waiting.push(notice)
      bell.ring()
    },
    async run(signal) {
      const pause = createBell()
      let retryMs = FIRST_RETRY_MS
      while (!signal.aborted && !isEnding) {
        if (waiting.length === 0) await bell.wait(LAST_RETRY_MS, signal)
        else if (await attempt(signal)) retryMs = FIRST_RETRY_MS
        else {
          await pause.wait(retryMs, signal)
          retryMs = Math.min(2 * retryMs, LAST_RETRY_MS)
        }
      }
    },
    async flush(timeoutMs, signal) {
      isEnding = true
      const deadline = performance.now() + timeoutMs
      let retryMs = FIRST_RETRY_BEFORE_END_MS
      while (waiting.length > 0) {
        if (await attempt(signal)) continue
        if (signal.aborted || performance.now() + retryMs > deadline) return false
        await createBell().wait(retryMs, signal)
        retryMs = Math.min(2 * retryMs, LAST_RETRY_BEFORE_END_MS)
      }
      return true
    },
  }
}
