import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromHex, keccak, toHex } from './bytes.ts'
import { KEYSTORE_ADDRESS, ZERO_HASH } from './constants.ts'
import {
  accountProofNodes,
  keystoreGet,
  keystoreProof,
  keystorePut,
  StorageValueError,
  slotToKey,
  stateRootOf,
  storageValueFromRlp,
  storageValueToRlp,
} from './KeystoreTrie.ts'
import { decodeRlp } from './Rlp.ts'
import { EMPTY_TRIE_ROOT, emptyTrie, trieRoot, verifyTrieProof } from './Trie.ts'

const word = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(toHex)
const wordWithZeros = fc
  .tuple(fc.nat(31), fc.uint8Array({ minLength: 32, maxLength: 32 }))
  .map(([zeros, bytes]) => toHex(bytes.fill(0, 0, zeros).fill(1, 31)))

describe('the keystore trie', () => {
  it('keeps every value with its leading zeros, and proves it', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(word, wordWithZeros), { minLength: 1, maxLength: 20 }), (slots) => {
        const trie = slots.reduce((next, [slot, value]) => keystorePut(next, slot, value), emptyTrie())
        for (const [slot, value] of new Map(slots)) {
          expect(keystoreGet(trie, slot)).toBe(value)
          const proven = verifyTrieProof(trieRoot(trie), slotToKey(slot), keystoreProof(trie, slot))
          expect(storageValueFromRlp(proven as Uint8Array)).toBe(value)
        }
      }),
    )
  })

  it('tells an absent slot from a written one', () => {
    expect(keystoreGet(emptyTrie(), ZERO_HASH)).toBeUndefined()
  })

  it('never holds zero', () => {
    expect(() => keystorePut(emptyTrie(), ZERO_HASH, ZERO_HASH)).toThrow(StorageValueError)
  })

  it.each([
    '0x80',
    '0xc0',
    '0x00',
    '0x820001',
    `0xa1${'01'.repeat(33)}`,
    `0xa000${'01'.repeat(31)}`,
    '0x0101',
    `0xa1${'11'.repeat(32)}`,
    `0xa0${'11'.repeat(31)}`,
    `0xa0${'11'.repeat(33)}`,
    `0xe0${'11'.repeat(32)}`,
  ] as const)('does not read %s as a value', (encoded) => {
    expect(() => storageValueFromRlp(fromHex(encoded))).toThrow(StorageValueError)
  })

  it('strips leading zeros from what it stores', () => {
    expect(toHex(storageValueToRlp(`0x${'00'.repeat(30)}0100`))).toBe('0x820100')
  })
})

describe('the state trie', () => {
  it('proves the one account and its storage root', () => {
    const nodes = accountProofNodes(EMPTY_TRIE_ROOT)
    expect(nodes).toHaveLength(1)
    const account = verifyTrieProof(
      stateRootOf(EMPTY_TRIE_ROOT),
      keccak(fromHex(KEYSTORE_ADDRESS)),
      nodes,
    ) as Uint8Array
    const emptyCodeHash = '0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470'
    expect((decodeRlp(account) as Uint8Array[]).map(toHex)).toEqual([
      '0x',
      '0x',
      EMPTY_TRIE_ROOT,
      emptyCodeHash,
    ])
  })

  it('changes with the storage root', () => {
    expect(stateRootOf(ZERO_HASH)).not.toBe(stateRootOf(EMPTY_TRIE_ROOT))
  })
})
