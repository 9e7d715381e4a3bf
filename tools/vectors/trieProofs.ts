import type { Hex } from 'viem'
import {
  accountProofNodes,
  decodeRlp,
  emptyTrie,
  encodeRlp,
  fromHex,
  KEYSTORE_ADDRESS,
  keccak,
  keccakHex,
  keystoreGet,
  keystoreProof,
  keystorePut,
  type RlpItem,
  slotToKey,
  stateRootOf,
  type Trie,
  toHex,
  trieGet,
  trieProof,
  triePut,
  trieRoot,
  ZERO_HASH,
} from '../../protocol/index.ts'
import { hashOf } from './shared.ts'

/** Builds trie_proofs.json: proofs of slots, of bare keys and of the account, and proofs that show nothing. */
export function trieProofVectors() {
  const storage = storageProofs()
  const lookups = lookupProofs()
  const accounts = [ZERO_HASH, trieRoot(emptyTrie()), trieRoot(trieOf(20))].map((keystoreRoot) => ({
    name: `storage root ${keystoreRoot.slice(0, 10)}`,
    stateRoot: stateRootOf(keystoreRoot),
    account: KEYSTORE_ADDRESS,
    storageRoot: keystoreRoot,
    proof: accountProofNodes(keystoreRoot).map(toHex),
  }))
  const malformed = [...tamperedProofs(), ...malformedNodes()]
  return {
    storageCount: storage.length,
    storage,
    lookupsCount: lookups.length,
    lookups,
    accountsCount: accounts.length,
    accounts,
    malformedCount: malformed.length,
    malformed,
  }
}

function storageProofs() {
  const small = trieOf(3)
  const large = trieOf(400)
  const zeros = [1, 2, 16, 30, 31].reduce(
    (trie, count) => keystorePut(trie, hashOf(`zeros ${count}`), wordWithZeros(count)),
    trieOf(10),
  )
  // All keys of this trie start with one nibble, so its root is an extension.
  const extended = [0, 1, 2].reduce(
    (trie, i) => keystorePut(trie, slotWithNibbles([7], i), hashOf(`${i}`)),
    emptyTrie(),
  )
  return [
    storageProof('the only slot', trieOf(1), slotAt(0)),
    storageProof('a slot of three', small, slotAt(1)),
    ...[0, 7, 123, 399].map((i) => storageProof(`slot ${i} of 400`, large, slotAt(i))),
    ...[1, 2, 16, 30, 31].map((n) =>
      storageProof(`a value with ${n} leading zero bytes`, zeros, hashOf(`zeros ${n}`)),
    ),
    storageProof('slot zero with value one', keystorePut(small, ZERO_HASH, word(1n)), ZERO_HASH),
    storageProof('a value of 0x80', keystorePut(small, ZERO_HASH, word(0x80n)), ZERO_HASH),
    storageProof('a slot below an extension', extended, slotWithNibbles([7], 1)),
    storageProof('absent: the trie is empty', emptyTrie(), slotAt(0)),
    storageProof('absent: the only leaf is another', trieOf(1), slotAt(1)),
    storageProof('absent: the branch has no child there', small, slotInEmptyChild(small)),
    storageProof('absent: the leaf there is another', large, slotAtAnotherLeaf(large)),
    storageProof('absent: the extension leads elsewhere', extended, slotWithNibbles([6], 0)),
    storageProof('absent: deep in a large trie', large, hashOf('never written')),
  ]
}

function lookupProofs() {
  const key = (tail: string): Uint8Array => fromHex(`0x${'a7'.repeat(32 - tail.length / 2)}${tail}`)
  const short = Uint8Array.of(0x05)
  // Keys that differ in their last nibbles only have leaves short enough to stand inside their parents.
  const inlined = [key('1234'), key('1235'), key('1300'), key('2000')].reduce(
    (trie, each, i) => triePut(trie, each, Uint8Array.of(i + 1)),
    triePut(emptyTrie(), keccak(short), short),
  )
  const cases: [string, Trie, Uint8Array][] = [
    ['a leaf inside a branch inside a branch', inlined, key('1234')],
    ['a leaf inside a branch', inlined, key('2000')],
    ['absent: no child in a branch inside another', inlined, key('1236')],
    ['absent: another leaf inside a branch', inlined, key('2001')],
    ['absent: an extension above inlined nodes leads elsewhere', inlined, key('b00000')],
    ['a value longer than a word', triePut(inlined, key('3000'), new Uint8Array(200).fill(3)), key('3000')],
  ]
  return cases.map(([name, trie, keyHash]) => {
    const value = trieGet(trie, keyHash)
    return {
      name,
      root: trieRoot(trie),
      keyHash: toHex(keyHash),
      proof: trieProof(trie, keyHash).map(toHex),
      exists: value !== undefined,
      value: toHex(value ?? new Uint8Array()),
    }
  })
}

function tamperedProofs() {
  const trie = trieOf(400)
  const root = trieRoot(trie)
  const present = slotToKey(slotAt(7))
  const absent = slotToKey(hashOf('never written'))
  const proof = trieProof(trie, present)
  const last = proof.at(-1) as Uint8Array
  const other = trieProof(trie, slotToKey(slotAt(8)))
  const elsewhere = trieOf(399)
  const tampered: [string, Uint8Array, Uint8Array[]][] = [
    ['no node', present, []],
    ['the root alone', present, proof.slice(0, 1)],
    ['the last node missing', present, proof.slice(0, -1)],
    ['the root missing', present, proof.slice(1)],
    ['the last node twice', present, [...proof, last]],
    ['a node left over behind an absence', absent, [...trieProof(trie, absent), last]],
    ['an empty node at the end', present, [...proof, new Uint8Array()]],
    ['two nodes swapped', present, [...proof.slice(0, -2), last, proof.at(-2) as Uint8Array]],
    ['the proof of another key', present, other],
    ["the last node of another key's proof", present, [...proof.slice(0, -1), other.at(-1) as Uint8Array]],
    ['the proof from another trie', present, trieProof(elsewhere, present)],
    ['a byte behind the last node', present, [...proof.slice(0, -1), Uint8Array.of(...last, 0)]],
    ['the last node without its last byte', present, [...proof.slice(0, -1), last.slice(0, -1)]],
    ...proof.flatMap((node, at): [string, Uint8Array, Uint8Array[]][] =>
      [0, 1, 3, 40, node.length - 1].map((i) => [
        `byte ${i} of node ${at} flipped`,
        present,
        proof.with(at, node.with(i, (node[i] as number) ^ 1)),
      ]),
    ),
  ]
  const emptyRoot = trieRoot(emptyTrie())
  return [
    ...tampered.map(([name, key, nodes]) => malformedCase(name, root, key, nodes)),
    malformedCase('the empty trie with the empty node', emptyRoot, present, [Uint8Array.of(0x80)]),
    malformedCase('the empty trie with nodes', emptyRoot, present, proof),
    malformedCase('a root that nothing has', ZERO_HASH, present, proof),
  ]
}

/** Nodes whose hash fits the root, and which are nevertheless no nodes of a trie. */
function malformedNodes() {
  const key = keccak(Uint8Array.of(1))
  const long = new Uint8Array(40).fill(1)
  const path = (flag: number, bytes = key): Uint8Array => Uint8Array.of(flag, ...bytes)
  const branch = (child: RlpItem, value: RlpItem = Uint8Array.of()): RlpItem => {
    const slots: RlpItem[] = new Array(16).fill(new Uint8Array(32).fill(7))
    slots[(key[0] as number) >> 4] = child
    return [...slots, value]
  }
  const leaf = encodeRlp([path(0x20), long])
  const shortLeaf = encodeRlp([path(0x20, key.subarray(0, 8)), Uint8Array.of(1)])
  const cases: [string, Uint8Array[]][] = [
    ['a string', [encodeRlp(long)]],
    ['a list of three', [encodeRlp([path(0x20), long, long])]],
    ['a branch of sixteen', [encodeRlp((branch(long.subarray(0, 32)) as RlpItem[]).slice(0, 16))]],
    ['a leaf with an empty path string', [encodeRlp([new Uint8Array(), long])]],
    ['a leaf with a list for a path', [encodeRlp([[path(0x20)], long])]],
    ['a path flag of 4', [encodeRlp([path(0x40), long])]],
    ['padding in an even path', [encodeRlp([path(0x21), long])]],
    ['a leaf without a value', [encodeRlp([path(0x20), new Uint8Array()])]],
    ['a leaf with a list for a value', [encodeRlp([path(0x20), [long]])]],
    ['a byte behind the leaf', [Uint8Array.of(...leaf, 0)]],
    ['a leaf whose length has a leading zero', [Uint8Array.of(0xf9, 0x00, ...leaf.subarray(1))]],
    ['an extension without a path', [encodeRlp([Uint8Array.of(0x00), keccak(leaf)]), leaf]],
    ['an extension without a child', [encodeRlp([path(0x00, key.subarray(0, 31)), new Uint8Array()])]],
    ['an extension of 31 bytes', [encodeRlp([path(0x00, key.subarray(0, 31)), long.subarray(0, 31)])]],
    ['a child of 31 bytes', [encodeRlp(branch(long.subarray(0, 31)))]],
    ['a child of 33 bytes', [encodeRlp(branch(long.subarray(0, 33)))]],
    [
      'an inlined node of 32 bytes',
      [encodeRlp(branch([path(0x20, key.subarray(0, 8)), new Uint8Array(21).fill(1)]))],
    ],
    ['a short node behind a hash', [encodeRlp(branch(keccak(shortLeaf))), shortLeaf]],
  ]
  const behindExtension = (name: string, child: Uint8Array): [string, Uint8Array[]] => {
    return [name, [encodeRlp([Uint8Array.of(0x10 | ((key[0] as number) >> 4)), keccak(child)]), child]]
  }
  const tail = (flag: number) => Uint8Array.of((flag << 4) | ((key[0] as number) & 0x0f), ...key.subarray(1))
  const leafBelow = encodeRlp([tail(3), long])
  const extensionBelow = encodeRlp([Uint8Array.of(0x10 | ((key[0] as number) & 0x0f)), keccak(leaf)])
  return [
    ...cases,
    behindExtension('an extension of a leaf', leafBelow),
    behindExtension('an extension of an extension', Uint8Array.of(...extensionBelow)),
  ].map(([name, nodes]) => malformedCase(name, keccakHex(nodes[0] as Uint8Array), key, nodes))
}

function storageProof(name: string, trie: Trie, slot: Hex) {
  const value = keystoreGet(trie, slot)
  return {
    name,
    root: trieRoot(trie),
    slot,
    proof: keystoreProof(trie, slot).map(toHex),
    exists: value !== undefined,
    word: value ?? ZERO_HASH,
  }
}

function malformedCase(name: string, root: Hex, keyHash: Uint8Array, proof: readonly Uint8Array[]) {
  return { name, root, keyHash: toHex(keyHash), proof: proof.map(toHex) }
}

function trieOf(count: number): Trie {
  let trie = emptyTrie()
  for (let i = 0; i < count; i++) trie = keystorePut(trie, slotAt(i), hashOf(`config ${i}`))
  return trie
}

function slotAt(i: number): Hex {
  return hashOf(`keystore ${i}`)
}

/** Finds the `nth` slot whose key starts with these nibbles. */
function slotWithNibbles(nibbles: readonly number[], nth: number): Hex {
  const start = nibbles.map((nibble) => nibble.toString(16)).join('')
  return findSlot((slot) => toHex(slotToKey(slot)).startsWith(`0x${start}`), nth)
}

function slotInEmptyChild(trie: Trie): Hex {
  const [root] = keystoreProof(trie, slotAt(0)) as [Uint8Array]
  const children = decodeRlp(root) as Uint8Array[]
  const nibble = children.findIndex((child) => child.length === 0)
  return slotWithNibbles([nibble], 0)
}

function slotAtAnotherLeaf(trie: Trie): Hex {
  return findSlot((slot) => {
    const node = decodeRlp(keystoreProof(trie, slot).at(-1) as Uint8Array) as Uint8Array[]
    return keystoreGet(trie, slot) === undefined && node.length === 2
  }, 0)
}

function findSlot(fits: (slot: Hex) => boolean, nth: number): Hex {
  for (let i = 0, found = 0; ; i++) {
    const slot = hashOf(`candidate ${i}`)
    if (fits(slot) && found++ === nth) return slot
  }
}

function wordWithZeros(zeros: number): Hex {
  return toHex(
    fromHex(hashOf('value'))
      .fill(0, 0, zeros)
      .fill(0xff, zeros, zeros + 1),
  )
}

function word(value: bigint): Hex {
  return `0x${value.toString(16).padStart(64, '0')}`
}
