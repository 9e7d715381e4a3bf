import { randomBytes } from 'node:crypto'
import { type Hex, toHex } from 'viem'
import type { Log } from '../../protocol/index.ts'
import type { Engine, EngineEvent, ExecutedBlock } from '../Engine.ts'
import { headerToJson, type LogJson, logsInBlock } from './blockJson.ts'
import { type LogFilter, logFilter, matchesFilter } from './LogFilter.ts'
import type { RpcContext, RpcMethod, RpcMethods } from './RpcDispatcher.ts'
import { invalidParams, RpcError } from './RpcError.ts'
import { defineMethod, optionalParam, type Parser, param } from './RpcParams.ts'
import { type FindSignature, type SignedBlockJson, signedBlockToJson } from './SignedBlockMethods.ts'

type Topic = 'newHeads' | 'logs' | 'signedBlocks'
type Subscription = { id: Hex; context: RpcContext; topic: Topic; filter: LogFilter }

const MAX_SUBSCRIPTIONS_PER_CONNECTION = 32

function topicParser(topics: readonly Topic[]): Parser<Topic> {
  return (value, name) => {
    const topic = topics.find((known) => known === value)
    if (topic !== undefined) return topic
    const message = `expected ${name} to be ${topics.join(' or ')}`
    throw invalidParams('UNKNOWN_SUBSCRIPTION', message, { param: name })
  }
}

const subscriptionId: Parser<Hex> = (value, name) => {
  if (typeof value === 'string' && /^0x[0-9a-f]{32}$/.test(value)) return value as Hex
  throw invalidParams('INVALID_SUBSCRIPTION_ID', `expected ${name} to be what eth_subscribe returned`, {
    param: name,
  })
}

const NO_FILTER: LogFilter = { addresses: [], topics: [] }

/**
 * Makes `eth_subscribe` and `eth_unsubscribe`, which work over WebSocket only.
 *
 * Where signatures are given, `signedBlocks` tells every new block that has one.
 */
export function createSubscriptionMethods(
  engine: Pick<Engine, 'subscribe'>,
  findSignature?: FindSignature,
): RpcMethods {
  const byConnection = new Map<RpcContext, Map<Hex, Subscription>>()
  const topics: readonly Topic[] =
    findSignature === undefined ? ['newHeads', 'logs'] : ['newHeads', 'logs', 'signedBlocks']

  engine.subscribe((event) => {
    const news = readNews(event, findSignature)
    for (const own of byConnection.values()) for (const subscription of own.values()) tell(subscription, news)
  })

  const subscribe: RpcMethod = defineMethod(
    [param('topic', topicParser(topics)), optionalParam('filter', logFilter, NO_FILTER)],
    ([topic, filter], context) => {
      if (context.notify === undefined) {
        throw new RpcError('methodNotSupported', 'subscriptions need a WebSocket connection', {
          reason: 'WEBSOCKET_ONLY',
        })
      }
      let own = byConnection.get(context)
      if (own === undefined) {
        own = new Map()
        byConnection.set(context, own)
        context.onClose(() => byConnection.delete(context))
      }
      if (own.size >= MAX_SUBSCRIPTIONS_PER_CONNECTION) {
        const message = `expected at most ${MAX_SUBSCRIPTIONS_PER_CONNECTION} subscriptions on a connection`
        throw new RpcError('limitExceeded', message, { reason: 'TOO_MANY_SUBSCRIPTIONS' })
      }
      const id = toHex(randomBytes(16))
      own.set(id, { id, context, topic, filter })
      return id
    },
  )

  return {
    eth_subscribe: subscribe,
    eth_unsubscribe: defineMethod(
      [param('subscription', subscriptionId)],
      ([id], context) => byConnection.get(context)?.delete(id) ?? false,
    ),
  }
}

/** What there is to tell of an event: made when the first subscription wants it, and shared by all that do. */
type News = {
  head(): unknown
  logs(): readonly { log: Log; json: () => LogJson }[]
  signedBlock(): SignedBlockJson | undefined
}

function readNews(event: EngineEvent, findSignature: FindSignature | undefined): News {
  const showLogs = ({ block, receipts }: ExecutedBlock, removed: boolean) =>
    logsInBlock(block, receipts).map(({ log, toJson }) => ({ log, json: lazily(() => toJson(removed)) }))
  return {
    head: lazily(() => (event.type === 'unsafe' ? headerToJson(event.block) : undefined)),
    logs: lazily(() => {
      if (event.type === 'unsafe') return showLogs(event, false)
      if (event.type !== 'rewound') return []
      return event.dropped.flatMap((executed) => showLogs(executed, true).reverse())
    }),
    signedBlock: lazily(() => {
      if (event.type !== 'unsafe') return undefined
      const signed = findSignature?.(event.block)
      return signed && signedBlockToJson(event.block, signed)
    }),
  }
}

function tell({ id, context, topic, filter }: Subscription, news: News): void {
  const send = (result: unknown) => context.notify?.('eth_subscription', { subscription: id, result })
  if (topic === 'logs') {
    for (const { log, json } of news.logs()) if (matchesFilter(log, filter)) send(json())
    return
  }
  const result = topic === 'newHeads' ? news.head() : news.signedBlock()
  if (result !== undefined) send(result)
}

function lazily<T>(make: () => T): () => T {
  let made: { value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
