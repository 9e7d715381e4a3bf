import { privateKeyToAddress } from 'viem/accounts'
import { expect, it } from 'vitest'
import {
  CriticalFault,
  createLogger,
  createMetrics,
  createNativeVerifier,
  openChainStore,
  TemporaryFault,
} from '../node/index.ts'
import { createFakeL1Rollup } from '../test/derivationWorld.ts'
import { createFakeL1 } from '../test/FakeL1.ts'
import { createFakeL1Sender } from '../test/FakeL1Sender.ts'
import { createSequencerParts } from './createSequencerParts.ts'

const KEYS = {
  promise: `0x${'01'.repeat(32)}`,
  batcher: `0x${'02'.repeat(32)}`,
  proposer: `0x${'03'.repeat(32)}`,
} as const
const SECONDS = 6n

it('posts in time for the sequencing window while derivation waits for blobs that nobody serves', async () => {
  const l1 = createFakeL1({ chainId: 900n, number: 100n, timestamp: 1_800_000_000n })
  const rollup = createFakeL1Rollup(l1)
  const sender = createFakeL1Sender()
  const store = await openChainStore(':memory:', rollup)
  const { derivation, permit, builder, batcher, readiness } = await createSequencerParts({
    options: {
      rollup,
      promiseKey: KEYS.promise,
      batcherKey: KEYS.batcher,
      l1Confirmations: 0n,
      batcher: { maxChannelDuration: 1_000n, windowMargin: 3n },
      logger: createLogger({ level: 'silent' }),
      version: 'keyroll/test',
    },
    store,
    l1: {
      ...l1.client,
      async blobs() {
        throw new TemporaryFault('no beacon node answers')
      },
    },
    contracts: {
      promiseSigner: async () => privateKeyToAddress(KEYS.promise),
      batcher: async () => privateKeyToAddress(KEYS.batcher),
      proposer: () => expect.unreachable(),
      submissionCount: async () => 0n,
      nextOutputBlock: () => expect.unreachable(),
    },
    sender,
    verify: createNativeVerifier(),
    metrics: createMetrics(),
    now: () => 0,
  })
  while ((await derivation.step()) !== 'waiting');
  await permit.refresh()
  l1.mine([{ kind: 'blobs', blobs: [Uint8Array.of(0)] }], SECONDS)
  await builder.build()
  const postedAt: bigint[] = []
  for (let seen = l1.head().number; seen <= 100n + rollup.seqWindowSize; seen = l1.mine([], SECONDS).number) {
    await derivation.step().catch(() => undefined)
    await batcher?.l1Head.refresh()
    await batcher?.batcher.step()
    if (sender.pool().length > postedAt.length) postedAt.push(seen)
  }
  expect(derivation.status()).toMatchObject({ derivedL1: { number: 100n }, trouble: {} })
  expect(readiness()).toContainEqual(expect.objectContaining({ reason: 'L1_FAULT' }))
  expect(postedAt).toEqual([100n + rollup.seqWindowSize - 3n])
  await store.close()
})

it.each(['promiseSigner', 'batcher', 'proposer'] as const)(
  'ends when L1 is of another chain, which the question for %s is the first to show',
  async (asked) => {
    const l1 = createFakeL1({ chainId: 900n, number: 100n, timestamp: 1_800_000_000n })
    const rollup = createFakeL1Rollup(l1)
    const store = await openChainStore(':memory:', rollup)
    const contracts = {
      promiseSigner: async () => privateKeyToAddress(KEYS.promise),
      batcher: async () => privateKeyToAddress(KEYS.batcher),
      proposer: async () => privateKeyToAddress(KEYS.proposer),
      submissionCount: async () => 0n,
      nextOutputBlock: async () => rollup.submissionInterval,
    }
    const { loops } = await createSequencerParts({
      options: {
        rollup,
        promiseKey: KEYS.promise,
        batcherKey: KEYS.batcher,
        proposerKey: KEYS.proposer,
        logger: createLogger({ level: 'silent' }),
        version: 'keyroll/test',
      },
      store,
      l1: l1.client,
      contracts: { ...contracts, [asked]: () => Promise.reject(new CriticalFault('another chain')) },
      sender: createFakeL1Sender(),
      verify: createNativeVerifier(),
      metrics: createMetrics(),
      now: Date.now,
    })
    const ending = new AbortController()
    const running = loops.map((loop) => loop.run(ending.signal))
    await expect(Promise.all(running)).rejects.toThrow('another chain')
    ending.abort()
    await Promise.allSettled(running)
    await store.close()
  },
)
