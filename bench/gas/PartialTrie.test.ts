import { expect, test } from 'vitest'
import { emptyTrie, fromHex, toHex, triePut, trieRoot, verifyTrieProof } from '../../protocol/index.ts'
import { named, namedBytes } from './named.ts'
import { createPartialTrie, findPartialTrie, type TrieEntry } from './PartialTrie.ts'

const entries: TrieEntry[] = Array.from({ length: 200 }, (_, i) => ({
  key: named(`key ${i}`),
  value: namedBytes(`value ${i}`, 8 + (i % 40)),
}))

test('a trie without others is the trie of its entries', () => {
  let trie = emptyTrie()
  for (const { key, value } of entries) trie = triePut(trie, key, value)
  expect(createPartialTrie('alone', entries, 0).root).toBe(trieRoot(trie))
})

test('its proofs hold, whatever stands beside the entries', () => {
  for (const others of [0, 1, 30, 4_000, 1_000_000, 300_000_000]) {
    const trie = createPartialTrie('beside others', entries, others)
    for (const { key, value } of entries) {
      const nodes = trie.proofOf(key).map((node) => fromHex(node))
      expect(toHex(verifyTrieProof(trie.root, key, nodes) ?? new Uint8Array())).toBe(toHex(value))
    }
  }
})

test('proofs are as deep as those of so many random keys', () => {
  const trie = createPartialTrie('a million', entries, 1_000_000)
  const depths = entries.map(({ key }) => trie.proofOf(key).length)
  const mean = depths.reduce((sum, depth) => sum + depth, 0) / depths.length
  // Five full levels of branches and then one key in 1.04 prefixes: about 38 % end at the sixth node.
  expect(mean).toBeGreaterThan(6.4)
  expect(mean).toBeLessThan(7)
  expect(Math.min(...depths)).toBe(6)
})

test('the same name gives the same trie, another name another', () => {
  const rootOf = (name: string) => createPartialTrie(name, entries, 1_000_000).root
  expect(rootOf('one')).toBe(rootOf('one'))
  expect(rootOf('one')).not.toBe(rootOf('another'))
})

test('a trie that cannot be found is a fault', () => {
  const [entry] = entries
  if (entry === undefined) throw new RangeError('there are no entries')
  expect(() => findPartialTrie('impossible', [entry], 1, () => false)).toThrow('no trie "impossible"')
})
