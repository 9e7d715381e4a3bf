import { createHmac } from 'node:crypto'
import { splitCredentials } from '../../node/index.ts'
import { KeyrollError } from '../../protocol/index.ts'

/** Where alarms are posted. */
export type AlarmWebhookOptions = {
  url: string
  /** Signs what is posted, so that the receiver knows the sender. */
  secret?: string | undefined
}

/** Posts to a webhook. */
export interface AlarmWebhook {
  /** The receiver's host; the rest of a URL may be its secret. */
  readonly host: string
  /**
   * Posts once.
   *
   * @throws {WebhookError} when it was not taken, or the signal has aborted before.
   */
  post(payload: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<void>
}

const TIMEOUT_MS = 10_000

/**
 * Makes the sender of a webhook; a user and password in the URL are sent as basic authentication. With a secret, the header `x-keyroll-signature` is `t=<unix seconds>,v1=<hex>`, `v1` being
 * HMAC-SHA-256 of `<t>.<body>`.
 */
export function createAlarmWebhook(
  { url: given, secret }: AlarmWebhookOptions,
  userAgent: string,
): AlarmWebhook {
  const { url, headers: credentials } = splitCredentials(given)
  const { host } = new URL(url)

  function signatureOf(body: string): Record<string, string> {
    if (secret === undefined) return {}
    const time = Math.floor(Date.now() / 1_000)
    const mac = createHmac('sha256', secret).update(`${time}.${body}`).digest('hex')
    return { 'x-keyroll-signature': `t=${time},v1=${mac}` }
  }

  async function send(body: string, signal: AbortSignal): Promise<number> {
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'user-agent': userAgent,
          ...credentials,
          ...signatureOf(body),
        },
        body,
        // Whoever is redirected to learns the alarm and the signature.
        redirect: 'manual',
        signal: AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), signal]),
      })
      await response.body?.cancel()
      return response.status
    } catch (error) {
      throw new WebhookError(host, causeOf(error))
    }
  }

  return {
    host,
    async post(payload, signal) {
      const status = await send(JSON.stringify(payload), signal)
      if (status < 200 || status > 299) throw new WebhookError(host, `status ${status}`)
    },
  }
}

/** `fetch failed` says nothing; its cause does, and names no more than the host. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}

/** Reports a notice that the receiver did not take; names the host only. */
export class WebhookError extends KeyrollError {
  override readonly name = 'WebhookError'
  constructor(host: string, reason: string) {
    super(`the alarm webhook at ${host} did not take a notice: ${reason}`)
  }
}
