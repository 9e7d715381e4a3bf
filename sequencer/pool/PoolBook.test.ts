import { Registry } from 'prom-client'
import { expect, it } from 'vitest'
import { createLogger } from '../../node/index.ts'
import type { SignedPromise } from '../../protocol/index.ts'
import { fakeHash } from '../../test/chainFixtures.ts'
import { openTestChain } from '../../test/TestChain.ts'
import { createSequencerMetrics } from '../metrics.ts'
import { createPoolBook } from './PoolBook.ts'
import type { PoolEntry } from './PoolEntry.ts'

/** An entry whose promise is late in a block; `look` is told whenever its promise is read. */
function lateEntry(name: string, look: () => void): PoolEntry {
  const hash = fakeHash(name)
  const promise: SignedPromise = {
    promise: { id: fakeHash('id'), kind: 0, nonce: 1n, configHash: fakeHash('c'), txHash: hash, byBlock: 1n },
    signature: '0x',
    signer: '0x',
  }
  return {
    sequence: 1n,
    id: promise.promise.id,
    hash,
    kind: 0,
    nonce: 1n,
    previous: fakeHash('previous'),
    configHash: promise.promise.configHash,
    size: 100,
    get promise() {
      look()
      return promise
    },
    stage: { name: 'included', blockNumber: 2n },
    body: undefined,
    durable: Promise.resolve(),
    isDurable: true,
    voidedAt: undefined,
    isReportedOverdue: false,
  }
}

async function openBook() {
  const chain = await openTestChain()
  const book = createPoolBook(
    {
      store: chain.store,
      rollup: chain.rollup,
      log: { queued: () => undefined },
      logger: createLogger({ level: 'silent' }),
      metrics: createSequencerMetrics(new Registry()),
    },
    chain.head(),
  )
  return { chain, book }
}

it('tells of no unkept promise that is not on disk yet', async () => {
  const { chain, book } = await openBook()
  const entry = { ...lateEntry('a', () => undefined), isDurable: false }
  book.add(entry)
  expect([...book.unkept()]).toEqual([])
  entry.isDurable = true
  expect([...book.unkept()]).toHaveLength(1)
  await chain.close()
})

it('looks at an unkept promise only when it is asked for, and makes no list of all', async () => {
  const { chain, book } = await openBook()
  let looks = 0
  const names = ['a', 'b', 'c']
  for (const name of names) {
    book.add(
      lateEntry(name, () => {
        looks++
      }),
    )
  }
  looks = 0
  const seen: string[] = []
  for (const { outcome, signed } of book.unkept()) {
    expect(outcome).toBe('late')
    seen.push(signed.promise.txHash)
    expect(looks).toBe(seen.length)
  }
  expect(seen).toEqual(names.map(fakeHash))
  await chain.close()
})
