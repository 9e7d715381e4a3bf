import type { Client } from 'viem'
import { RootTimeoutError } from '../errors.ts'
import { pause } from '../pause.ts'
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
 * Asks a replica for an output until it knows it, for instance because the deposit that brings it has arrived.
 *
 * @throws {RootTimeoutError} when the time is over.
 */
export async function waitForRoot(
  client: Client,
  { timeout = DEFAULT_TIMEOUT, pollingInterval, signal, ...asked }: WaitForRootParameters & OnReplica,
): Promise<ReplicaRoot> {
  const deadline = Date.now() + timeout
  for (;;) {
    signal?.throwIfAborted()
    const root = await getRoot(client, asked)
    if (root !== undefined) return root
    const left = deadline - Date.now()
    if (left <= 0) throw new RootTimeoutError(asked.replica, asked.outputIndex, timeout)
    await pause(Math.min(pollingInterval ?? client.pollingInterval, left), signal)
  }
}
