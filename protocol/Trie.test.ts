import { createMerkleProof, MerklePatriciaTrie, verifyMerkleProof } from '@ethereumjs/mpt'
import fc from 'fast-check'
import type { Hex } from 'viem'
import { describe, expect, it } from 'vitest'
import { createNodeMap } from '../test/nodeMap.ts'
import baseSepolia from '../test/vectors/proof_base_sepolia_16802894.json' with { type: 'json' }
import l1Sepolia from '../test/vectors/proof_l1_sepolia_9567705.json' with { type: 'json' }
import { compareBytes, concat, fromHex, keccak, keccakHex, toHex } from './bytes.ts'
import { slotToKey, storageValueFromRlp } from './KeystoreTrie.ts'
import {
  decodeRlp,
  decodeRlpAt,
  encodeRlp,
  RlpError,
  type RlpItem,
  rlpToBytes,
  rlpToList,
  uintToRlp,
} from './Rlp.ts'
import {
  EMPTY_TRIE_ROOT,
  EmptyValueError,
  emptyTrie,
  MalformedNodeError,
  MissingNodeError,
  type NewTrieNode,
  orderedTrieRoot,
  storedTrieNodeRlp,
  storeTrie,
  type Trie,
  TrieProofError,
  type TrieReader,
  trieFromRoot,
  trieGet,
  trieNodeContents,
  trieNodeToStored,
  trieNodeWithPositions,
  trieProof,
  triePut,
  trieRoot,
  verifyTrieProof,
} from './Trie.ts'

const ANY_HASH = new Uint8Array(32)
const MAX_POSITION = 2 ** 48 - 1

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

type PlacedNode = NewTrieNode & { position: number }

/** A store that finds a node by nothing but its position and its hash, and gives positions that grow by such gaps. */
function createStore(first = 0, gap: () => number = () => 1) {
  const nodes = new Map<number, PlacedNode>()
  let next = first
  const read: TrieReader = (hash, position) => {
    const node = nodes.get(position)
    return node !== undefined && compareBytes(node.hash, hash) === 0 ? node.stored : undefined
  }
  /** Stores a trie, and tells the position of its root, and what was stored, in the order in which it came. */
  function add(trie: Trie): { position: number | undefined; added: PlacedNode[] } {
    const added: PlacedNode[] = []
    const position = storeTrie(trie, (node) => {
      const placed = { ...node, position: next }
      next += gap()
      expect(placed.position).toBeLessThanOrEqual(MAX_POSITION)
      nodes.set(placed.position, placed)
      added.push(placed)
      return placed.position
    })
    return { position, added }
  }
  /** Stores a trie of which nothing is stored, and opens it again. */
  const reopen = (trie: Trie) => trieFromRoot(trieRoot(trie), add(trie).position ?? first, read)
  return { read, add, reopen }
}

/** The nodes of a stored trie and their values, from its root down. */
function walk(read: TrieReader, hash: Uint8Array, position = 0): { nodes: Hex[]; values: Hex[] } {
  const { rlp, below, values } = trieNodeContents(read(hash, position) ?? new Uint8Array(), hash)
  expect(keccak(rlp)).toEqual(hash)
  const parts = below.map((child) => walk(read, child.hash, child.position))
  return {
    nodes: [toHex(rlp), ...parts.flatMap(({ nodes }) => nodes)],
    values: [...values.map(toHex), ...parts.flatMap(({ values }) => values)],
  }
}

/** What is below a node, or that it is none. */
function readBelow(read: () => readonly Uint8Array[]): readonly Hex[] | 'no node' {
  try {
    return read().map(toHex)
  } catch (error) {
    if (error instanceof MalformedNodeError || error instanceof RlpError) return 'no node'
    throw error
  }
}

/** The hashes below a node and their positions, by nothing but the RLP decoder and arithmetic. */
function readByHand(stored: Uint8Array): { hash: Uint8Array; position: number }[] {
  const { item, end } = decodeRlpAt(stored, 0)
  const items = rlpToList(item)
  const isLeaf = items.length === 2 && (rlpToBytes(items[0])[0] as number) >= 0x20
  const children = isLeaf ? [] : items.length === 2 ? items.slice(1) : items.slice(0, 16)
  const hashes = children.filter((child) => child instanceof Uint8Array && child.length === 32)
  const positions = toHex(stored.subarray(end)).slice(2).match(/.{12}/g) ?? []
  expect(stored.length - end).toBe(6 * hashes.length)
  return hashes.map((hash, i) => ({ hash: rlpToBytes(hash), position: Number(`0x${positions[i]}`) }))
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

  // Positions of every width, and those right below the end.
  const places = fc.oneof(
    fc.record({
      first: fc.constantFrom(0, 2 ** 32 - 3),
      gaps: fc.infiniteStream(fc.constantFrom(1, 0xff, 0x1_0000, 0xffff_ffff, 2 ** 36)),
    }),
    fc.record({
      first: fc.constant(MAX_POSITION - 4_095),
      gaps: fc.infiniteStream(fc.constant(1)),
    }),
  )
  const rounds = fc.array(entries, { minLength: 1, maxLength: 5 })

  it('opens again from what was stored alone, each node at the position that the store told, and continues as if it had never been stored', () => {
    fc.assert(
      fc.property(rounds, places, (rounds, { first, gaps }) => {
        const { read, add } = createStore(first, () => gaps.next().value)
        let kept = emptyTrie()
        let stored = emptyTrie()
        let rootPosition = 0
        for (const puts of rounds) {
          for (const [key, val] of puts) {
            kept = triePut(kept, key, val)
            stored = triePut(stored, key, val)
          }
          rootPosition = add(stored).position ?? rootPosition
          stored = trieFromRoot(trieRoot(stored), rootPosition, read)
          expect(trieRoot(stored)).toBe(trieRoot(kept))
          expect(add(stored)).toEqual({ position: undefined, added: [] })
        }
        for (const [key] of rounds.flat()) {
          expect(trieGet(stored, key)).toEqual(trieGet(kept, key))
          expect(trieProof(stored, key)).toEqual(trieProof(kept, key))
        }
        // Looked through by now, but not changed.
        expect(add(stored)).toEqual({ position: undefined, added: [] })
      }),
      { numRuns: 200 },
    )
  })

  it('hands over each new node once, behind those below it, with the positions that were told of them', () => {
    fc.assert(
      fc.property(rounds, places, (rounds, { first, gaps }) => {
        const { read, add } = createStore(first, () => gaps.next().value)
        let trie = emptyTrie()
        let rootPosition = 0
        for (const puts of rounds) {
          for (const [key, val] of puts) trie = triePut(trie, key, val)
          const { position, added } = add(trie)
          const positions = added.map((node) => node.position)
          const below = added.flatMap((node) => {
            const read = readByHand(node.stored)
            for (const child of read) expect(child.position).toBeLessThan(node.position)
            return read
          })
          for (const child of below) expect(read(child.hash, child.position)).toBeDefined()
          const isNew = new Set(positions)
          const newBelow = below.map((child) => child.position).filter((at) => isNew.has(at))
          // All but the root, which comes last, stand below one other.
          expect(newBelow.toSorted((a, b) => a - b)).toEqual(positions.slice(0, -1))
          expect(position).toBe(positions.at(-1))
          const root = added.at(-1)
          if (root !== undefined) expect(toHex(root.hash)).toBe(trieRoot(trie))
          rootPosition = position ?? rootPosition
          trie = trieFromRoot(trieRoot(trie), rootPosition, read)
        }
      }),
      { numRuns: 200 },
    )
  })

  it('without entries has nothing to store', () => {
    expect(createStore().add(emptyTrie())).toEqual({ position: undefined, added: [] })
    expect(createStore().add(trieFromRoot(EMPTY_TRIE_ROOT, 0, () => undefined)).added).toEqual([])
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
    const store = createStore()
    const first = store.add(build(before))
    const root = trieRoot(build(before))
    const opened = trieFromRoot(root, first.position ?? 0, store.read)
    const changed = puts.reduce((trie, [key, val]) => triePut(trie, key, val), opened)
    const anew = build([...before, ...puts])
    expect(trieRoot(changed)).toBe(trieRoot(anew))
    const newRoot = fromHex(trieRoot(anew))
    const other = createStore(1_000, () => 3)
    const whole = walk(other.read, newRoot, other.add(anew).position)
    expect(walk(store.read, newRoot, store.add(changed).position)).toEqual(whole)
    for (const [key, val] of puts) {
      const proof = trieProof(changed, key)
      expect(proof).toEqual(trieProof(anew, key))
      expect(verifyTrieProof(trieRoot(anew), key, proof)).toEqual(val)
    }
    expect(trieRoot(opened)).toBe(root)
    expect(createStore().add(build(before))).toEqual(first)
  })

  it('stores only the nodes of the path when one entry of many changes', () => {
    const list = Array.from({ length: 300 }, (_, i): Entry => [keccak(uintToRlp(i)), uintToRlp(i + 1)])
    const store = createStore()
    const opened = store.reopen(build(list))
    const key = keccak(uintToRlp(7))
    const changed = triePut(opened, key, Uint8Array.of(9, 9))
    const nodes = store.add(changed).added.map(({ hash, stored }) => trieNodeContents(stored, hash).rlp)
    expect(nodes.map(toHex)).toEqual(trieProof(changed, key).map(toHex).toReversed())
    expect(triePut(opened, key, uintToRlp(8))).toBe(opened)
  })

  it('tells of each new branch in the place of which it stands, where that was read', () => {
    const list = Array.from({ length: 300 }, (_, i): Entry => [keccak(uintToRlp(i)), uintToRlp(i + 1)])
    const nodes = createNodeMap()
    const first = nodes.add(build(list))
    expect(first.every(({ replaced }) => replaced === undefined)).toBe(true)
    const opened = trieFromRoot(trieRoot(build(list)), 1, nodes.read)
    const [known, unknown] = [keccak(uintToRlp(7)), keccak(uintToRlp(1_000))]
    for (const key of [known, unknown]) {
      const before = trieProof(opened, key).filter((node) => decodeRlp(node).length === 17)
      // What a put leaves is put to again, and only the branches that were read can be replaced.
      const changed = triePut(triePut(opened, key, Uint8Array.of(9)), key, Uint8Array.of(9, 9))
      const replaced = createNodeMap()
        .add(changed)
        .flatMap((node) => (node.replaced ? [node.replaced] : []))
      expect(replaced).toEqual(before.map((node) => keccak(node)).toReversed())
    }
  })

  it('tells of a root that became short in the place of which branch it stands', () => {
    const keys = [Uint8Array.of(0x12), Uint8Array.of(0x22)]
    const nodes = createNodeMap(build(keys.map((key) => [key, long(1)])))
    const root = trieRoot(build(keys.map((key) => [key, long(1)])))
    const changed = keys.reduce(
      (trie, key) => triePut(trie, key, Uint8Array.of(1)),
      trieFromRoot(root, 0, nodes.read),
    )
    const added = nodes.add(changed)
    expect(added.map(({ stored }) => stored.length < 32)).toEqual([true])
    expect(added.map(({ replaced }) => replaced)).toEqual([fromHex(root)])
  })

  it('takes no stored node with fewer or more positions than there are nodes below it', () => {
    fc.assert(
      fc.property(entries, fc.constantFrom(1, 6, 12), (list, length) => {
        const more = new Uint8Array(length)
        for (const { hash, stored } of createStore(MAX_POSITION, () => 0).add(build(list)).added) {
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
        const trie = build(list)
        const { read, add } = createStore()
        const { position, added } = add(trie)
        expect(position === undefined).toBe(list.length === 0)
        if (position === undefined) return
        const found = walk(read, fromHex(trieRoot(trie)), position)
        const rlps = added.map(({ hash, stored }) => toHex(trieNodeContents(stored, hash).rlp))
        expect(found.nodes.toSorted()).toEqual(rlps.toSorted())
        const last = new Map(list.map(([k, v]) => [toHex(k), toHex(v)]))
        expect(found.values.toSorted()).toEqual([...last.values()].sort())
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
        // As stored, only in that the last bytes are positions.
        const positions = new Uint8Array(6 * children.filter((n) => n !== undefined).length)
        const read = () => trieNodeContents(concat(bytes, positions), ANY_HASH).below.map(({ hash }) => hash)
        if ((changed?.length ?? 0) === 0) expect(readBelow(read)).toEqual(readBelow(() => hashesByRlp(bytes)))
      }),
      { numRuns: 2_000 },
    )
  })

  it('refuses what is no node', () => {
    expect(() => trieNodeContents(Uint8Array.of(0x80), ANY_HASH)).toThrow(MalformedNodeError)
  })
})

describe('storedTrieNodeRlp', () => {
  const hashOf = (stored: Uint8Array) => keccak(storedTrieNodeRlp(stored))

  it('gives the bytes whose hash is that of the node, for whatever was stored', () => {
    fc.assert(
      fc.property(entries, (list) => {
        const { added } = createStore(MAX_POSITION - 4_095).add(build(list))
        for (const { hash, stored } of added) expect(hashOf(stored)).toEqual(hash)
      }),
    )
  })

  const branchOver = (count: number) =>
    Array.from({ length: count }, (_, n): Entry => [Uint8Array.of(n * 16), new Uint8Array(40).fill(n)])
  it.each<[string, { list: Entry[]; prefix: number }]>([
    ['a short root', { list: [[Uint8Array.of(0x12), Uint8Array.of(1)]], prefix: 0xc4 }],
    [
      'the longest root with its length in the prefix',
      { list: [[Uint8Array.of(1), new Uint8Array(51)]], prefix: 0xf7 },
    ],
    [
      'the shortest with a length of one byte',
      { list: [[Uint8Array.of(1), new Uint8Array(52)]], prefix: 0xf8 },
    ],
    ['a branch with a length of one byte', { list: branchOver(2), prefix: 0xf8 }],
    ['the longest branch with one', { list: branchOver(7), prefix: 0xf8 }],
    ['the shortest branch with a length of two bytes', { list: branchOver(8), prefix: 0xf9 }],
    ['a full branch', { list: branchOver(16), prefix: 0xf9 }],
    [
      'a root with a length of three bytes',
      { list: [[Uint8Array.of(1), new Uint8Array(70_000)]], prefix: 0xfa },
    ],
  ])('does so for %s', (_name, { list, prefix }) => {
    const root = createStore(MAX_POSITION - 100)
      .add(build(list))
      .added.at(-1)
    expect(root?.stored[0]).toBe(prefix)
    expect(toHex(hashOf(root?.stored ?? new Uint8Array()))).toBe(trieRoot(build(list)))
  })

  it('gives some of the bytes, from the first on, when they are no node', () => {
    const prefix = fc.constantFrom(0x00, 0x7f, 0x80, 0xbf, 0xc0, 0xf7, 0xf8, 0xf9, 0xfa, 0xff)
    const behindPrefix = fc
      .tuple(prefix, fc.uint8Array())
      .map(([first, rest]) => Uint8Array.of(first, ...rest))
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), behindPrefix), (bytes) => {
        const rlp = storedTrieNodeRlp(bytes)
        expect(rlp).toEqual(bytes.subarray(0, rlp.length))
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('trieNodeWithPositions', () => {
  const hashes = fc.array(fc.option(fc.nat(50), { nil: undefined }), { minLength: 16, maxLength: 16 })
  const branchRlp = (children: (number | undefined)[]) => {
    const items = children.map((n) => (n === undefined ? new Uint8Array() : keccak(uintToRlp(n))))
    return encodeRlp([...items, new Uint8Array()])
  }

  it('puts any positions behind a branch, which are read from there', () => {
    const position = fc.oneof(
      fc.maxSafeNat().map((n) => n % 2 ** 48),
      fc.constantFrom(0, 2 ** 32, MAX_POSITION),
    )
    fc.assert(
      fc.property(hashes, fc.infiniteStream(position), (children, stream) => {
        const below = children.flatMap((n) =>
          n === undefined ? [] : [{ hash: keccak(uintToRlp(n)), position: stream.next().value as number }],
        )
        const rlp = branchRlp(children)
        const positions = below.map((child) => child.position)
        const stored = trieNodeWithPositions(rlp, positions)
        expect(trieNodeContents(stored, ANY_HASH)).toEqual({ rlp, below, values: [] })
        expect(readByHand(stored)).toEqual(below)
      }),
    )
  })

  it('writes them as big-endian numbers of six bytes', () => {
    const stored = trieNodeWithPositions(Uint8Array.of(0xc0), [0x0102_0304_0506, 0, MAX_POSITION])
    expect(toHex(stored)).toBe('0xc0010203040506000000000000ffffffffffff')
  })

  it('makes what storeTrie gave out of the RLP', () => {
    fc.assert(
      fc.property(entries, (list) => {
        for (const { hash, stored } of createStore(2 ** 40).add(build(list)).added) {
          const { rlp, below } = trieNodeContents(stored, hash)
          const positions = below.map(({ position }) => position)
          expect(trieNodeWithPositions(rlp, positions)).toEqual(stored)
          expect(trieNodeToStored(rlp, hash, 7)).toEqual(trieNodeWithPositions(rlp, positions.fill(7)))
        }
      }),
    )
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
