import type { Hex } from 'viem'
import {
  type Config,
  compareBytes,
  configFromRlp,
  configHash,
  EMPTY_TRIE_ROOT,
  fromHex,
  keccak,
  MalformedNodeError,
  RlpError,
  StorageValueError,
  storageValueFromRlp,
  type TrieNodeContents,
  toHex,
  trieNodeContents,
  trieNodeToStored,
} from '../../protocol/index.ts'
import { MalformedSnapshotError } from './snapshotErrors.ts'

/** Walks a keystore trie in the order in which a snapshot holds it: a node, the configs it refers to, then what is below it. */
export interface SnapshotWalk {
  /** The hash of the node, and its position, or of the config that comes next; undefined when all have come. */
  next(): ({ kind: 'node' } & NodePlace) | { kind: 'config'; hash: Uint8Array } | undefined
  /**
   * Takes the node that comes next, as it is stored, and tells what it holds.
   *
   * @throws {MalformedSnapshotError} when it is no node of a keystore trie.
   */
  takeNode(stored: Uint8Array): TrieNodeContents
  takeConfig(): void
}

type NodePlace = TrieNodeContents['below'][number]

/** Keys have 64 nibbles, and every level takes one at least: a deeper trie is no keystore trie. */
const MAX_DEPTH = 64
const UINT64_BYTES = 8

/**
 * Begins the walk below a keystore root that stands at this position. It holds at most what is still to come beside one path, whatever the size of the
 * trie; who gives each node and config by the hash it names gives every one that the root commits to, and no other.
 */
export function createSnapshotWalk(keystoreRoot: Hex, position: number): SnapshotWalk {
  const nodes: (NodePlace & { depth: number })[] =
    keystoreRoot === EMPTY_TRIE_ROOT ? [] : [{ hash: fromHex(keystoreRoot, 32), position, depth: 1 }]
  let configs: Uint8Array[] = []

  return {
    next() {
      const [config] = configs
      if (config !== undefined) return { kind: 'config', hash: config }
      const node = nodes.at(-1)
      return node && { kind: 'node', hash: node.hash, position: node.position }
    },
    takeNode(stored) {
      const node = nodes.pop()
      if (node === undefined) throw new MalformedSnapshotError('got a trie node too many')
      const contents = contentsOf(stored, node.hash)
      const { below, values } = contents
      if (node.depth >= MAX_DEPTH && below.length > 0) {
        throw new MalformedSnapshotError(`its trie is deeper than ${MAX_DEPTH} nodes`)
      }
      for (const child of below.toReversed()) nodes.push({ ...child, depth: node.depth + 1 })
      configs = values.flatMap(configHashOf)
      return contents
    },
    takeConfig() {
      configs = configs.slice(1)
    },
  }
}

/**
 * Makes sure that a node has the hash that comes next.
 *
 * @throws {MalformedSnapshotError} when it has another.
 */
export function requireNodeHash(bytes: Uint8Array, expected: Uint8Array): void {
  const hash = keccak(bytes)
  if (compareBytes(hash, expected) === 0) return
  throw new MalformedSnapshotError(
    `got a trie node that hashes to ${toHex(hash)}, expected ${toHex(expected)}`,
  )
}

/**
 * Turns the RLP of a node into what is stored of it, with this position for all below it.
 *
 * @throws {MalformedSnapshotError} when the bytes are no trie node.
 */
export function snapshotNodeToStored(rlp: Uint8Array, hash: Uint8Array, position: number): Uint8Array {
  return orMalformed(() => trieNodeToStored(rlp, hash, position))
}

/**
 * Reads a config and computes its hash.
 *
 * @throws {MalformedSnapshotError} when the bytes are no config.
 */
export function readSnapshotConfig(bytes: Uint8Array): { config: Config; hash: Hex } {
  try {
    const config = configFromRlp(bytes)
    return { config, hash: configHash(config) }
  } catch (cause) {
    if (!(cause instanceof RlpError)) throw cause
    throw new MalformedSnapshotError(`got bytes that are no config: ${cause.message}`, { cause })
  }
}

function contentsOf(stored: Uint8Array, hash: Uint8Array) {
  return orMalformed(() => trieNodeContents(stored, hash))
}

function orMalformed<T>(read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof MalformedNodeError)) throw cause
    throw new MalformedSnapshotError(cause.message, { cause })
  }
}

/** A slot holds the hash of a config or the time at which a recovery is ready, a uint64 (protocol.md §3.3). */
function configHashOf(value: Uint8Array): Uint8Array[] {
  try {
    // The RLP of up to 8 bytes is at most 9 long.
    const word = fromHex(storageValueFromRlp(value))
    return value.length <= UINT64_BYTES + 1 ? [] : [word]
  } catch (cause) {
    if (!(cause instanceof StorageValueError)) throw cause
    throw new MalformedSnapshotError(cause.message, { cause })
  }
}
