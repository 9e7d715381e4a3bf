import { createMerkleProof, MerklePatriciaTrie, verifyMerkleProof } from '@ethereumjs/mpt'
import fc from 'fast-check'
import type { Hex } from 'viem'
import { describe, expect, it } from 'vitest'
import { createNodeMap } from '../test/nodeMap.ts'
import baseSepolia from '../test/vectors/proof_base_sepolia_16802894.json' with { type: 'json' }
import l1Sepolia from '../test/vectors/proof_l1_sepolia_9567705.json' with { type: 'json' }
import { concat, fromHex, keccak, keccakHex, toHex } from './bytes.ts'
import { slotToKey, storageValueFromRlp } from './KeystoreTrie.ts'
import { decodeRlp, encodeRlp, RlpError, type RlpItem, rlpToBytes, rlpToList, uintToRlp } from './Rlp.ts'
import {
  EMPTY_TRIE_ROOT,
  EmptyValueError,
  emptyTrie,
  MalformedNodeError,
  MissingNodeError,
  orderedTrieRoot,
  type Trie,
  TrieProofError,
  trieFromRoot,
  trieGet,
  trieNewNodes,
  trieNodeContents,
  trieNodeToStored,
  trieProof,
  triePut,
  trieRoot,
  verifyTrieProof,
} from './Trie.ts'

const ANY_HASH = new Uint8Array(32)

type Entry = readonly [key: Uint8Array, value: Uint8Array]

// Few distinct bytes and mixed lengths make shared prefixes, extensions, branch values and inlined nodes likely.
const nearKey = fc
  .array(fc.constantFrom(0x00, 0x01, 0x10, 0x11, 0xff), { minLength: 1, maxLength: 5 })
  .map((bytes) => Uint8Array.from(bytes))
const hashedKey = fc.nat(500).map((n) => keccak(uintToRlp(n)))
const value = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 3 }),
  fc.uint8Array({ minLength: 28, maxLength: 40 }),
)
const entriesOf = (key: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Entry[]> =>
  fc.array(fc.tuple(key, value), { maxLength: 60 })
const entries = fc.oneof(entriesOf(nearKey), entriesOf(hashedKey))

/** What is below a node, or that it is none. */
function readBelow(read: () => readonly Uint8Array[]): readonly Hex[] | 'no node' {
  try {
    return read().map(toHex)
  } catch (error) {
    if (error instanceof MalformedNodeError || error instanceof RlpError) return 'no node'
    throw error
  }
}

/** The hashes below a branch whose children are hashes, by nothing but the RLP decoder. */
function hashesByRlp(bytes: Uint8Array): Uint8Array[] {
  const items = rlpToList(decodeRlp(bytes), 17)
  rlpToBytes(items[16])
  return items.slice(0, 16).flatMap((item) => {
    return rlpToBytes(item).length === 0 ? [] : [rlpToBytes(item, 32)]
  })
}

describe('a trie', () => {
  it('has the root of @ethereumjs/mpt after every put', async () => {
    await fc.assert(
      fc.asyncProperty(entries, async (list) => {
        const peer = new MerklePatriciaTrie()
        let trie = emptyTrie()
        for (const [key, val] of list) {
          await peer.put(key, val)
          trie = triePut(trie, key, val)
          expect(trieRoot(trie)).toBe(toHex(peer.root()))
        }
      }),
      { numRuns: 200 },
    )
  })

  it('has a root that does not depend on when roots are asked for or in which order keys are put', () => {
    fc.assert(
      fc.property(entries, fc.infiniteStream(fc.boolean()), (list, asks) => {
        let trie = emptyTrie()
        for (const [key, val] of list) {
          trie = triePut(trie, key, val)
          if (asks.next().value) trieRoot(trie)
        }
        const last = [...new Map(list.map(([key, val]) => [toHex(key), [key, val] as const])).values()]
        expect(trieRoot(build(last.reverse()))).toBe(trieRoot(trie))
      }),
    )
  })

  it('gets back what was put last, and nothing for other keys', () => {
    fc.assert(
      fc.property(entries, fc.array(fc.oneof(nearKey, hashedKey)), (list, others) => {
        const trie = build(list)
        const model = new Map(list.map(([key, val]) => [toHex(key), val]))
        for (const key of [...list.map(([key]) => key), ...others]) {
          expect(trieGet(trie, key)).toEqual(model.get(toHex(key)))
        }
      }),
    )
  })

  it('is never changed by puts into it', () => {
    fc.assert(
      fc.property(entries, entries, (first, second) => {
        const trie = build(first)
        const root = trieRoot(trie)
        second.reduce((next, [key, val]) => triePut(next, key, val), trie)
        expect(trieRoot(trie)).toBe(root)
        expect(trieRoot(build(first))).toBe(root)
      }),
    )
  })

  it('opens again from its new nodes alone, each under the version that made it, and continues as if it had never been stored', () => {
    const gap = fc.constantFrom(1, 0xff, 0x1_0000, 0xffff_ffff, 2 ** 40)
    const round = fc.record({ puts: entries, gap })
    fc.assert(
      fc.property(fc.array(round, { minLength: 1, maxLength: 5 }), (rounds) => {
        const store = new Map<string, Uint8Array>()
        const read = (hash: Uint8Array, at: number) => store.get(`${at} ${toHex(hash)}`)
        let kept = emptyTrie()
        let stored = emptyTrie()
        let version = 0
        let rootVersion = 0
        for (const { puts, gap } of rounds) {
          version += gap
          for (const [key, val] of puts) {
            kept = triePut(kept, key, val)
            stored = triePut(stored, key, val)
          }
          const nodes = trieNewNodes(stored, version)
          for (const { hash, stored: node } of nodes) {
            expect(keccak(trieNodeContents(node, hash).rlp)).toEqual(hash)
            store.set(`${version} ${toHex(hash)}`, node)
          }
          if (nodes.length > 0) rootVersion = version
          stored = trieFromRoot(trieRoot(stored), rootVersion, read)
          expect(trieRoot(stored)).toBe(trieRoot(kept))
          expect(trieNewNodes(stored, version)).toEqual([])
        }
        for (const [key] of rounds.flatMap(({ puts }) => puts)) {
          expect(trieGet(stored, key)).toEqual(trieGet(kept, key))
          expect(trieProof(stored, key)).toEqual(trieProof(kept, key))
        }
      }),
      { numRuns: 200 },
    )
  })

  // Keys of one byte make a root of sixteen branches of sixteen leaves, all of them long enough to stand under hashes.
  const long = (fill: number) => new Uint8Array(40).fill(fill)
  const wide = Array.from({ length: 256 }, (_, n): Entry => [Uint8Array.of(n), long(n)])
  const withoutFives = wide.filter(([key]) => (key[0] as number) >> 4 !== 5)

  it.each<[string, { before?: Entry[]; puts: Entry[] }]>([
    ['a leaf below it has another value', { puts: [[Uint8Array.of(0x12), long(1)]] }],
    [
      'leaves below all of its children have other values',
      { puts: wide.flatMap(([key], n) => (n % 17 === 0 ? [[key, long(0xee)] as const] : [])) },
    ],
    [
      'a leaf below it becomes so short that it stands inside',
      { puts: [[Uint8Array.of(0x12), Uint8Array.of(1)]] },
    ],
    ['it gets a value', { puts: [[Uint8Array.of(), long(1)]] }],
    [
      'it gets a value, and a leaf below it another one',
      {
        puts: [
          [Uint8Array.of(), Uint8Array.of(0x7f)],
          [Uint8Array.of(0x12), long(1)],
        ],
      },
    ],
    ['it gets a child where it had none', { before: withoutFives, puts: [[Uint8Array.of(0x55), long(1)]] }],
    [
      'it gets a branch where it had no child, and another child changes behind it',
      {
        before: withoutFives,
        puts: [
          [Uint8Array.of(0x55), long(1)],
          [Uint8Array.of(0x56), long(2)],
          [Uint8Array.of(0xfe), long(3)],
        ],
      },
    ],
    ['its second child becomes a longer path', { puts: [[Uint8Array.of(0x1f, 0x00), long(1)]] }],
  ])('whose full branch was read has the root of one made anew, and its nodes, when %s', (_name, change) => {
    const { before = wide, puts } = change
    const first = trieNewNodes(build(before), 1)
    const root = trieRoot(build(before))
    const opened = trieFromRoot(root, 1, createNodeMap(first).read)
    const changed = puts.reduce((trie, [key, val]) => triePut(trie, key, val), opened)
    const anew = build([...before, ...puts])
    expect(trieRoot(changed)).toBe(trieRoot(anew))
    const nodes = trieNewNodes(changed, 1)
    for (const { hash, stored } of nodes) expect(keccak(trieNodeContents(stored, hash).rlp)).toEqual(hash)
    const { read } = createNodeMap([...first, ...nodes])
    for (const { hash, stored } of trieNewNodes(anew, 1)) expect(read(hash, 1)).toEqual(stored)
    for (const [key, val] of puts) {
      const proof = trieProof(changed, key)
      expect(proof).toEqual(trieProof(anew, key))
      expect(verifyTrieProof(trieRoot(anew), key, proof)).toEqual(val)
    }
    expect(trieRoot(opened)).toBe(root)
    expect(trieNewNodes(build(before), 1)).toEqual(first)
  })

  it('gives as new nodes only those of the path when one entry of many changes', () => {
    const list = Array.from({ length: 300 }, (_, i): Entry => [keccak(uintToRlp(i)), uintToRlp(i + 1)])
    const store = trieNewNodes(build(list), 1)
    const opened = trieFromRoot(trieRoot(build(list)), 1, createNodeMap(store).read)
    const key = keccak(uintToRlp(7))
    const changed = triePut(opened, key, Uint8Array.of(9, 9))
    const nodes = trieNewNodes(changed, 2).map(({ hash, stored }) => trieNodeContents(stored, hash).rlp)
    expect(nodes.map(toHex)).toEqual(trieProof(changed, key).map(toHex))
    expect(triePut(opened, key, uintToRlp(8))).toBe(opened)
  })

  it('tells of each new branch in the place of which it stands, where that was read', () => {
    const list = Array.from({ length: 300 }, (_, i): Entry => [keccak(uintToRlp(i)), uintToRlp(i + 1)])
    const first = trieNewNodes(build(list), 1)
    expect(first.every(({ replaced }) => replaced === undefined)).toBe(true)
    const opened = trieFromRoot(trieRoot(build(list)), 1, createNodeMap(first).read)
    const [known, unknown] = [keccak(uintToRlp(7)), keccak(uintToRlp(1_000))]
    for (const key of [known, unknown]) {
      const before = trieProof(opened, key).filter((node) => decodeRlp(node).length === 17)
      // What a put leaves is put to again, and only the branches that were read can be replaced.
      const changed = triePut(triePut(opened, key, Uint8Array.of(9)), key, Uint8Array.of(9, 9))
      const replaced = trieNewNodes(changed, 2).flatMap((node) => (node.replaced ? [node.replaced] : []))
      expect(replaced).toEqual(before.map((node) => keccak(node)))
    }
  })

  it('takes no stored node with fewer or more versions than there are nodes below it', () => {
    fc.assert(
      fc.property(entries, fc.constantFrom(1, 6, 12), (list, length) => {
        const more = new Uint8Array(length)
        for (const { hash, stored } of trieNewNodes(build(list), 2 ** 48 - 1)) {
          for (const bytes of [concat(stored, more), stored.slice(0, -length)]) {
            const opened = trieFromRoot(toHex(hash), 1, () => bytes)
            expect(() => trieGet(opened, Uint8Array.of(1))).toThrow(MalformedNodeError)
            expect(() => trieNodeContents(bytes, hash)).toThrow(MalformedNodeError)
          }
        }
      }),
    )
  })

  it('refuses to put an empty value', () => {
    expect(() => triePut(emptyTrie(), Uint8Array.of(1), Uint8Array.of())).toThrow(EmptyValueError)
  })

  it('says which node is missing or malformed', () => {
    const root = trieRoot(build([[Uint8Array.of(1), new Uint8Array(40)]]))
    const missing = trieFromRoot(root, 1, () => undefined)
    expect(() => trieGet(missing, Uint8Array.of(1))).toThrow(MissingNodeError)
    const malformed = trieFromRoot(root, 1, () => Uint8Array.of(0x80))
    expect(() => trieGet(malformed, Uint8Array.of(1))).toThrow(MalformedNodeError)
  })
})

describe('trieNodeContents', () => {
  it('leads from the root to every node and every value, in the order of the keys', () => {
    fc.assert(
      fc.property(entries, (list) => {
        const trie = list.reduce((t, [k, v]) => triePut(t, k, v), emptyTrie())
        const nodes = trieNewNodes(trie, 1)
        const last = new Map(list.map(([k, v]) => [toHex(k), toHex(v)]))
        const found: Hex[] = []
        const values: Hex[] = []
        const { read } = createNodeMap(nodes)
        const walk = (hash: Uint8Array) => {
          found.push(toHex(hash))
          const contents = trieNodeContents(read(hash, 1) ?? new Uint8Array(), hash)
          values.push(...contents.values.map(toHex))
          for (const below of contents.below) walk(below.hash)
        }
        if (list.length > 0) walk(fromHex(trieRoot(trie)))
        expect(new Set(found)).toEqual(new Set(nodes.map(({ hash }) => toHex(hash))))
        expect(values.toSorted()).toEqual([...last.values()].sort())
      }),
    )
  })

  it('reads a branch of hashes as its RLP says, whatever byte is changed, added or taken away', () => {
    const hashes = fc.array(fc.option(fc.nat(50), { nil: undefined }), { minLength: 16, maxLength: 16 })
    const change = fc.record({
      at: fc.nat(600),
      byte: fc.constantFrom(0x00, 0x01, 0x7f, 0x80, 0x81, 0x9f, 0xa0, 0xa1, 0xb8, 0xc0, 0xf8, 0xf9, 0xff),
      length: fc.constantFrom(0, 0, 0, -1, 1, 33),
    })
    fc.assert(
      fc.property(hashes, fc.option(change), (children, changed) => {
        const items = children.map((n) => (n === undefined ? new Uint8Array() : keccak(uintToRlp(n))))
        let bytes = encodeRlp([...items, new Uint8Array()])
        if (changed !== null) {
          const { at, byte, length } = changed
          bytes = Uint8Array.from({ length: bytes.length + length }, (_, i) => bytes[i] ?? 0x80)
          bytes[at % bytes.length] = byte
        }
        const below = () => {
          const stored = trieNodeToStored(bytes, ANY_HASH, 7)
          return trieNodeContents(stored, ANY_HASH).below.map(({ hash }) => hash)
        }
        expect(readBelow(below)).toEqual(readBelow(() => hashesByRlp(bytes)))
        // As stored, only in that the last bytes are versions.
        const versions = new Uint8Array(6 * children.filter((n) => n !== undefined).length)
        const read = () => trieNodeContents(concat(bytes, versions), ANY_HASH).below.map(({ hash }) => hash)
        if ((changed?.length ?? 0) === 0) expect(readBelow(read)).toEqual(readBelow(() => hashesByRlp(bytes)))
      }),
      { numRuns: 2_000 },
    )
  })

  it('refuses what is no node', () => {
    expect(() => trieNodeContents(Uint8Array.of(0x80), ANY_HASH)).toThrow(MalformedNodeError)
  })
})

describe('orderedTrieRoot', () => {
  it.each([0, 1, 2, 16, 17, 127, 128, 129, 256, 257, 300, 700])(
    'equals @ethereumjs/mpt over %i items',
    async (count) => {
      const items = Array.from({ length: count }, (_, i) => Uint8Array.of(1, ...uintToRlp(i)))
      const peer = new MerklePatriciaTrie()
      for (const [i, item] of items.entries()) await peer.put(encodeRlp(uintToRlp(i)), item)
      expect(orderedTrieRoot(items)).toBe(toHex(peer.root()))
    },
  )
})

it('an ordered trie has no empty item', () => {
  expect(() => orderedTrieRoot([Uint8Array.of(1), new Uint8Array()])).toThrow(EmptyValueError)
})

describe('a proof', () => {
  it('shows inclusion and exclusion, and is the one of @ethereumjs/mpt', async () => {
    await fc.assert(
      fc.asyncProperty(
        entries,
        fc.array(fc.oneof(nearKey, hashedKey), { maxLength: 5 }),
        async (list, others) => {
          const trie = build(list)
          const root = trieRoot(trie)
          const peer = new MerklePatriciaTrie()
          for (const [key, val] of list) await peer.put(key, val)
          for (const key of [...list.map(([key]) => key), ...others]) {
            const proof = trieProof(trie, key)
            expect(verifyTrieProof(root, key, proof)).toEqual(trieGet(trie, key))
            if (list.length === 0) continue
            // The peer lists inlined nodes once more by themselves; go-ethereum, and we, do not.
            const peerProof = (await createMerkleProof(peer, key)).filter(
              (node, at) => at === 0 || node.length >= 32,
            )
            expect(proof.map(toHex)).toEqual(peerProof.map(toHex))
            expect((await verifyMerkleProof(key, proof)) ?? undefined).toEqual(trieGet(trie, key))
          }
        },
      ),
      { numRuns: 100 },
    )
  })

  it('with any byte flipped shows nothing', () => {
    const list = Array.from({ length: 40 }, (_, i): Entry => [keccak(uintToRlp(i)), uintToRlp(i + 1)])
    const trie = build(list)
    for (const key of [keccak(uintToRlp(3)), keccak(uintToRlp(1000))]) {
      const proof = trieProof(trie, key)
      expect(() => verifyTrieProof(trieRoot(trie), key, proof)).not.toThrow()
      for (const [at, node] of proof.entries()) {
        for (let i = 0; i < node.length; i++) {
          const tampered = proof.with(at, node.with(i, (node[i] as number) ^ 0x01))
          expect(() => verifyTrieProof(trieRoot(trie), key, tampered)).toThrow(TrieProofError)
        }
      }
    }
  })

  it('with a node missing, doubled, swapped or left over shows nothing', () => {
    const list = Array.from({ length: 40 }, (_, i): Entry => [keccak(uintToRlp(i)), uintToRlp(i + 1)])
    const trie = build(list)
    const root = trieRoot(trie)
    const key = keccak(uintToRlp(3))
    const proof = trieProof(trie, key)
    const refused = [
      [],
      proof.slice(1),
      proof.slice(0, -1),
      [...proof, proof.at(-1) as Uint8Array],
      [...proof, Uint8Array.of(0x80)],
      proof.toReversed(),
    ]
    for (const wrong of refused) expect(() => verifyTrieProof(root, key, wrong)).toThrow(TrieProofError)
  })

  it('for the empty trie has no node', () => {
    const key = keccak(Uint8Array.of(1))
    expect(trieProof(emptyTrie(), key)).toEqual([])
    expect(verifyTrieProof(EMPTY_TRIE_ROOT, key, [])).toBeUndefined()
    expect(() => verifyTrieProof(EMPTY_TRIE_ROOT, key, [Uint8Array.of(0x80)])).toThrow(TrieProofError)
  })

  it('of a real OP Stack account and an absent slot is accepted', () => {
    const account = verifyTrieProof(
      keccakHex(fromHex(baseSepolia.accountProof[0] as Hex)),
      keccak(fromHex(baseSepolia.address as Hex)),
      baseSepolia.accountProof.map((node) => fromHex(node as Hex)),
    )
    expect(storageRootOf(account)).toBe(baseSepolia.storageHash)
    const [slot] = baseSepolia.storageProof
    const stored = verifyTrieProof(
      baseSepolia.storageHash as Hex,
      slotToKey(slot?.key as Hex),
      (slot?.proof ?? []).map((node) => fromHex(node as Hex)),
    )
    expect(stored).toBeUndefined()
  })

  it('of a real L1 account and slot is accepted', () => {
    const nodesOf = (rlp: string) => rlpToList(decodeRlp(fromHex(rlp as Hex))).map((node) => rlpToBytes(node))
    const account = verifyTrieProof(
      l1Sepolia.stateRoot as Hex,
      keccak(fromHex(l1Sepolia.account as Hex)),
      nodesOf(l1Sepolia.rlpAccountProof),
    )
    const stored = verifyTrieProof(
      storageRootOf(account),
      slotToKey(l1Sepolia.slot as Hex),
      nodesOf(l1Sepolia.rlpStorageProof),
    )
    expect(storageValueFromRlp(stored as Uint8Array)).toBe(l1Sepolia.slotValue)
  })
})

describe('a malformed node is refused although its hash fits', () => {
  const longValue = new Uint8Array(40).fill(1)
  const key = Uint8Array.of(0x12, 0x34)
  const item = (path: number[], val: Uint8Array) => [Uint8Array.from(path), val]
  const branchOf = (...children: [number, Uint8Array | Uint8Array[]][]) => {
    const slots: (Uint8Array | Uint8Array[])[] = Array.from({ length: 17 }, () => Uint8Array.of())
    for (const [slot, child] of children) slots[slot] = child
    return slots
  }
  const leaf = (path: number[]) => encodeRlp(item(path, longValue))
  const below = leaf([0x32, 0x34])
  /** The children of a branch of so many hashes, one of them that of the leaf below. */
  const hashBranch = (count: number) =>
    branchOf(...Array.from({ length: count }, (_, n): [number, Uint8Array] => [(n + 1) % 16, keccak(below)]))
  /** A list under a prefix that is longer than it need be. */
  const lengthen = (prefix: 0xf8 | 0xf9, items: RlpItem[]) => {
    const list = encodeRlp(items)
    const payload = list.subarray(list[0] === 0xf8 ? 2 : 1)
    const length = prefix === 0xf8 ? [payload.length] : [0, payload.length]
    return Uint8Array.of(prefix, ...length, ...payload)
  }
  const branchBelow = encodeRlp(branchOf([3, keccak(leaf([0x34]))]))
  const extension = encodeRlp(item([0x12], keccak(branchBelow)))

  it.each<[string, Uint8Array[]]>([
    ['a string', [encodeRlp(longValue)]],
    ['a list of three', [encodeRlp([longValue, longValue, longValue])]],
    ['an empty path', [encodeRlp(item([], longValue))]],
    ['a flag above 3', [leaf([0x40, 0x12, 0x34])]],
    ['a path whose padding is not zero', [leaf([0x21, 0x12, 0x34])]],
    ['a leaf without a value', [encodeRlp(item([0x20, 0x12, 0x34], Uint8Array.of()))]],
    ['a trailing byte', [Uint8Array.of(...leaf([0x20, 0x12, 0x34]), 0)]],
    ['an extension without a path', [encodeRlp(item([0x00], keccak(longValue))), longValue]],
    ['an extension without a child', [encodeRlp(item([0x11], Uint8Array.of()))]],
    ['a child of 31 bytes', [encodeRlp(branchOf([1, new Uint8Array(31).fill(1)]))]],
    [
      'an inlined node of 32 bytes',
      [encodeRlp(branchOf([1, item([0x32, 0x34], new Uint8Array(28).fill(1))]))],
    ],
    [
      'a short node behind a hash',
      [
        encodeRlp(branchOf([1, keccak(encodeRlp(item([0x32, 0x34], Uint8Array.of(1))))])),
        encodeRlp(item([0x32, 0x34], Uint8Array.of(1))),
      ],
    ],
    ['a branch whose length stands in a byte of its own', [lengthen(0xf8, hashBranch(1)), below]],
    ['a branch whose length stands in two bytes', [lengthen(0xf9, hashBranch(2)), below]],
    ['a branch of eighteen', [encodeRlp([...hashBranch(3), Uint8Array.of()]), below]],
    ['an extension of a leaf', [encodeRlp([Uint8Array.of(0x11), item([0x32, 0x34], Uint8Array.of(1))])]],
    [
      'an extension of a leaf that stands alone',
      [encodeRlp(item([0x11], keccak(leaf([0x32, 0x34])))), leaf([0x32, 0x34])],
    ],
    [
      'an extension of an extension',
      [encodeRlp(item([0x11], keccak(extension))), extension, branchBelow, leaf([0x34])],
    ],
  ])('%s', (_name, proof) => {
    const root = keccakHex(proof[0] as Uint8Array)
    expect(() => verifyTrieProof(root, key, proof)).toThrow(TrieProofError)
  })

  it.each([1, 2, 3, 16])('and a branch of %i hashes as it should be is not', (count) => {
    const root = encodeRlp(hashBranch(count))
    expect(verifyTrieProof(keccakHex(root), key, [root, below])).toEqual(longValue)
  })
})

function storageRootOf(account: Uint8Array | undefined): Hex {
  return toHex(rlpToBytes(rlpToList(decodeRlp(account as Uint8Array), 4)[2], 32))
}

function build(list: readonly Entry[]): Trie {
  return list.reduce((trie, [key, val]) => triePut(trie, key, val), emptyTrie())
}
