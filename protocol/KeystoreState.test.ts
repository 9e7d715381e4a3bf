import type { Hex } from 'viem'
import { expect, test } from 'vitest'
import { readConfigHash, recoverySlots } from './KeystoreState.ts'
import { keystorePut } from './KeystoreTrie.ts'
import { emptyTrie } from './Trie.ts'

const ID: Hex = `0x${'11'.repeat(32)}`

test.each([
  [1n, false],
  [2n ** 56n, false],
  [2n ** 64n - 1n, false],
  [2n ** 64n, true],
  [2n ** 72n, true],
  [2n ** 256n - 1n, true],
])('a slot that holds %d holds a config hash: %s', (value, isHash) => {
  const word: Hex = `0x${value.toString(16).padStart(64, '0')}`
  const trie = keystorePut(emptyTrie(), ID, word)
  expect(readConfigHash(trie, ID)).toBe(isHash ? word : undefined)
})

test('the time of a recovery stands in the slot after its hash, a carry later too', () => {
  const slots = Array.from({ length: 2_000 }, (_, i) =>
    recoverySlots(`0x${i.toString(16).padStart(64, '0')}`),
  )
  expect(slots.filter(({ hash }) => hash.endsWith('ff')).length).toBeGreaterThan(0)
  for (const { hash, readyAt } of slots) expect(BigInt(readyAt)).toBe(BigInt(hash) + 1n)
})
