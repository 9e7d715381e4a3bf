import { BaseError, type Client } from 'viem'
import { type JsonObject, toJsonObject } from '../../protocol/index.ts'
import { KeyrollRefusedError, WrongNodeAnswerError } from '../errors.ts'

/**
 * Calls a method of a Keyroll node that answers with an object, whose fields are checked as they are read.
 *
 * @throws {KeyrollRefusedError} when the node refuses and says why.
 * @throws {WrongNodeAnswerError} when the answer is not an object; so does every reader of it.
 */
export async function requestKeyroll(
  client: Client,
  method: string,
  params: readonly unknown[],
): Promise<JsonObject> {
  return toAnswer(method, await request(client, method, params))
}

/** Takes an answer, or a part of one, for an object. @throws {WrongNodeAnswerError} */
export function toAnswer(method: string, json: unknown): JsonObject {
  return toJsonObject(json, (details) => new WrongNodeAnswerError(method, details))
}

async function request(client: Client, method: string, params: readonly unknown[]): Promise<unknown> {
  try {
    // The client's own type knows only the methods of its schema.
    return await client.request({ method, params } as never)
  } catch (cause) {
    const refusal = cause instanceof BaseError ? cause.walk(isRefusal) : undefined
    if (isRefusal(refusal)) throw new KeyrollRefusedError(method, inOwnWords(refusal), { cause })
    throw cause
  }
}

/** The node's own words: viem's message holds the URL too, which may hold a key. */
function inOwnWords(refusal: Refusal): Refusal {
  const { code, data, message } = refusal
  return { code, data, message: refusal instanceof BaseError ? refusal.details : message }
}

type Refusal = { code: number; message: string; data: Readonly<Record<string, unknown>> & { reason: string } }

/** Keyroll nodes put a reason into the data of every error. */
function isRefusal(error: unknown): error is Refusal {
  if (typeof error !== 'object' || error === null || !('code' in error) || !('data' in error)) return false
  const { code, data } = error
  if (typeof code !== 'number' || typeof data !== 'object' || data === null) return false
  return 'reason' in data && typeof data.reason === 'string'
}
