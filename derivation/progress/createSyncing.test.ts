import { expect, it } from 'vitest'
import type { BlockRef } from '../../node/index.ts'
import { createTestRollup, fakeHash } from '../../test/chainFixtures.ts'
import { createSyncing } from './createSyncing.ts'

const rollup = createTestRollup()
const blockOf = (number: bigint): BlockRef => ({
  number,
  hash: fakeHash(`block ${number}`),
  parentHash: fakeHash(`block ${number - 1n}`),
  timestamp: rollup.genesis.l2Time + number * rollup.blockTime,
  l1Origin: rollup.genesis.l1,
  sequenceNumber: 0n,
})

it('counts from where it began to what the clock allows, or to the unsafe head where that is ahead', () => {
  const heads = { safe: blockOf(5n), unsafe: blockOf(7n), finalized: blockOf(0n) }
  let isSynced = false
  let blocks = 100n
  const syncing = createSyncing({
    store: { heads: () => heads },
    rollup,
    isSynced: () => isSynced,
    now: () => 1_000 * Number(rollup.genesis.l2Time + blocks * rollup.blockTime) + 999,
  })
  expect(syncing()).toEqual({ startingBlock: 5n, currentBlock: 5n, highestBlock: 100n })
  heads.safe = blockOf(6n)
  expect(syncing()).toEqual({ startingBlock: 5n, currentBlock: 6n, highestBlock: 100n })
  // A clock that is behind, also before genesis.
  for (blocks of [3n, -9n]) expect(syncing()?.highestBlock).toBe(7n)
  isSynced = true
  expect(syncing()).toBeUndefined()
})
