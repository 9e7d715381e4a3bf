import type { Address, Hex } from 'viem'
import { EMPTY_BLOOM, type Log, logsToBloom } from '../../protocol/index.ts'
import type { ChainStore } from '../store/ChainStore.ts'
import { type LogJson, logsInBlock } from './blockJson.ts'
import type { RpcWork } from './RpcDispatcher.ts'
import { invalidParams, RpcError } from './RpcError.ts'
import {
  address,
  type BlockSelector,
  blockSelector,
  fields,
  hash,
  LATEST,
  list,
  type Parser,
} from './RpcParams.ts'

/** Which logs are wanted: any of the addresses, and at each place any of the topics; empty means all. */
export type LogFilter = { addresses: readonly Address[]; topics: readonly (readonly Hex[])[] }

/** A filter and the blocks to search. */
export type LogQuery = LogFilter & { from: BlockSelector; to: BlockSelector }

/** Blocks that one `eth_getLogs` may search. */
const MAX_LOG_RANGE = 10_000n

/** Logs that one `eth_getLogs` may return. */
const MAX_LOGS = 10_000

const MAX_ALTERNATIVES = 1_000
/** What a topic takes in JSON. */
const TOPIC_CHARACTERS = 68

/** Parses the filter of `eth_getLogs`. */
export const logQuery: Parser<LogQuery> = (value, name) => {
  const query = fields('fromBlock', 'toBlock', 'blockHash', 'address', 'topics')(value, name)
  const filter = readFilter(query, name)
  if (!isAbsent(query.blockHash)) {
    if (!isAbsent(query.fromBlock) || !isAbsent(query.toBlock)) {
      throw invalidParams('INVALID_FILTER', `expected ${name} to have blockHash or a range, not both`, {
        param: name,
      })
    }
    const at = { hash: hash(query.blockHash, `${name}.blockHash`) }
    return { ...filter, from: at, to: at }
  }
  const selector = (given: unknown, path: string) => (isAbsent(given) ? LATEST : blockSelector(given, path))
  return {
    ...filter,
    from: selector(query.fromBlock, `${name}.fromBlock`),
    to: selector(query.toBlock, `${name}.toBlock`),
  }
}

/** Parses the filter of a `logs` subscription, which has no range. */
export const logFilter: Parser<LogFilter> = (value, name) =>
  readFilter(fields('address', 'topics')(value, name), name)

/** Tells whether a log passes a filter. */
export function matchesFilter(
  log: Pick<Log, 'address' | 'topics'>,
  { addresses, topics }: LogFilter,
): boolean {
  if (addresses.length > 0 && !addresses.includes(log.address)) return false
  return topics.every((wanted, i) => {
    const topic = log.topics[i]
    if (topic === undefined) return false
    return wanted.length === 0 || wanted.includes(topic)
  })
}

/**
 * Collects the logs of a range of blocks that pass a filter, skipping blocks by their blooms.
 *
 * @throws {RpcError} when the range or the result is too long, or nobody waits for it any more.
 */
export async function searchLogs(
  store: ChainStore,
  filter: LogFilter,
  from: bigint,
  to: bigint,
  work: RpcWork,
): Promise<readonly LogJson[]> {
  if (to >= from && to - from >= MAX_LOG_RANGE) {
    const message = `got a range of ${to - from + 1n} blocks, expected at most ${MAX_LOG_RANGE}`
    throw new RpcError('limitExceeded', message, {
      reason: 'RANGE_TOO_LONG',
      maxRange: Number(MAX_LOG_RANGE),
    })
  }
  const mayMatch = createBloomTest(filter)
  const found: LogJson[] = []
  for (let number = from; number <= to; number++) {
    await work.turn()
    const block = store.blockByNumber(number)
    if (block === undefined) break
    if (!mayMatch(block.header.logsBloom)) continue
    for (const { log, toJson } of logsInBlock(block, store.receiptsOf(block.hash) ?? [])) {
      if (!matchesFilter(log, filter)) continue
      if (found.length === MAX_LOGS) {
        const message = `found more than ${MAX_LOGS} logs: ask for a shorter range`
        throw new RpcError('limitExceeded', message, { reason: 'TOO_MANY_LOGS', maxLogs: MAX_LOGS })
      }
      work.charge(2 * log.data.length + log.topics.length * TOPIC_CHARACTERS)
      found.push(toJson(false))
    }
  }
  return found
}

/** Makes a test of a block's bloom: every place of the filter needs the bits of one of its alternatives. */
function createBloomTest({ addresses, topics }: LogFilter): (bloom: Hex) => boolean {
  const bitsOf = (value: Hex) => BigInt(logsToBloom([{ address: value, topics: [] }]))
  const places = [addresses, ...topics]
    .filter((wanted) => wanted.length > 0)
    .map((wanted) => wanted.map(bitsOf))
  return (bloom) => {
    if (bloom === EMPTY_BLOOM) return false
    const bits = BigInt(bloom)
    return places.every((wanted) => wanted.some((mask) => (bits & mask) === mask))
  }
}

function readFilter(query: { address?: unknown; topics?: unknown }, name: string): LogFilter {
  return {
    addresses: isAbsent(query.address) ? [] : oneOrMore(address)(query.address, `${name}.address`),
    topics: isAbsent(query.topics) ? [] : list(topicAlternatives, 4)(query.topics, `${name}.topics`),
  }
}

const topicAlternatives: Parser<readonly Hex[]> = (value, name) =>
  isAbsent(value) ? [] : oneOrMore(hash)(value, name)

function oneOrMore<T>(parse: Parser<T>): Parser<readonly T[]> {
  return (value, name) =>
    Array.isArray(value) ? list(parse, MAX_ALTERNATIVES)(value, name) : [parse(value, name)]
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null
}
