import { StandardMerkleTree } from '@openzeppelin/merkle-tree'
import type { Hex } from 'viem'
import { compareBytes, concat, fromHex, keccak, toHex, writeHex } from './bytes.ts'
import { KeyrollError } from './errors.ts'
import { borrowWords, writeNumber } from './words.ts'

/** A signature scheme: 1 secp256k1, 2 P-256, 3 WebAuthn (protocol.md §2.2). */
export type Scheme = 1 | 2 | 3

/** One leaf of an authority's tree; the key is a 20-byte address for scheme 1, else the point `x ‖ y` (protocol.md §2.2). */
export type Signer = { scheme: Scheme; key: Hex }

/** A Merkle tree over signers: its root, and the siblings that lead from a signer to the root. */
export type SignerTree = { root: Hex; proofOf: (signer: Signer) => Hex[] }

const LEAF_ENCODING = ['uint8', 'bytes']

/** Tells whether a number names a scheme (protocol.md §2.2). */
export function isScheme(value: number): value is Scheme {
  return value === 1 || value === 2 || value === 3
}

/** Tells how many bytes a key of the scheme has (protocol.md §2.2). */
export function keyBytesOf(scheme: Scheme): number {
  return scheme === 1 ? 20 : 64
}

/**
 * Computes the tree leaf `keccak(keccak(abi.encode(uint8 scheme, bytes key)))` of a signer (protocol.md §2.2).
 *
 * @throws {InvalidHexError} when the key is not of its scheme's width.
 */
export function signerLeaf({ scheme, key }: Signer): Hex {
  return toHex(leafOf(scheme, key))
}

function leafOf(scheme: Scheme, key: Hex): Uint8Array {
  const keyBytes = keyBytesOf(scheme)
  const words = borrowWords(3 + Math.ceil(keyBytes / 32))
  writeNumber(words, 0, scheme, 8)
  writeNumber(words, 1, 64, 32)
  writeNumber(words, 2, keyBytes, 32)
  writeHex(words, 96, key, keyBytes)
  return keccak(keccak(words))
}

/**
 * Builds the Merkle tree over signers, OpenZeppelin's `StandardMerkleTree(['uint8','bytes'])` (protocol.md §2.2).
 *
 * @throws {SignerTreeError} when there are no signers or two are the same, and from `proofOf` for a signer that is not in the tree.
 * @throws {InvalidHexError} when a key is not of its scheme's width.
 */
export function createSignerTree(signers: readonly Signer[]): SignerTree {
  if (signers.length === 0) throw new SignerTreeError('got no signers, expected at least one')
  const leaves = signers.map(signerLeaf)
  const known = new Set(leaves)
  if (known.size !== leaves.length)
    throw new SignerTreeError('got the same signer twice, expected distinct ones')
  const tree = StandardMerkleTree.of(
    signers.map(({ scheme, key }) => [scheme, key]),
    LEAF_ENCODING,
  )
  return {
    root: tree.root as Hex,
    proofOf(signer) {
      if (!known.has(signerLeaf(signer))) {
        throw new SignerTreeError(
          `got scheme ${signer.scheme} key ${signer.key}, expected a signer of the tree`,
        )
      }
      return tree.getProof([signer.scheme, signer.key]) as Hex[]
    },
  }
}

/**
 * Computes the root that a proof leads to from a leaf: `keccak(min ‖ max)` at each step (protocol.md §2.2).
 *
 * @throws {InvalidHexError} when the leaf or a sibling is not 32 bytes.
 */
export function rootFromProof(leaf: Hex, proof: readonly Hex[]): Hex {
  return climb(fromHex(leaf, 32), proof)
}

/**
 * Computes the root that a proof leads to from a signer's leaf (protocol.md §2.2).
 *
 * @throws {InvalidHexError} when the key is not of its scheme's width, or a sibling not 32 bytes.
 */
export function rootFromSigner({ scheme, key }: Signer, proof: readonly Hex[]): Hex {
  return climb(leafOf(scheme, key), proof)
}

function climb(leaf: Uint8Array, proof: readonly Hex[]): Hex {
  let node = leaf
  for (const sibling of proof) {
    const other = fromHex(sibling, 32)
    node = keccak(compareBytes(node, other) < 0 ? concat(node, other) : concat(other, node))
  }
  return toHex(node)
}

/** Reports signers that make no tree, or a signer that is not in it. */
export class SignerTreeError extends KeyrollError {
  override readonly name = 'SignerTreeError'
}
