import {
  BaseError,
  type Client,
  ContractFunctionExecutionError,
  ContractFunctionRevertedError,
  ContractFunctionZeroDataError,
} from 'viem'
import { type JsonObject, toJsonObject } from '../protocol/index.ts'
import { LaggingError, type Party, UnansweredError, WrongAnswerError } from './errors.ts'

/** EIP-1474's code for a thing that the node does not have. */
const RESOURCE_NOT_FOUND = -32001

/**
 * Asks a node over JSON-RPC; the answer is still to be checked.
 *
 * @throws {LaggingError} when the node says that it does not have the thing.
 * @throws {UnansweredError} when it says anything else that is no answer, or nothing.
 */
export async function ask(
  party: Party,
  client: Client,
  method: string,
  params: readonly unknown[],
): Promise<unknown> {
  try {
    // The client's own type knows only the methods of its schema.
    return await client.request({ method, params } as never)
  } catch (cause) {
    const code = cause instanceof BaseError ? cause.walk((error) => hasCode(error)) : undefined
    if (hasCode(code) && code.code === RESOURCE_NOT_FOUND) {
      throw new LaggingError(party, `it found nothing for ${method}`, { cause })
    }
    throw new UnansweredError(party, method, { cause })
  }
}

/**
 * Takes a party's answer for an object, whose fields are checked as they are read.
 *
 * @throws {WrongAnswerError} when it is none; so does every reader of the object.
 */
export function toAnswer(party: Party, question: string, json: unknown): JsonObject {
  return toJsonObject(json, (details) => new WrongAnswerError(party, `${question}: ${details}`))
}

/**
 * Awaits a contract's answer, read by viem.
 *
 * @throws {UnansweredError} when there is none.
 */
export async function answered<T>(party: Party, question: string, reading: Promise<T>): Promise<T> {
  try {
    return await reading
  } catch (cause) {
    throw new UnansweredError(party, question, { cause })
  }
}

/**
 * Awaits a contract's answer, read by viem; undefined when the contract has no such function.
 *
 * @throws {UnansweredError} when the node did not say.
 */
export async function answeredOrNothing<T>(
  party: Party,
  question: string,
  reading: Promise<T>,
): Promise<T | undefined> {
  try {
    return await reading
  } catch (cause) {
    const isRefusal =
      cause instanceof ContractFunctionExecutionError &&
      (cause.cause instanceof ContractFunctionRevertedError ||
        cause.cause instanceof ContractFunctionZeroDataError)
    if (isRefusal) return undefined
    throw new UnansweredError(party, question, { cause })
  }
}

function hasCode(error: unknown): error is { code: number } {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'number'
}
