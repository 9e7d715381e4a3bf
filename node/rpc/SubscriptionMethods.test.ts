import { describe, expect, it } from 'vitest'
import { createGenesis, KEYSTORE_ADDRESS, type Receipt } from '../../protocol/index.ts'
import { createTestRollup, fakeHash } from '../../test/chainFixtures.ts'
import { blockToRef } from '../BlockRef.ts'
import type { EngineEvent } from '../Engine.ts'
import type { RpcContext } from './RpcDispatcher.ts'
import { createSubscriptionMethods } from './SubscriptionMethods.ts'

const genesis = createGenesis(createTestRollup()).block

/** An event with one block of `count` logs, and how often it was looked at the data of one. */
function createEvent(type: 'unsafe' | 'rewound', count: number) {
  const seen = { reads: 0 }
  const receipts = Array.from(
    { length: count },
    (_, i): Receipt => ({
      type: 0x4b,
      status: 1,
      cumulativeGasUsed: 1n,
      logs: [
        {
          address: KEYSTORE_ADDRESS,
          topics: [fakeHash('event'), fakeHash(`id ${i}`)],
          get data() {
            seen.reads++
            return Uint8Array.of(i)
          },
        },
      ],
      keystoreRoot: fakeHash('root'),
    }),
  )
  const block = { ...genesis, transactions: receipts.map((_, i) => Uint8Array.of(0x4b, i)) }
  const ref = blockToRef(genesis)
  const event: EngineEvent =
    type === 'unsafe'
      ? { type, ref, block, receipts }
      : { type, unsafe: ref, safe: ref, dropped: [{ block, receipts }] }
  return { event, seen }
}

/** Subscribes `count` connections to logs with a filter; `emit` tells them an event and returns the logs that they got. */
function subscribe(count: number, filter: object) {
  let listener: (event: EngineEvent) => void = () => undefined
  const methods = createSubscriptionMethods({
    subscribe(given) {
      listener = given
      return () => undefined
    },
  })
  const told: { topics: string[]; removed: boolean }[] = []
  for (let i = 0; i < count; i++) {
    const context: RpcContext = {
      notify: (_method, params) => told.push((params as { result: (typeof told)[number] }).result),
      onClose: () => undefined,
    }
    methods.eth_subscribe?.(['logs', filter], context)
  }
  return (event: EngineEvent) => {
    listener(event)
    return told.splice(0)
  }
}

describe('eth_subscribe logs', () => {
  it.each(['unsafe', 'rewound'] as const)('encodes a log once for all who want it (%s)', (type) => {
    const emit = subscribe(30, {})
    const { event, seen } = createEvent(type, 5)
    const told = emit(event)
    expect(told).toHaveLength(30 * 5)
    expect(told[0]?.removed).toBe(type === 'rewound')
    expect(seen.reads).toBe(5)
  })

  it('encodes no log that nobody wants', () => {
    const { event, seen } = createEvent('unsafe', 5)
    expect(subscribe(30, { topics: [null, null, null] })(event)).toEqual([])
    expect(seen.reads).toBe(0)
    const told = subscribe(30, { topics: [null, fakeHash('id 3')] })(event)
    expect(told).toHaveLength(30)
    expect(seen.reads).toBe(1)
  })

  it('tells what was dropped backwards', () => {
    const { event } = createEvent('rewound', 3)
    expect(subscribe(1, {})(event).map(({ topics }) => topics[1])).toEqual(
      [2, 1, 0].map((i) => fakeHash(`id ${i}`)),
    )
  })
})
