import type { Client, Hex } from 'viem'
import { SetConfigFailedError, StatusTimeoutError } from '../errors.ts'
import { pause } from '../pause.ts'
import { getStatus } from './getStatus.ts'
import { SET_CONFIG_STAGES, type SetConfigStage, type SetConfigStatus } from './SetConfigStatus.ts'

/** Which set-config to wait for, how far, and for how long. */
export type WaitForStatusParameters = {
  transactionHash: Hex
  stage: SetConfigStage
  /** Milliseconds; a minute by default. */
  timeout?: number
  /** Milliseconds between two questions; the client's by default. */
  pollingInterval?: number
  /** Gives up when aborted, with the signal's reason. */
  signal?: AbortSignal
}

const DEFAULT_TIMEOUT = 60_000

/**
 * Asks for a set-config's status until it has come as far as awaited, or farther.
 *
 * @throws {StatusTimeoutError} when the time is over, with the last status.
 * @throws {SetConfigFailedError} when it stands in a block without effect, or was displaced.
 * @throws {KeyrollRefusedError}
 */
export async function waitForStatus(
  client: Client,
  parameters: WaitForStatusParameters,
): Promise<SetConfigStatus> {
  const { transactionHash, stage, timeout = DEFAULT_TIMEOUT, signal } = parameters
  const { pollingInterval = client.pollingInterval } = parameters
  const deadline = Date.now() + timeout
  for (;;) {
    signal?.throwIfAborted()
    const status = await getStatus(client, { transactionHash })
    if (status.valid === false || status.displacedReason !== undefined) throw new SetConfigFailedError(status)
    if (SET_CONFIG_STAGES.indexOf(status.stage) >= SET_CONFIG_STAGES.indexOf(stage)) return status
    const left = deadline - Date.now()
    if (left <= 0) throw new StatusTimeoutError(stage, status, timeout)
    await pause(Math.min(pollingInterval, left), signal)
  }
}
