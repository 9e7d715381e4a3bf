import {
  BaseError,
  type Client,
  ContractFunctionExecutionError,
  ContractFunctionRevertedError,
  ContractFunctionZeroDataError,
} from 'viem'
import { type JsonObject, toJsonObject } from '../protocol/index.ts'
import { BlockTooOldError, LaggingError, type Party, UnansweredError, WrongAnswerError } from './errors.ts'

/** EIP-1474's code for a thing that the node does not have. */
const RESOURCE_NOT_FOUND = -32001

/** The codes with which nodes report that a contract reverted; some say it in words only. */
const REVERT_CODES: readonly number[] = [3, -32015]

/** For how many blocks nodes without an archive keep state. */
const KEPT_STATES = 128n

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

/**
 * Awaits what a node says of a block's state; when it says nothing, its head tells why.
 *
 * @throws {LaggingError} when the head is below the block, as where another node of the same provider answers.
 * @throws {BlockTooOldError} when the head is so far above it that only archive nodes have its state.
 * @throws {UnansweredError} when the head explains nothing.
 */
export async function answeredAt<T>(
  party: Party,
  client: Client,
  blockNumber: bigint,
  answering: Promise<T>,
): Promise<T> {
  try {
    return await answering
  } catch (cause) {
    if (!(cause instanceof UnansweredError)) throw cause
    const answer = await ask(party, client, 'eth_blockNumber', [])
    if (typeof answer !== 'string' || !/^0x[0-9a-f]{1,64}$/i.test(answer)) throw cause
    const head = BigInt(answer)
    if (head < blockNumber) {
      throw new LaggingError(party, `its head is block ${head}, and it was asked of block ${blockNumber}`, {
        cause,
      })
    }
    if (head - blockNumber <= KEPT_STATES) throw cause
    const advice = `the ${party} has no state of it; ask an archive node, or prove from a newer block`
    throw new BlockTooOldError(blockNumber, head - blockNumber, advice, { cause })
  }
}

/** Tells whether a node did not answer a call because no contract stands there, or none that has the function. */
export function isNoData(error: unknown): boolean {
  if (!(error instanceof UnansweredError && error.cause instanceof BaseError)) return false
  return error.cause.walk((each) => each instanceof ContractFunctionZeroDataError) !== null
}

/** Tells whether a node did not answer a call because the contract reverted. */
export function isRevert(error: unknown): boolean {
  if (!(error instanceof UnansweredError && error.cause instanceof BaseError)) return false
  const { cause } = error
  const coded = cause.walk((each) => hasCode(each) && REVERT_CODES.includes(each.code))
  return coded !== null || /revert/i.test(cause.details)
}

function hasCode(error: unknown): error is { code: number } {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'number'
}
