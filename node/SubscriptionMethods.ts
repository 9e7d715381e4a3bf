import { randomBytes } from 'node:crypto'
import { type Hex, toHex } from 'viem'
import { headerToJson, logsToJson } from './blockJson.ts'
import type { Engine, EngineEvent } from './Engine.ts'
import { type LogFilter, logFilter, matchesFilter } from './LogFilter.ts'
import type { RpcContext, RpcMethod, RpcMethods } from './RpcDispatcher.ts'
import { invalidParams, RpcError } from './RpcError.ts'
import { defineMethod, optionalParam, type Parser, param } from './RpcParams.ts'

type Topic = 'newHeads' | 'logs'
type Subscription = { id: Hex; context: RpcContext; topic: Topic; filter: LogFilter }

const MAX_SUBSCRIPTIONS_PER_CONNECTION = 32

const topicParam: Parser<Topic> = (value, name) => {
  if (value === 'newHeads' || value === 'logs') return value
  throw invalidParams('UNKNOWN_SUBSCRIPTION', `expected ${name} to be newHeads or logs`, { param: name })
}

const subscriptionId: Parser<Hex> = (value, name) => {
  if (typeof value === 'string' && /^0x[0-9a-f]{32}$/.test(value)) return value as Hex
  throw invalidParams('INVALID_SUBSCRIPTION_ID', `expected ${name} to be what eth_subscribe returned`, {
    param: name,
  })
}

const NO_FILTER: LogFilter = { addresses: [], topics: [] }

/** Makes `eth_subscribe` and `eth_unsubscribe`, which work over WebSocket only. */
export function createSubscriptionMethods(engine: Pick<Engine, 'subscribe'>): RpcMethods {
  const byConnection = new Map<RpcContext, Map<Hex, Subscription>>()

  engine.subscribe((event) => {
    for (const subscriptions of byConnection.values()) {
      for (const subscription of subscriptions.values()) tell(subscription, event)
    }
  })

  const subscribe: RpcMethod = defineMethod(
    [param('topic', topicParam), optionalParam('filter', logFilter, NO_FILTER)],
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

function tell({ id, context, topic, filter }: Subscription, event: EngineEvent): void {
  const send = (result: unknown) => context.notify?.('eth_subscription', { subscription: id, result })
  if (topic === 'newHeads') {
    if (event.type === 'unsafe') send(headerToJson(event.block))
    return
  }
  const logs =
    event.type === 'unsafe'
      ? logsToJson(event.block, event.receipts)
      : event.type === 'rewound'
        ? event.dropped.flatMap(({ block, receipts }) => logsToJson(block, receipts, true).reverse())
        : []
  for (const log of logs) if (matchesFilter(log, filter)) send(log)
}
