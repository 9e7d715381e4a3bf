import { StandardMerkleTree } from '@openzeppelin/merkle-tree'
import type { Hex } from 'viem'
import type { Scheme, Signer } from '../../protocol/index.ts'
import { createTestSigner } from '../../test/testSigners.ts'
import { hashOf } from './shared.ts'

const SIZES = [1, 2, 3, 4, 5, 7, 8, 16, 33]

/** Builds signer_trees.json: trees of OpenZeppelin's StandardMerkleTree, proofs of each leaf, and proofs that lead elsewhere. */
export function signerTreeVectors() {
  const trees = SIZES.map((size) => {
    const signers = Array.from({ length: size }, (_, i) => signerAt(size, i))
    return { name: `${size} signers`, signers, tree: standardTree(signers) }
  })
  const proofs = trees.flatMap(({ name, signers, tree }) =>
    signers.map((signer, i) => ({
      name: `signer ${i} of ${name}`,
      ...toProof(tree, signer),
      root: tree.root,
      valid: true,
    })),
  )
  const wrong = trees.flatMap(({ name, signers, tree }) => wrongProofs(name, signers, tree))
  return {
    treesCount: trees.length,
    trees: trees.map(({ name, signers, tree }) => ({
      name,
      schemes: signers.map(({ scheme }) => scheme.toString()),
      keys: signers.map(({ key }) => key),
      root: tree.root,
    })),
    proofsCount: proofs.length + wrong.length,
    proofs: [...proofs, ...wrong],
  }
}

function signerAt(size: number, i: number): Signer {
  const { scheme, key } = createTestSigner(((i % 3) + 1) as Scheme, `tree of ${size}, leaf ${i}`)
  return { scheme, key }
}

function standardTree(signers: readonly Signer[]) {
  return StandardMerkleTree.of(
    signers.map(({ scheme, key }): [number, Hex] => [scheme, key]),
    ['uint8', 'bytes'],
  )
}

function toProof(tree: ReturnType<typeof standardTree>, { scheme, key }: Signer) {
  return {
    scheme: scheme.toString(),
    key,
    leaf: tree.leafHash([scheme, key]),
    proof: tree.getProof([scheme, key]),
  }
}

function wrongProofs(name: string, signers: readonly Signer[], tree: ReturnType<typeof standardTree>) {
  const [first, second] = signers
  if (first === undefined || second === undefined) return []
  const right = { ...toProof(tree, first), root: tree.root, valid: false }
  return [
    { ...right, name: `${name}: a sibling missing`, proof: right.proof.slice(1) },
    { ...right, name: `${name}: a sibling too many`, proof: [...right.proof, hashOf('extra')] },
    { ...right, name: `${name}: the proof of another signer`, proof: toProof(tree, second).proof },
    { ...right, name: `${name}: another root`, root: hashOf('another root') },
    ...(right.proof.length > 1
      ? [{ ...right, name: `${name}: siblings in the other order`, proof: right.proof.toReversed() }]
      : []),
  ]
}
