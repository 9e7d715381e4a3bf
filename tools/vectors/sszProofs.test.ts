import { createNodeFromProof, ProofType } from '@chainsafe/persistent-merkle-tree'
import { ssz } from '@lodestar/types'
import { bytesToHex, type Hex, hexToBytes } from 'viem'
import { describe, expect, test } from 'vitest'
import { sszProofVectors } from './sszProofs.ts'

const { cases } = sszProofVectors()

/** The root to which a branch leads by Lodestar's own library. */
function rootOf(gindex: bigint, leaf: Uint8Array, siblings: Hex[]): Hex {
  const witnesses = siblings.map((sibling) => hexToBytes(sibling))
  return bytesToHex(createNodeFromProof({ type: ProofType.single, gindex, leaf, witnesses }).root)
}

describe.each(cases)('the proofs of $name', (vector) => {
  const { slot, beaconRoot, blockHash, blockHashIndex, slotProof, blockHashProof } = vector

  test('lead to the beacon root from the slot and from the block hash', () => {
    const slotLeaf = ssz.Slot.hashTreeRoot(Number(slot))
    expect(rootOf(8n, slotLeaf, slotProof)).toBe(beaconRoot)
    expect(rootOf(BigInt(blockHashIndex), hexToBytes(blockHash), blockHashProof)).toBe(beaconRoot)
  })

  test('lead elsewhere from another leaf', () => {
    expect(rootOf(8n, ssz.Slot.hashTreeRoot(Number(slot) + 1), slotProof)).not.toBe(beaconRoot)
    expect(rootOf(BigInt(blockHashIndex), new Uint8Array(32), blockHashProof)).not.toBe(beaconRoot)
  })
})

test('each fork has a block whose slot does not fit 32 bits', () => {
  for (const fork of ['deneb', 'electra', 'fulu', 'gloas'])
    expect(
      cases.some(({ name, slot }) => name.startsWith(fork) && BigInt(slot) >= 2n ** 32n),
      fork,
    ).toBe(true)
})
