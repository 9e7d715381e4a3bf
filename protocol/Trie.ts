import type { Hex } from 'viem'
import { compareBytes, fromHex, keccak, keccakHex, toHex } from './bytes.ts'
import { KeyrollError } from './errors.ts'
import { decodeRlp, decodeRlpAt, encodeRlp, RlpError, type RlpItem, rlpToBytes, uintToRlp } from './Rlp.ts'
import { borrowRlpWriter, type RlpWriter } from './RlpWriter.ts'
import { createSlabs } from './slabs.ts'

/**
 * Looks up a node as {@link storeTrie} gave it, by its hash and its position: a number below 2^48 that the store chose, so that it
 * finds the node without an index. A node that was made again stands at several positions: each will do, for what is stored of it
 * leads to the same nodes.
 */
export type TrieReader = (hash: Uint8Array, position: number) => Uint8Array | undefined

/** A trie node and its hash; `stored` is what {@link storeTrie} tells. */
export type StoredTrieNode = { hash: Uint8Array; stored: Uint8Array }

/** A node that a trie has and its reader did not supply, and the hash of the branch in whose place it stands, where one was read that is nothing but hashes. */
export type NewTrieNode = StoredTrieNode & { replaced: Uint8Array | undefined }

/**
 * A hexary Merkle-Patricia trie (yellow paper, appendix D) as an immutable value: a put returns a new trie that shares
 * every untouched node with the old one, and nodes are read only when a path leads through them.
 */
export type Trie = { readonly root: TrieNode | undefined; readonly read: TrieReader }

/** The root of a trie without entries: `keccak(rlp(''))`. */
export const EMPTY_TRIE_ROOT: Hex = keccakHex(Uint8Array.of(0x80))

// A node's reference is what its parent holds of it: its hash, or the node itself when its RLP is shorter than that. It is
// computed once, when somebody first asks, so that a run of puts hashes nothing in between.
type Leaf = { kind: 'leaf'; path: Uint8Array; value: Uint8Array; reference: Uint8Array | undefined }
type Extension = { kind: 'extension'; path: Uint8Array; child: TrieNode; reference: Uint8Array | undefined }
// A child that nobody has looked at is the place of its hash in the `source` as which the branch was read: of sixteen
// children, a path needs one.
type Branch = {
  kind: 'branch'
  children: Children
  value: Uint8Array | undefined
  source: StoredTrieNode | undefined
  reference: Uint8Array | undefined
}
// Below an extension stands a branch; two paths in a row, or a path and a leaf, would be a second form of one node.
type Unread = {
  kind: 'unread'
  reference: Uint8Array
  position: number
  isBranch: boolean
  node: ReadNode | undefined
}
type Children = (TrieNode | number | undefined)[]
type ReadNode = Leaf | Extension | Branch
type TrieNode = ReadNode | Unread

const HASH_PREFIX = 0xa0
const HASH_BYTES = 32
const POSITION_BYTES = 6
/** A stored branch without a value takes at most so many bytes. */
const PATCHED = new Uint8Array(3 + 16 * (1 + HASH_BYTES + POSITION_BYTES) + 1)
const EMPTY_STRING = 0x80
const SHORT_LIST = 0xc0
const SHORT_LIST_END = 0xf8
const LONG_PAYLOAD_START = 3
/** The position of nodes that nobody stores. */
const UNPLACED = 0
const NO_CHILDREN: Readonly<Children> = new Array<undefined>(16).fill(undefined)

/**
 * Opens the trie whose root stands at this position; nothing is read before it is needed.
 *
 * @throws {InvalidHexError} when the root is not 32 bytes.
 */
export function trieFromRoot(root: Hex, position: number, read: TrieReader): Trie {
  return { root: root === EMPTY_TRIE_ROOT ? undefined : toUnread(fromHex(root, HASH_BYTES), position), read }
}

/** Creates a trie without entries. */
export function emptyTrie(): Trie {
  return { root: undefined, read: () => undefined }
}

/**
 * Gets the value of a key, or undefined when the key is absent.
 *
 * @throws {MissingNodeError} when the reader lacks a node on the way.
 * @throws {MalformedNodeError} when the reader's answer is not a trie node.
 */
export function trieGet(trie: Trie, key: Uint8Array): Uint8Array | undefined {
  const nibbles = toNibbles(key)
  let offset = 0
  let node = trie.root
  while (node !== undefined) {
    const here = resolve(node, trie.read)
    if (here.kind === 'leaf') return equalTail(here.path, nibbles, offset) ? here.value : undefined
    if (here.kind === 'extension') {
      if (commonPrefix(here.path, nibbles, offset) < here.path.length) return undefined
      offset += here.path.length
      node = here.child
    } else {
      if (offset === nibbles.length) return here.value
      node = childOf(here, nibbles[offset] as number)
      offset += 1
    }
  }
  return undefined
}

/**
 * Returns a trie in which the key has this value.
 *
 * @throws {EmptyValueError} when the value is empty: entries are never removed.
 * @throws {MissingNodeError} when the reader lacks a node on the way.
 * @throws {MalformedNodeError} when the reader's answer is not a trie node.
 */
export function triePut(trie: Trie, key: Uint8Array, value: Uint8Array): Trie {
  if (value.length === 0) throw new EmptyValueError(key)
  const root = put(trie.root, toNibbles(key), 0, value, trie.read)
  return root === trie.root ? trie : { root, read: trie.read }
}

/** Computes the root hash. */
export function trieRoot(trie: Trie): Hex {
  if (trie.root === undefined) return EMPTY_TRIE_ROOT
  const reference = referenceOf(trie.root)
  return isHash(reference) ? toHex(reference) : keccakHex(reference)
}

/**
 * Stores the nodes that this trie has and its reader did not supply, those below a node before it: `store` is given each and tells its
 * position. What is to be stored of a node is its RLP, and behind it the positions, of 6 bytes, of the nodes below it that stand under
 * hashes, in their order.
 *
 * @returns the position of the root; undefined when all of the trie is stored.
 */
export function storeTrie({ root }: Trie, store: (node: NewTrieNode) => number): number | undefined {
  if (root === undefined || root.kind === 'unread') return undefined
  const reference = referenceOf(root)
  // The root is looked up by hash even when it is short enough to be inlined.
  return storeNode(root, isHash(reference) ? reference : keccak(reference), store)
}

/**
 * Turns the RLP of a node into what {@link storeTrie} gives of it, with this position for all below it.
 *
 * @throws {MalformedNodeError} when the bytes, which stand under this hash, are not a trie node.
 */
export function trieNodeToStored(rlp: Uint8Array, hash: Uint8Array, position: number): Uint8Array {
  const below = unreadBelow(decodeRlpNode(rlp, hash))
  return trieNodeWithPositions(rlp, new Array<number>(below.length).fill(position))
}

/**
 * Branches live longer than leaves, which no cache holds, and a cache that holds one of a slab keeps the places of all: in slabs as small as
 * these it takes half as much again as what it holds.
 */
const allocateBranch = createSlabs(2_048)
const allocateLeaf = createSlabs(4_096)

/** Puts the positions of the nodes below it that stand under hashes, in their order, behind the RLP of a node; the answer is part of a longer buffer. */
export function trieNodeWithPositions(rlp: Uint8Array, positions: readonly number[]): Uint8Array {
  const allocate = positions.length === 0 ? allocateLeaf : allocateBranch
  const stored = allocate(rlp.length + POSITION_BYTES * positions.length)
  stored.set(rlp)
  for (let i = 0, at = rlp.length; i < positions.length; i++, at += POSITION_BYTES) {
    writePosition(stored, at, positions[i] as number)
  }
  return stored
}

/** The RLP of a node in what {@link storeTrie} gave of it, whose keccak-256 is its hash; of other bytes, some of them. */
export function storedTrieNodeRlp(stored: Uint8Array): Uint8Array {
  const [prefix = 0] = stored
  if (prefix < SHORT_LIST_END) return stored.subarray(0, 1 + prefix - SHORT_LIST)
  const start = 2 + prefix - SHORT_LIST_END
  let length = 0
  for (let i = 1; i < start; i++) length = length * 256 + (stored[i] ?? 0)
  return stored.subarray(0, start + length)
}

/**
 * Lists the RLP of the nodes from the root towards a key, which prove its value or its absence; none for the empty
 * trie. Inlined nodes stand inside their parents.
 *
 * @throws {MissingNodeError} when the reader lacks a node on the way.
 * @throws {MalformedNodeError} when the reader's answer is not a trie node.
 */
export function trieProof(trie: Trie, key: Uint8Array): Uint8Array[] {
  const nibbles = toNibbles(key)
  const proof: Uint8Array[] = []
  let offset = 0
  let node = trie.root
  while (node !== undefined) {
    const here = resolve(node, trie.read)
    const encoded = encodeNode(here)
    if (node === trie.root || encoded.length >= HASH_BYTES) proof.push(encoded.slice())
    if (here.kind === 'leaf') break
    if (here.kind === 'extension') {
      if (commonPrefix(here.path, nibbles, offset) < here.path.length) break
      offset += here.path.length
      node = here.child
    } else {
      node = offset === nibbles.length ? undefined : childOf(here, nibbles[offset] as number)
      offset += 1
    }
  }
  return proof
}

/** What a stored trie node holds, inlined nodes included; each list in the order of the keys. */
export type TrieNodeContents = {
  rlp: Uint8Array
  /** The hashes and positions of the nodes below it that stand on their own. */
  below: readonly { hash: Uint8Array; position: number }[]
  values: readonly Uint8Array[]
}

/**
 * Takes a node as {@link storeTrie} gave it apart, so that a whole trie can be walked without being held in memory.
 *
 * @throws {MalformedNodeError} when the bytes, which stand under this hash, are not a trie node with its positions.
 */
export function trieNodeContents(stored: Uint8Array, hash: Uint8Array): TrieNodeContents {
  const values: Uint8Array[] = []
  const visit = (node: TrieNode | undefined): void => {
    if (node === undefined) return
    if (node.kind === 'leaf') values.push(node.value)
    else if (node.kind === 'extension') visit(node.child)
    else if (node.kind === 'branch') {
      // The value of a branch belongs to the shortest key, which comes first.
      if (node.value !== undefined) values.push(node.value)
      for (let slot = 0; slot < 16; slot++) visit(childOf(node, slot))
    }
  }
  const node = decodeNode(stored, hash, false)
  visit(node)
  const below = unreadBelow(node).map(({ reference, position }) => ({ hash: reference, position }))
  return { rlp: stored.subarray(0, stored.length - POSITION_BYTES * below.length), below, values }
}

/**
 * Verifies a proof against a root, and returns the key's value, or undefined when the proof shows that the key is absent.
 *
 * The proof must be exactly the nodes from the root to the end of the path: in order, each the preimage of the hash
 * above it and none shorter than 32 bytes but the root, every one needed; for the empty trie no node at all.
 *
 * @throws {TrieProofError} when the proof shows neither.
 */
export function verifyTrieProof(
  root: Hex,
  key: Uint8Array,
  proof: readonly Uint8Array[],
): Uint8Array | undefined {
  let used = 0
  const read = (hash: Uint8Array, position: number): Uint8Array | undefined => {
    const node = proof[used]
    if (node === undefined || compareBytes(keccak(node), hash) !== 0) return undefined
    if (used > 0 && node.length < HASH_BYTES) return undefined
    used += 1
    return trieNodeToStored(node, hash, position)
  }
  let value: Uint8Array | undefined
  try {
    value = trieGet(trieFromRoot(root, UNPLACED, read), key)
  } catch (cause) {
    if (!(cause instanceof MissingNodeError || cause instanceof MalformedNodeError)) throw cause
    throw new TrieProofError(`node ${used} does not follow from the root: ${cause.message}`, { cause })
  }
  if (used !== proof.length) throw new TrieProofError(`got ${proof.length} nodes, expected ${used}`)
  return value
}

/**
 * Computes the root of a block's transaction or receipt trie: item i under the key `rlp(i)`.
 *
 * @throws {EmptyValueError} when an item is empty.
 */
export function orderedTrieRoot(items: readonly Uint8Array[]): Hex {
  const entries: Entry[] = []
  for (const [index, value] of items.entries()) {
    const key = encodeRlp(uintToRlp(index))
    if (value.length === 0) throw new EmptyValueError(key)
    entries.push({ nibbles: toNibbles(key), value })
  }
  // In the order of the keys 0 comes behind 127, for it is encoded as the byte 0x80.
  const [zero] = entries.splice(0, 1)
  if (zero === undefined) return EMPTY_TRIE_ROOT
  entries.splice(127, 0, zero)
  return trieRoot({ root: build(entries, 0, entries.length, 0), read: () => undefined })
}

type Entry = { nibbles: Uint8Array; value: Uint8Array }

/** Builds the node over the entries from `from` to `to`, which are in order and share `offset` nibbles; no key begins with another. */
function build(entries: readonly Entry[], from: number, to: number, offset: number): TrieNode {
  const { nibbles, value } = entries[from] as Entry
  if (to - from === 1) return createLeaf(nibbles.slice(offset), value)
  const shared = commonPrefix(nibbles.subarray(offset), (entries[to - 1] as Entry).nibbles, offset)
  if (shared > 0) {
    return createExtension(nibbles.slice(offset, offset + shared), build(entries, from, to, offset + shared))
  }
  const children = NO_CHILDREN.slice()
  for (let start = from; start < to; ) {
    const slot = slotOf(entries[start], offset)
    let end = start + 1
    while (end < to && slotOf(entries[end], offset) === slot) end++
    children[slot] = build(entries, start, end, offset + 1)
    start = end
  }
  return createBranch(children, undefined, undefined)
}

function slotOf(entry: Entry | undefined, offset: number): number {
  return entry?.nibbles[offset] as number
}

function put(
  node: TrieNode | undefined,
  nibbles: Uint8Array,
  offset: number,
  value: Uint8Array,
  read: TrieReader,
): TrieNode {
  if (node === undefined) return createLeaf(nibbles.slice(offset), value)
  const here = resolve(node, read)
  if (here.kind === 'branch') {
    if (offset === nibbles.length)
      return equal(here.value, value) ? node : createBranch(here.children.slice(), value, here.source)
    const slot = nibbles[offset] as number
    const before = childOf(here, slot)
    const after = put(before, nibbles, offset + 1, value, read)
    if (after === before) return node
    const branch = branchOf(here)
    branch.children[slot] = after
    return branch
  }
  const shared = commonPrefix(here.path, nibbles, offset)
  if (here.kind === 'leaf') {
    if (shared === here.path.length && offset + shared === nibbles.length) {
      return equal(here.value, value) ? node : createLeaf(here.path, value)
    }
  } else if (shared === here.path.length) {
    const child = put(here.child, nibbles, offset + shared, value, read)
    return child === here.child ? node : createExtension(here.path, child)
  }
  return split(here, shared, nibbles, offset, value)
}

/** Puts a branch where a leaf's or an extension's path and the new key's part ways, `shared` nibbles on. */
function split(
  node: Leaf | Extension,
  shared: number,
  nibbles: Uint8Array,
  offset: number,
  value: Uint8Array,
): TrieNode {
  const children = NO_CHILDREN.slice()
  let branchValue: Uint8Array | undefined
  if (shared === node.path.length) {
    branchValue = (node as Leaf).value
  } else {
    const rest = node.path.slice(shared + 1)
    children[node.path[shared] as number] =
      node.kind === 'leaf'
        ? createLeaf(rest, node.value)
        : rest.length === 0
          ? node.child
          : createExtension(rest, node.child)
  }
  const end = offset + shared
  if (end === nibbles.length) branchValue = value
  else children[nibbles[end] as number] = createLeaf(nibbles.slice(end + 1), value)
  const branch = createBranch(children, branchValue, undefined)
  return shared === 0 ? branch : createExtension(nibbles.slice(offset, end), branch)
}

function resolve(node: TrieNode, read: TrieReader): ReadNode {
  if (node.kind !== 'unread') return node
  if (node.node === undefined) {
    const stored = read(node.reference, node.position)
    if (stored === undefined) throw new MissingNodeError(toHex(node.reference))
    node.node = decodeNode(stored, node.reference, node.isBranch)
  }
  return node.node
}

// Each kind is made in one place, so that V8 knows four shapes of nodes and no more.
function createLeaf(path: Uint8Array, value: Uint8Array): Leaf {
  return { kind: 'leaf', path, value, reference: undefined }
}

function createExtension(path: Uint8Array, child: TrieNode): Extension {
  return { kind: 'extension', path, child, reference: undefined }
}

function createBranch(
  children: Children,
  value: Uint8Array | undefined,
  source: StoredTrieNode | undefined,
): Branch {
  return { kind: 'branch', children, value, source, reference: undefined }
}

function toUnread(hash: Uint8Array, position: number): Unread {
  return { kind: 'unread', reference: hash, position, isBranch: false, node: undefined }
}

/** An inlined node is shorter than a hash. */
function isHash(reference: Uint8Array): boolean {
  return reference.length === HASH_BYTES
}

function referenceOf(node: TrieNode): Uint8Array {
  if (node.kind === 'unread') return node.reference
  if (node.reference === undefined) {
    const encoded = encodeNode(node)
    node.reference = encoded.length < HASH_BYTES ? encoded.slice() : keccak(encoded)
  }
  return node.reference
}

/** Stores a node that is not stored, whose hash this is, behind those below it that are not either, and tells its position. */
function storeNode(node: ReadNode, hash: Uint8Array, store: (node: NewTrieNode) => number): number {
  const positions: number[] = []
  if (node.kind === 'extension') storeChild(node.child, positions, store)
  if (node.kind === 'branch') {
    for (let slot = 0; slot < 16; slot++) {
      const child = node.children[slot]
      if (typeof child === 'number') positions.push(positionInSource(node, slot, child))
      else if (child !== undefined) storeChild(child, positions, store)
    }
  }
  const stored = trieNodeWithPositions(encodeNode(node), positions)
  return store({ hash, stored, replaced: node.kind === 'branch' ? node.source?.hash : undefined })
}

/** Stores a child that is not stored, and adds its position; an inlined node has none, and no hashes below it. */
function storeChild(child: TrieNode, positions: number[], store: (node: NewTrieNode) => number): void {
  if (child.kind === 'unread') {
    positions.push(child.position)
    return
  }
  const reference = referenceOf(child)
  if (isHash(reference)) positions.push(storeNode(child, reference, store))
}

/** The nodes below one that was read alone which stand under hashes. */
function unreadBelow(node: ReadNode): Unread[] {
  if (node.kind === 'leaf') return []
  const children =
    node.kind === 'extension' ? [node.child] : node.children.map((_, slot) => childOf(node, slot))
  return children.filter((child) => child?.kind === 'unread')
}

const UINT32_END = 2 ** 32

function writePosition(bytes: Uint8Array, at: number, position: number): void {
  const high = Math.floor(position / UINT32_END)
  bytes[at] = high >>> 8
  bytes[at + 1] = high
  bytes[at + 2] = position >>> 24
  bytes[at + 3] = position >>> 16
  bytes[at + 4] = position >>> 8
  bytes[at + 5] = position
}

function readPosition(bytes: Uint8Array, at: number): number {
  const high = (bytes[at] as number) * 256 + (bytes[at + 1] as number)
  const low = ((bytes[at + 3] as number) << 16) | ((bytes[at + 4] as number) << 8) | (bytes[at + 5] as number)
  return high * UINT32_END + (bytes[at + 2] as number) * 2 ** 24 + low
}

/** The position of the child whose hash stands at `place` in the source of a branch: of as many hashes before it as there are bytes for. */
function positionInSource(branch: Branch, slot: number, place: number): number {
  const { stored } = branch.source as StoredTrieNode
  const hashesBefore = (place - 1 - payloadStart(stored) - slot) / HASH_BYTES
  return readPosition(stored, payloadEnd(stored) + POSITION_BYTES * hashesBefore)
}

/** The hash that stands at `place` in the source of a branch. */
function hashInSource(branch: Branch, place: number): Uint8Array {
  const { stored } = branch.source as StoredTrieNode
  return stored.subarray(place, place + HASH_BYTES)
}

/**
 * Encodes a node as RLP, in memory that the next encoding is written over: most nodes are hashed once and never seen again,
 * for the next put makes others in their place.
 */
function encodeNode(node: ReadNode): Uint8Array {
  if (node.kind === 'branch') return patchedSource(node) ?? encodeBranch(node)
  const { path } = node
  if (node.kind === 'leaf') {
    const writer = borrowRlpWriter()
    writer.string(node.value)
    return pathAndList(writer, path, 2)
  }
  const reference = referenceOf(node.child)
  const writer = borrowRlpWriter()
  writeReference(writer, reference)
  return pathAndList(writer, path, 0)
}

function pathAndList(writer: RlpWriter, path: Uint8Array, flag: 0 | 2): Uint8Array {
  writer.string(encodePath(path, flag))
  writer.list()
  return writer.view()
}

function encodeBranch(branch: Branch): Uint8Array {
  const { children, value } = branch
  // Hashing uses the writer's memory too, so all is hashed before the first byte is written.
  for (const child of children) if (typeof child === 'object') referenceOf(child)
  const writer = borrowRlpWriter()
  if (value === undefined) writer.byte(EMPTY_STRING)
  else writer.string(value)
  for (let slot = 15; slot >= 0; slot--) {
    const child = children[slot]
    if (child === undefined) writer.byte(EMPTY_STRING)
    else if (typeof child === 'object') writeReference(writer, referenceOf(child))
    else writer.string(hashInSource(branch, child))
  }
  writer.list()
  return writer.view()
}

function writeReference(writer: RlpWriter, reference: Uint8Array): void {
  if (isHash(reference)) writer.string(reference)
  else writer.encoded(reference)
}

/**
 * Encodes a branch that differs from the one that was read in the hashes of children alone, as most do: what was read, with the
 * other hashes in their places. Undefined for every other branch.
 */
function patchedSource({ children, value, source }: Branch): Uint8Array | undefined {
  if (source === undefined || value !== undefined) return undefined
  for (const child of children) if (typeof child === 'object') referenceOf(child)
  const { stored } = source
  PATCHED.set(stored)
  const patched = PATCHED.subarray(0, payloadEnd(stored))
  let at = payloadStart(stored)
  for (const child of children) {
    const isEmpty = stored[at] === EMPTY_STRING
    if (isEmpty !== (child === undefined)) return undefined
    if (typeof child === 'object') {
      const reference = referenceOf(child)
      if (!isHash(reference)) return undefined
      patched.set(reference, at + 1)
    }
    at += isEmpty ? 1 : 1 + HASH_BYTES
  }
  return patched
}

/** A copy of a branch, of which nothing is known yet but what stands in it. */
function branchOf({ children, value, source }: Branch): Branch {
  return createBranch(children.slice(), value, source)
}

function childOf(branch: Branch, slot: number): TrieNode | undefined {
  const child = branch.children[slot]
  if (typeof child !== 'number') return child
  const unread = toUnread(hashInSource(branch, child), positionInSource(branch, slot, child))
  branch.children[slot] = unread
  return unread
}

function decodeNode(stored: Uint8Array, hash: Uint8Array, isBranch: boolean): ReadNode {
  try {
    const node = readFullBranch(stored, hash) ?? readNode(stored)
    if (isBranch) requireBranch(node)
    return node
  } catch (cause) {
    throw cause instanceof RlpError ? new MalformedNodeError(toHex(hash), cause) : cause
  }
}

function decodeRlpNode(rlp: Uint8Array, hash: Uint8Array): ReadNode {
  try {
    return itemToNode(decodeRlp(rlp))
  } catch (cause) {
    throw cause instanceof RlpError ? new MalformedNodeError(toHex(hash), cause) : cause
  }
}

function readNode(stored: Uint8Array): ReadNode {
  const { item, end } = decodeRlpAt(stored, 0)
  const node = itemToNode(item)
  const below = unreadBelow(node)
  const length = end + POSITION_BYTES * below.length
  if (length !== stored.length) throw new RlpError(`got ${stored.length} bytes, expected ${length}`)
  below.forEach((child, i) => {
    child.position = readPosition(stored, end + POSITION_BYTES * i)
  })
  return node
}

/**
 * Reads what most nodes are, and which is read most: a branch without a value, whose children stand under hashes. Undefined for
 * every other node, and for bytes that are none. It accepts nothing that {@link readNode} would not: one form of each length,
 * and no byte left over.
 */
function readFullBranch(stored: Uint8Array, hash: Uint8Array): Branch | undefined {
  const start = payloadStart(stored)
  const end = payloadEnd(stored)
  const isLong = start === LONG_PAYLOAD_START
  if (stored[0] !== (isLong ? 0xf9 : 0xf8) || end - start < (isLong ? 256 : 56)) return undefined
  const children = NO_CHILDREN.slice()
  let at = start
  let length = end
  for (let slot = 0; slot < 16; slot++) {
    if (stored[at] === HASH_PREFIX && at + HASH_BYTES < end) {
      children[slot] = at + 1
      at += 1 + HASH_BYTES
      length += POSITION_BYTES
    } else if (stored[at] === EMPTY_STRING) at += 1
    else return undefined
  }
  if (stored[at] !== EMPTY_STRING || at + 1 !== end || length !== stored.length) return undefined
  return createBranch(children, undefined, { hash, stored })
}

/** Where the payload of a list begins whose length has one byte, or two. */
function payloadStart(list: Uint8Array): number {
  return list[0] === 0xf9 ? LONG_PAYLOAD_START : 2
}

/** Where it ends. */
function payloadEnd(list: Uint8Array): number {
  const [, high = 0, low = 0] = list
  return list[0] === 0xf9 ? LONG_PAYLOAD_START + high * 256 + low : 2 + high
}

function requireBranch(node: ReadNode): void {
  if (node.kind !== 'branch') throw new RlpError(`got ${node.kind} below an extension, expected a branch`)
}

function itemToNode(item: RlpItem): ReadNode {
  if (item instanceof Uint8Array || (item.length !== 2 && item.length !== 17)) {
    throw new RlpError('got an item that is no trie node, expected a list of 2 or 17')
  }
  if (item.length === 17) {
    const value = rlpToBytes(item[16])
    return createBranch(item.slice(0, 16).map(itemToChild), value.length === 0 ? undefined : value, undefined)
  }
  const { path, isLeaf } = decodePath(rlpToBytes(item[0]))
  if (isLeaf) {
    const value = rlpToBytes(item[1])
    if (value.length === 0) throw new RlpError('got a leaf without a value')
    return createLeaf(path, value)
  }
  const child = itemToChild(item[1] as RlpItem)
  if (path.length === 0 || child === undefined)
    throw new RlpError('got an extension without a path or a child')
  if (child.kind === 'unread') child.isBranch = true
  else requireBranch(child)
  return createExtension(path, child)
}

function itemToChild(item: RlpItem): TrieNode | undefined {
  if (!(item instanceof Uint8Array)) {
    const encoded = encodeRlp(item)
    if (encoded.length >= HASH_BYTES) throw new RlpError(`got an inlined node of ${encoded.length} bytes`)
    return itemToNode(item)
  }
  if (item.length === 0) return undefined
  return toUnread(rlpToBytes(item, HASH_BYTES), UNPLACED)
}

/** Encodes a nibble path by the hex-prefix rule (yellow paper, appendix C); `flag` is 2 for a leaf, 0 for an extension. */
function encodePath(path: Uint8Array, flag: 0 | 2): Uint8Array {
  const odd = path.length & 1
  const out = new Uint8Array(1 + (path.length >> 1))
  out[0] = ((flag | odd) << 4) | (odd === 1 ? (path[0] as number) : 0)
  for (let i = 1; i < out.length; i++) {
    const at = 2 * i - 2 + odd
    out[i] = ((path[at] as number) << 4) | (path[at + 1] as number)
  }
  return out
}

function decodePath(bytes: Uint8Array): { path: Uint8Array; isLeaf: boolean } {
  const first = bytes[0]
  if (first === undefined) throw new RlpError('got an empty path, expected a hex-prefix byte')
  const flag = first >> 4
  const odd = flag & 1
  if (flag > 3 || (odd === 0 && (first & 0x0f) !== 0)) {
    throw new RlpError(`got the hex-prefix byte 0x${first.toString(16)}, expected 0x00, 0x1_, 0x20 or 0x3_`)
  }
  return { path: toNibbles(bytes, 2 - odd), isLeaf: flag >= 2 }
}

/** The nibbles of a byte string, without the first `skipped`. */
function toNibbles(bytes: Uint8Array, skipped = 0): Uint8Array {
  const nibbles = new Uint8Array(bytes.length * 2 - skipped)
  for (let i = 0; i < nibbles.length; i++) {
    const byte = bytes[(i + skipped) >> 1] as number
    nibbles[i] = ((i + skipped) & 1) === 0 ? byte >> 4 : byte & 0x0f
  }
  return nibbles
}

function commonPrefix(path: Uint8Array, nibbles: Uint8Array, offset: number): number {
  const limit = Math.min(path.length, nibbles.length - offset)
  let length = 0
  while (length < limit && path[length] === nibbles[offset + length]) length++
  return length
}

function equalTail(path: Uint8Array, nibbles: Uint8Array, offset: number): boolean {
  return path.length === nibbles.length - offset && commonPrefix(path, nibbles, offset) === path.length
}

function equal(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && compareBytes(a, b) === 0
}

/** Reports a node that the reader does not have: the store is incomplete, or the root was never in it. */
export class MissingNodeError extends KeyrollError {
  override readonly name = 'MissingNodeError'
  constructor(readonly hash: Hex) {
    super(`got no trie node for hash ${hash}, expected the reader to have it`)
  }
}

/** Reports bytes under a node's hash that are not a trie node: the store is corrupt. */
export class MalformedNodeError extends KeyrollError {
  override readonly name = 'MalformedNodeError'
  constructor(
    readonly hash: Hex,
    cause: RlpError,
  ) {
    super(`got bytes for hash ${hash} that are no trie node: ${cause.message}`, { cause })
  }
}

/** Reports a put of an empty value, which in a Merkle-Patricia trie would mean removal. */
export class EmptyValueError extends KeyrollError {
  override readonly name = 'EmptyValueError'
  constructor(key: Uint8Array) {
    super(`got an empty value for key ${toHex(key)}, expected at least one byte`)
  }
}

/** Reports a proof that shows neither a value nor an absence. */
export class TrieProofError extends KeyrollError {
  override readonly name = 'TrieProofError'
}
