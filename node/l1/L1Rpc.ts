import { setTimeout as sleep } from 'node:timers/promises'
import { TemporaryFault } from '../Fault.ts'
import { createGate } from '../Gate.ts'
import type { Logger } from '../Logger.ts'
import type { Metrics } from '../Metrics.ts'
import { createEndpoint, type Endpoint, type EndpointAnswer, EndpointError } from './Endpoint.ts'
import type { Http } from './Http.ts'
import { toObject } from './l1Json.ts'
import { createNodeOrder } from './NodeOrder.ts'
import { RefusedAnswerError } from './RefusedAnswerError.ts'

/**
 * Reads an L1 node's answer of so many bytes, or throws `RefusedAnswerError`; null means that the node does not have the thing.
 * A `TemporaryFault` is nobody's fault who was asked, and ends the question.
 */
type AnswerReader<T> = (json: unknown, bytes: number) => T | undefined | Promise<T | undefined>

/** What is asked of L1 nodes. */
type Question<T> = {
  method: string
  params: readonly unknown[]
  read: AnswerReader<T>
  /** Longer answers are refused. */
  maxBytes?: number
}

/** Puts a question to one node, always the same; undefined when it does not have the thing. */
type AskNode = <T>(question: Question<T>) => Promise<T | undefined>

/** Asks L1 nodes over JSON-RPC. */
export interface L1Rpc {
  /** How many nodes there are. */
  readonly count: number
  /**
   * Asks one node after the other until one gives an answer that `read` accepts; undefined when those that answer have none.
   *
   * @throws {TemporaryFault} when no node gives an answer, after a few rounds.
   */
  request<T>(question: Question<T>): Promise<T | undefined>
  /**
   * Does the same with a piece of work that puts several questions to a node, where only all answers together can be checked: it
   * gives what `request` gives, and throws what `read` throws.
   */
  requestOfOne<T>(method: string, work: (ask: AskNode) => Promise<T | undefined>): Promise<T | undefined>
  /**
   * Asks all nodes once, and returns the answers that `read` accepts and how many nodes say that they have none. As soon as
   * `isEnough` says so, nodes that still owe an answer are waited for at most `graceMs`, and not if they failed lately.
   */
  requestAll<T>(question: Question<T>, patience: Patience<T>): Promise<L1Answers<T>>
}

/** How long to wait for the rest when some have answered. */
type Patience<T> = { isEnough: (answers: L1Answers<T>) => boolean; graceMs: number }

/** What several nodes answered: the things found, and how many had none. */
export type L1Answers<T> = { found: readonly T[]; absent: number }

const ROUNDS = 4
const FIRST_PAUSE_MS = 100
const REQUEST_TIMEOUT_MS = 15_000
/** A header with the hashes of thirty thousand transactions. */
const DEFAULT_MAX_BYTES = 2 * 1_048_576
/** Of the answers that may be longer, so many are held at once: whoever reads ahead asks for many blocks. */
const LONG_ANSWERS_AT_ONCE = 4
const METHOD_MISSING: readonly unknown[] = [-32601, -32004]

/** What the client of L1 nodes is made of. */
export type L1RpcOptions = {
  urls: readonly string[]
  http: Http
  metrics?: Metrics | undefined
  logger?: Logger | undefined
  /** When it aborts, no more is asked. */
  signal?: AbortSignal | undefined
  now?: (() => number) | undefined
  /** Pause after a round in which no node answered, in milliseconds; it doubles with each round. */
  pauseMs?: number | undefined
  /** Waits so many milliseconds between two rounds. */
  pause?: ((ms: number) => Promise<void>) | undefined
}

type Outcome<T> = { ok: true; value: T | undefined } | { ok: false; error: unknown }

/** Makes the client of one or more L1 nodes; those that answer well are asked first. */
export function createL1Rpc({
  urls,
  http,
  metrics,
  logger,
  signal,
  now,
  pauseMs = FIRST_PAUSE_MS,
  pause = sleep,
}: L1RpcOptions): L1Rpc {
  const nodes = urls.map((url) => createEndpoint(url, http))
  const order = createNodeOrder({ names: nodes.map(({ name }) => name), logger, now })
  const gate = createGate(LONG_ANSWERS_AT_ONCE)
  let lastId = 0

  function ask<T>(index: number, question: Question<T>): Promise<T | undefined> {
    const isShort = question.maxBytes === undefined || question.maxBytes <= DEFAULT_MAX_BYTES
    return isShort ? askAtOnce(index, question) : gate(() => askAtOnce(index, question))
  }

  async function askAtOnce<T>(index: number, question: Question<T>): Promise<T | undefined> {
    const { method, params, read, maxBytes = DEFAULT_MAX_BYTES } = question
    const node = nodes[index] as Endpoint
    const body = { jsonrpc: '2.0', id: ++lastId, method, params }
    const answer = await node.ask({ body, maxBytes, timeoutMs: REQUEST_TIMEOUT_MS })
    const result = resultOf(answer, node, body.id)
    const value = result === null ? undefined : await read(result, answer.bytes)
    count(index, method, 'ok')
    return value
  }

  async function attempt<T>(
    index: number,
    method: string,
    work: (ask: AskNode) => Promise<T | undefined>,
  ): Promise<Outcome<T>> {
    try {
      const value = await work((question) => ask(index, question))
      order.succeeded(index)
      return { ok: true, value }
    } catch (error) {
      if (error instanceof TemporaryFault) throw error
      if (signal?.aborted) throw new TemporaryFault('no more is asked of L1: the process ends')
      if (method.startsWith('eth_getBlock') && saysNoSuchBlock(error)) {
        count(index, method, 'ok')
        return { ok: true, value: undefined }
      }
      count(index, method, error instanceof RefusedAnswerError ? 'refused' : 'failed')
      if (!isMissingMethod(error)) order.failed(index, `${method}: ${messageOf(error)}`)
      return { ok: false, error }
    }
  }

  function count(index: number, method: string, outcome: string): void {
    metrics?.l1Requests.inc({ node: (nodes[index] as Endpoint).name, method, outcome })
  }

  async function requestOfOne<T>(
    method: string,
    work: (ask: AskNode) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const failures = new Map<number, string>()
    for (let round = 0; round < ROUNDS; round++) {
      if (round > 0) await pause(pauseMs * 2 ** (round - 1))
      let absent = 0
      let mayChange = false
      for (const index of order.list()) {
        const outcome = await attempt(index, method, work)
        if (!outcome.ok) {
          failures.set(index, `${nodes[index]?.name}: ${messageOf(outcome.error)}`)
          mayChange ||= !isMissingMethod(outcome.error)
        } else if (outcome.value === undefined) absent++
        else {
          order.prefer(index)
          return outcome.value
        }
      }
      if (absent > 0) return undefined
      if (!mayChange) break
    }
    const reasons = [...failures.values()]
    throw new TemporaryFault(`no L1 node answered ${method} (${reasons.join('; ')})`, {
      details: { method, reasons },
    })
  }

  async function requestAll<T>(
    question: Question<T>,
    { isEnough, graceMs }: Patience<T>,
  ): Promise<L1Answers<T>> {
    const found: T[] = []
    let absent = 0
    let tellEnough: (() => void) | undefined
    const enough = new Promise<void>((resolve) => {
      tellEnough = resolve
    })
    const asked = nodes.map(async (_, index) => {
      const outcome = await attempt(index, question.method, (askNode) => askNode(question))
      if (!outcome.ok) return
      if (outcome.value === undefined) absent++
      else found.push(outcome.value)
      if (isEnough({ found, absent })) tellEnough?.()
    })
    const inGoodStanding = asked.filter((_, index) => !order.isResting(index))
    const soon = () => sleep(graceMs, undefined, { ref: false })
    const rest = enough.then(() => Promise.race([Promise.all(inGoodStanding), soon()]))
    await Promise.race([Promise.all(asked), rest])
    return { found: [...found], absent }
  }

  return {
    count: nodes.length,
    request: (question) => requestOfOne(question.method, (askNode) => askNode(question)),
    requestOfOne,
    requestAll,
  }
}

function resultOf({ json, status }: EndpointAnswer, node: Endpoint, asked: number): unknown {
  if (json === undefined) throw new EndpointError(`answered with status ${status}`)
  const { id, error, result } = toObject(json)
  if (error !== undefined && error !== null) {
    const { code, message } = toObject(error)
    throw new JsonRpcError(code, node.clean(String(message)))
  }
  if (status < 200 || status > 299) throw new EndpointError(`answered with status ${status}`)
  if (result === undefined) throw new RefusedAnswerError('got an answer without a result')
  // What a hash binds is checked, but nothing else would tell the head that was asked for from another one. Some gateways make a
  // string of it.
  if (String(id) !== String(asked))
    throw new RefusedAnswerError(`got the answer to another question than ${asked}`)
  return result
}

/** A node that does not have a method will not have it in the next round either. */
function isMissingMethod(error: unknown): boolean {
  return error instanceof JsonRpcError && METHOD_MISSING.includes(error.code)
}

/**
 * Not every node answers null for a block that it does not have: so geth and Erigon do for `finalized` and `safe` before L1 has
 * finalized anything, and others for hashes.
 */
function saysNoSuchBlock(error: unknown): boolean {
  return error instanceof JsonRpcError && /(block|header) not found|unknown block/i.test(error.message)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Reports an error that an L1 node answered. */
class JsonRpcError extends EndpointError {
  readonly code: unknown

  constructor(code: unknown, message: string) {
    super(`answered with error ${typeof code === 'number' ? code : 'without a code'}: ${message}`)
    this.code = code
  }
}
