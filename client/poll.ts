import { BaseError, ContractFunctionZeroDataError } from 'viem'
import { KeyrollRefusedError } from './errors.ts'
import { pause } from './pause.ts'

/** How long to go on asking, and how often; milliseconds. */
type Patience = { timeout: number; pollingInterval: number; signal: AbortSignal | undefined }

/** EIP-1474's codes for a question that the node would refuse for ever: its form, its method, its parameters. */
const LASTING_CODES: readonly unknown[] = [-32600, -32601, -32602, -32004]

/**
 * Asks until there is an answer that is not undefined. Questions that fail as they do while a node restarts are asked again.
 *
 * @param tooLate makes the error for when the time is over, from the failure of the last question if it failed.
 * @throws the signal's reason, and whatever else asking throws.
 */
export async function poll<T>(
  { timeout, pollingInterval, signal }: Patience,
  ask: () => Promise<T | undefined>,
  tooLate: (failure: Error | undefined) => Error,
): Promise<T> {
  const deadline = Date.now() + timeout
  for (;;) {
    signal?.throwIfAborted()
    const answer = await askOnce(ask)
    if (answer.value !== undefined) return answer.value
    const left = deadline - Date.now()
    if (left <= 0) throw tooLate(answer.failure)
    await pause(Math.min(pollingInterval, left), signal)
  }
}

async function askOnce<T>(ask: () => Promise<T>): Promise<{ value?: T; failure?: Error }> {
  try {
    return { value: await ask() }
  } catch (error) {
    if (isPassing(error)) return { failure: error }
    throw error
  }
}

function isPassing(error: unknown): error is Error {
  if (error instanceof KeyrollRefusedError) return !LASTING_CODES.includes(error.code)
  return error instanceof BaseError && error.walk(isLasting) === null
}

function isLasting(error: unknown): boolean {
  // No contract stands there, and none will: its caller has a wrong address or chain.
  if (error instanceof ContractFunctionZeroDataError) return true
  return error instanceof Error && 'code' in error && LASTING_CODES.includes(error.code)
}
