import type { Client, Hex } from 'viem'
import { SetConfigFailedError, StatusTimeoutError } from '../errors.ts'
import { poll } from '../poll.ts'
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
 * Asks for a set-config's status until it has come as far as awaited, or farther; again where the node does not answer.
 *
 * @throws {StatusTimeoutError} when the time is over, with the last status and why the last question failed, if it did.
 * @throws {SetConfigFailedError} when it stands in a block without effect, or was displaced.
 * @throws {KeyrollRefusedError} when the node would refuse the question for ever.
 * @throws {WrongNodeAnswerError}
 */
export async function waitForStatus(
  client: Client,
  parameters: WaitForStatusParameters,
): Promise<SetConfigStatus> {
  const { transactionHash, stage, timeout = DEFAULT_TIMEOUT, signal } = parameters
  const { pollingInterval = client.pollingInterval } = parameters
  let status: SetConfigStatus | undefined
  return poll(
    { timeout, pollingInterval, signal },
    async () => {
      status = await getStatus(client, { transactionHash })
      if (hasFailed(status)) throw new SetConfigFailedError(status)
      return SET_CONFIG_STAGES.indexOf(status.stage) >= SET_CONFIG_STAGES.indexOf(stage) ? status : undefined
    },
    (failure) => new StatusTimeoutError(transactionHash, stage, { status, timeout, failure }),
  )
}

function hasFailed({ valid, displacedReason }: SetConfigStatus): boolean {
  return valid === false || displacedReason !== undefined
}
