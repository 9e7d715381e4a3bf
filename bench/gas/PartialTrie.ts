import type { Hex } from 'viem'
import { asciiToBytes, concat, encodeRlp, keccak, type RlpItem, toHex } from '../../protocol/index.ts'
import { BenchmarkError } from '../report.ts'

/** A key of 32 bytes, hashed already, and its encoded value. */
export type TrieEntry = { key: Uint8Array; value: Uint8Array }

/** The part of a trie that some keys see. */
export interface PartialTrie {
  readonly root: Hex
  /** The nodes from the root down to where one of the keys ends. */
  proofOf(key: Uint8Array): Hex[]
}

/** Above so many keys a node has all its children, near enough, with as many below each. */
const EVEN_FROM = 4096

/**
 * Builds the part of a trie that `entries` see among so many `others`, whose keys are drawn: the same name draws the same
 * ones. Nodes are as in the whole trie, only the hashes of those that no entry leads to are made up.
 */
export function createPartialTrie(name: string, entries: readonly TrieEntry[], others: number): PartialTrie {
  const nodes = new Map<string, Uint8Array>()
  const draw = createDraws(name)
  const leaves = entries.map(({ key, value }) => ({ path: toHex(key).slice(2), value }))
  const root = toHex(add('', { leaves, others }))
  return {
    root,
    proofOf(key) {
      const path = toHex(key).slice(2)
      const proof: Hex[] = []
      for (let depth = 0; depth < path.length; depth++) {
        const node = nodes.get(path.slice(0, depth))
        if (node !== undefined) proof.push(toHex(node))
      }
      return proof
    },
  }

  /** Adds the node at `path`, under which something is, after those below it; returns its hash. */
  function add(path: string, below: Subtrie): Uint8Array {
    const [leaf] = below.leaves
    if (leaf === undefined) return keccak(asciiToBytes(`${name} at ${path}`))
    if (below.leaves.length + below.others === 1) {
      return enter(path, [hexPrefix(leaf.path.slice(path.length), true), leaf.value])
    }
    const { path: branchPath, children } = descend(path, below)
    const items = children.map((child, nibble): RlpItem => {
      const isEmpty = child.leaves.length + child.others === 0
      return isEmpty ? new Uint8Array() : add(branchPath + nibble.toString(16), child)
    })
    const hash = enter(branchPath, [...items, new Uint8Array()])
    if (branchPath === path) return hash
    return enter(path, [hexPrefix(branchPath.slice(path.length), false), hash])
  }

  /** Goes down to where the keys part. */
  function descend(path: string, below: Subtrie): { path: string; children: Subtrie[] } {
    const children = spread(below, path.length)
    const used = children.flatMap((child, nibble) =>
      child.leaves.length + child.others === 0 ? [] : [{ child, nibble }],
    )
    const [only, another] = used
    if (only === undefined || another !== undefined) return { path, children }
    return descend(path + only.nibble.toString(16), only.child)
  }

  function spread({ leaves, others }: Subtrie, depth: number): Subtrie[] {
    const children = Array.from({ length: 16 }, (): Subtrie => ({ leaves: [], others: 0 }))
    const childAt = (nibble: number) => children[nibble] as Subtrie
    for (const leaf of leaves) childAt(Number.parseInt(leaf.path[depth] ?? '', 16)).leaves.push(leaf)
    const even = others < EVEN_FROM ? 0 : Math.floor(others / 16)
    for (const child of children) child.others = even
    for (let drawn = 16 * even; drawn < others; drawn++) childAt(draw()).others++
    return children
  }

  function enter(path: string, items: readonly RlpItem[]): Uint8Array {
    const node = encodeRlp(items)
    if (node.length < 32) throw new BenchmarkError(`a node of ${node.length} bytes belongs into its parent`)
    nodes.set(path, node)
    return keccak(node)
  }
}

/**
 * Builds tries until one has what is asked for, each with other keys drawn.
 */
export function findPartialTrie(
  name: string,
  entries: readonly TrieEntry[],
  others: number,
  isWanted: (trie: PartialTrie) => boolean,
): PartialTrie {
  for (let attempt = 0; attempt < 1000; attempt++) {
    const trie = createPartialTrie(`${name} ${attempt}`, entries, others)
    if (isWanted(trie)) return trie
  }
  throw new BenchmarkError(`no trie "${name}" of a thousand is as it should be`)
}

type Subtrie = { leaves: { path: string; value: Uint8Array }[]; others: number }

/** Draws nibbles, each as likely. */
function createDraws(name: string): () => number {
  let block: Uint8Array = new Uint8Array()
  let drawn = 0
  return () => {
    const place = drawn++ % 64
    if (place === 0) block = keccak(concat(asciiToBytes(name), asciiToBytes(` ${drawn}`)))
    const byte = block[place >> 1] ?? 0
    return place % 2 === 0 ? byte >> 4 : byte & 15
  }
}

/** Encodes a path of nibbles as leaves and extensions hold it (yellow paper, appendix C). */
function hexPrefix(path: string, isLeaf: boolean): Uint8Array {
  const isOdd = path.length % 2 === 1
  const flag = (isLeaf ? 2 : 0) + (isOdd ? 1 : 0)
  return Uint8Array.from(Buffer.from(`${flag}${isOdd ? '' : '0'}${path}`, 'hex'))
}
