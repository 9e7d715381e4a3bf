import { StandardMerkleTree } from '@openzeppelin/merkle-tree'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { arbitrarySigner } from '../test/arbitraries.ts'
import { createSignerTree, rootFromProof, signerLeaf } from './Signer.ts'

const arbitrarySigners = fc.uniqueArray(arbitrarySigner, {
  minLength: 1,
  maxLength: 40,
  selector: ({ scheme, key }) => `${scheme}${key}`,
})

test('leaves, roots and proofs are those of the StandardMerkleTree of OpenZeppelin', () => {
  fc.assert(
    fc.property(arbitrarySigners, (signers) => {
      const tree = createSignerTree(signers)
      const standard = StandardMerkleTree.of(
        signers.map(({ scheme, key }) => [scheme, key]),
        ['uint8', 'bytes'],
      )
      expect(tree.root).toBe(standard.root)
      for (const signer of signers) {
        const value = [signer.scheme, signer.key]
        expect(signerLeaf(signer)).toBe(standard.leafHash(value))
        const proof = tree.proofOf(signer)
        expect(proof).toEqual(standard.getProof(value))
        expect(rootFromProof(signerLeaf(signer), proof)).toBe(tree.root)
      }
    }),
    { numRuns: 30 },
  )
})

test('the root of a single signer is its leaf', () => {
  fc.assert(
    fc.property(arbitrarySigner, (signer) => {
      const tree = createSignerTree([signer])
      expect(tree.root).toBe(signerLeaf(signer))
      expect(tree.proofOf(signer)).toEqual([])
    }),
  )
})

test('a root is in lower case, that of a leaf alone too', () => {
  const leaf = `0x${'AB'.repeat(32)}` as const
  expect(rootFromProof(leaf, [])).toBe(leaf.toLowerCase())
  expect(() => rootFromProof('0xab', [])).toThrow('expected 0x and 32 bytes')
})

test('a tree over no signers, over one signer twice, or over a key of another width is refused', () => {
  const signer = { scheme: 1, key: `0x${'11'.repeat(20)}` } as const
  expect(() => createSignerTree([])).toThrow('expected at least one')
  expect(() => createSignerTree([signer, { ...signer }])).toThrow('expected distinct ones')
  expect(() => createSignerTree([{ ...signer, scheme: 2 }])).toThrow('expected 0x and 64 bytes')
})

test('a proof for a signer outside the tree is refused', () => {
  const signer = { scheme: 1, key: `0x${'11'.repeat(20)}` } as const
  const tree = createSignerTree([signer])
  expect(() => tree.proofOf({ ...signer, key: `0x${'22'.repeat(20)}` })).toThrow(
    'expected a signer of the tree',
  )
})
