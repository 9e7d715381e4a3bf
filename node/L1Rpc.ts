import { setTimeout as sleep } from 'node:timers/promises'
import { http, MethodNotFoundRpcError, MethodNotSupportedRpcError } from 'viem'
import { KeyrollError } from '../protocol/index.ts'
import type { Fetch } from './EndableFetch.ts'
import { TemporaryFault } from './Fault.ts'
import type { Metrics } from './Metrics.ts'

/** Reads an L1 node's answer, or throws `RefusedAnswerError`; null means that the node does not have the thing. */
type AnswerReader<T> = (json: unknown) => T | undefined

/** Asks L1 nodes over JSON-RPC. */
export interface L1Rpc {
  /** How many nodes there are. */
  readonly count: number
  /**
   * Asks one node after the other until one gives an answer that `read` accepts; undefined when all say they have none.
   *
   * @throws {TemporaryFault} when no node gives an answer, after a few rounds.
   */
  request<T>(method: string, params: readonly unknown[], read: AnswerReader<T>): Promise<T | undefined>
  /** Asks all nodes once, and returns the answers that `read` accepts and how many nodes say that they have none. */
  requestAll<T>(method: string, params: readonly unknown[], read: AnswerReader<T>): Promise<Answers<T>>
}

const ROUNDS = 4
const FIRST_PAUSE_MS = 100
const REQUEST_TIMEOUT_MS = 15_000
const MAX_ANSWER_BYTES = 64 * 1_048_576

type Answers<T> = { found: T[]; absent: number }
type Outcome<T> = { ok: true; value: T | undefined } | { ok: false; error: unknown }

/** Makes the client of one or more L1 nodes; the first that answers well is asked first the next time. */
export function createL1Rpc({
  urls,
  metrics,
  fetchFn,
  pauseMs = FIRST_PAUSE_MS,
}: {
  urls: readonly string[]
  metrics?: Metrics | undefined
  fetchFn?: Fetch | undefined
  pauseMs?: number | undefined
}): L1Rpc {
  const nodes = urls.map((url) =>
    http(url, {
      retryCount: 0,
      timeout: REQUEST_TIMEOUT_MS,
      maxResponseBodySize: MAX_ANSWER_BYTES,
      fetchFn,
    })({}),
  )
  let preferred = 0

  async function ask<T>(
    index: number,
    method: string,
    params: readonly unknown[],
    read: AnswerReader<T>,
  ): Promise<Outcome<T>> {
    try {
      const json: unknown = await nodes[index]?.request({ method, params })
      const value = json === null || json === undefined ? undefined : read(json)
      metrics?.l1Requests.inc({ method, outcome: 'ok' })
      return { ok: true, value }
    } catch (error) {
      if (method === 'eth_getBlockByNumber' && saysNoSuchBlock(error)) return { ok: true, value: undefined }
      const outcome = error instanceof RefusedAnswerError ? 'refused' : 'failed'
      metrics?.l1Requests.inc({ method, outcome })
      return { ok: false, error }
    }
  }

  async function request<T>(
    method: string,
    params: readonly unknown[],
    read: AnswerReader<T>,
  ): Promise<T | undefined> {
    let lastError: unknown
    for (let round = 0; round < ROUNDS; round++) {
      if (round > 0) await sleep(pauseMs * 2 ** (round - 1))
      let absent = 0
      let mayChange = false
      for (let i = 0; i < nodes.length; i++) {
        const index = (preferred + i) % nodes.length
        const outcome = await ask(index, method, params, read)
        if (!outcome.ok) {
          lastError = outcome.error
          mayChange ||= !isMissingMethod(outcome.error)
        } else if (outcome.value === undefined) absent++
        else {
          preferred = index
          return outcome.value
        }
      }
      if (absent > 0) return undefined
      if (!mayChange) break
    }
    const reason = lastError instanceof Error ? lastError.message : String(lastError)
    throw new TemporaryFault(`no L1 node answered ${method}: ${reason}`, {
      cause: lastError,
      details: { method },
    })
  }

  async function requestAll<T>(
    method: string,
    params: readonly unknown[],
    read: AnswerReader<T>,
  ): Promise<Answers<T>> {
    const outcomes = await Promise.all(nodes.map((_, index) => ask(index, method, params, read)))
    const answers = outcomes.flatMap((outcome) => (outcome.ok ? [outcome.value] : []))
    const found = answers.filter((value) => value !== undefined)
    return { found, absent: answers.length - found.length }
  }

  return { count: nodes.length, request, requestAll }
}

/** A node that does not have a method will not have it in the next round either. */
function isMissingMethod(error: unknown): boolean {
  return error instanceof MethodNotFoundRpcError || error instanceof MethodNotSupportedRpcError
}

/** Before L1 has finalized anything, geth and Erigon answer `finalized` and `safe` with an error, not with null. */
function saysNoSuchBlock(error: unknown): boolean {
  const details = error instanceof Error && 'details' in error ? String(error.details) : ''
  return /block not found|unknown block/i.test(details)
}

/** Reports an answer of an L1 node that is malformed or whose hash is wrong: the next node is asked. */
export class RefusedAnswerError extends KeyrollError {
  override readonly name = 'RefusedAnswerError'
}
