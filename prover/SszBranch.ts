import type { Node } from '@chainsafe/persistent-merkle-tree'
import type { Hex } from 'viem'
import { concat, fromHex, sha256, toHex } from '../protocol/index.ts'
import { UnknownForkError } from './errors.ts'

/** A node of an SSZ tree, and the siblings from it up to the root. */
export type SszBranch = { leaf: Hex; siblings: Hex[] }

/**
 * Walks an SSZ tree from the root down to a generalized index (consensus-specs, ssz/merkle-proofs.md).
 *
 * @throws {UnknownForkError} when the tree ends above the index, as where the index is of another fork than the block.
 */
export function createSszBranch(root: Node, index: bigint): SszBranch {
  let node = root
  const siblings: Hex[] = []
  // The bits after the leading one say left or right, from the root down.
  for (const bit of index.toString(2).slice(1)) {
    if (node.isLeaf()) {
      throw new UnknownForkError(
        `got index ${index}, expected one of a node of the beacon block: it is of another fork than the block`,
      )
    }
    const [next, sibling] = bit === '1' ? [node.right, node.left] : [node.left, node.right]
    siblings.unshift(toHex(sibling.root))
    node = next
  }
  return { leaf: toHex(node.root), siblings }
}

/** Computes the root that a branch leads to from its leaf at a generalized index. */
export function rootFromSszBranch({ leaf, siblings }: SszBranch, index: bigint): Hex {
  let hash = fromHex(leaf, 32)
  let position = index
  for (const sibling of siblings) {
    const other = fromHex(sibling, 32)
    hash = sha256(position % 2n === 1n ? concat(other, hash) : concat(hash, other))
    position /= 2n
  }
  return toHex(hash)
}
