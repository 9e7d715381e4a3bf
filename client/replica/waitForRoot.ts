import type { Client } from 'viem'
import { RootTimeoutError } from '../errors.ts'
import { poll } from '../poll.ts'
import { type GetRootParameters, getRoot, type ReplicaRoot } from './getRoot.ts'
import type { OnReplica } from './OnReplica.ts'

/** Which output to wait for, and for how long. */
export type WaitForRootParameters = GetRootParameters & {
  /** Milliseconds; ten minutes by default. */
  timeout?: number
  /** Milliseconds between two questions; the client's by default. */
  pollingInterval?: number
  /** Gives up when aborted, with the signal's reason. */
  signal?: AbortSignal
}

const DEFAULT_TIMEOUT = 600_000

/**
 * Asks a replica for an output until it knows it, for instance because the deposit that brings it has arrived; again where the node
 * does not answer.
 *
 * @throws {RootTimeoutError} when the time is over, with why the last question failed, if it did.
 * @throws viem's `ContractFunctionExecutionError` when no replica stands there.
 */
export function waitForRoot(
  client: Client,
  parameters: WaitForRootParameters & OnReplica,
): Promise<ReplicaRoot> {
  const { timeout = DEFAULT_TIMEOUT, pollingInterval = client.pollingInterval, signal, ...asked } = parameters
  return poll(
    { timeout, pollingInterval, signal },
    () => getRoot(client, asked),
    (failure) => new RootTimeoutError(asked.replica, asked.outputIndex, { timeout, failure }),
  )
}
