import { concatHex, type Hex, numberToHex } from 'viem'
import { PoolTooLargeError } from './errors.ts'

/** Trie nodes that several proofs share, each once, and each proof as the indices of its nodes. */
export type NodePool = { nodes: Hex[]; ways: Hex[] }

/** As many nodes as two bytes can number. */
const MAX_POOL_NODES = 65_536

/**
 * Puts the nodes of many proofs into one pool, as `confirmMany` takes them (protocol.md §7.4).
 *
 * @throws {PoolTooLargeError} when there are more nodes than two bytes can number.
 */
export function toNodePool(proofs: readonly (readonly Hex[])[]): NodePool {
  const indices = new Map<Hex, number>()
  const enter = (node: Hex): Hex => {
    const index = indices.get(node) ?? indices.size
    if (index >= MAX_POOL_NODES) throw new PoolTooLargeError(MAX_POOL_NODES)
    indices.set(node, index)
    return numberToHex(index, { size: 2 })
  }
  const ways = proofs.map((proof) => concatHex(proof.map(enter)))
  return { nodes: [...indices.keys()], ways }
}
