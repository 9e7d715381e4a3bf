import { readFile } from 'node:fs/promises'
import { Tree } from '@chainsafe/persistent-merkle-tree'
import { ssz } from '@lodestar/types'
import fc from 'fast-check'
import type { Hex } from 'viem'
import { describe, expect, test } from 'vitest'
import { fromHex, toHex } from '../protocol/index.ts'
import { UnknownForkError } from './errors.ts'
import { createSszBranch, rootFromSszBranch } from './SszBranch.ts'

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 })

describe('a branch of a beacon block', () => {
  test('leads to the root from the slot and from the execution block hash', () => {
    fc.assert(
      fc.property(fc.nat(), hash, hash, (slot, parentRoot, blockHash) => {
        const block = ssz.fulu.BeaconBlock.defaultValue()
        block.slot = slot
        block.parentRoot = parentRoot
        block.body.executionPayload.blockHash = blockHash
        const tree = ssz.fulu.BeaconBlock.value_toTree(block)
        const root = toHex(ssz.fulu.BeaconBlock.hashTreeRoot(block))

        const atHash = createSszBranch(tree, 6444n)
        expect(atHash.leaf).toBe(toHex(blockHash))
        expect(rootFromSszBranch(atHash, 6444n)).toBe(root)
        const atSlot = createSszBranch(tree, 8n)
        expect(atSlot.leaf).toBe(toHex(ssz.Slot.hashTreeRoot(slot)))
        expect(rootFromSszBranch(atSlot, 8n)).toBe(root)
      }),
      { numRuns: 20 },
    )
  })

  test('is the one that persistent-merkle-tree makes', () => {
    const tree = ssz.fulu.BeaconBlock.value_toTree(ssz.fulu.BeaconBlock.defaultValue())
    for (const index of [1n, 2n, 3n, 8n, 12n, 6444n]) {
      const { siblings } = createSszBranch(tree, index)
      const theirs = index === 1n ? [] : new Tree(tree).getSingleProof(index)
      expect(siblings).toEqual(theirs.map((sibling) => toHex(sibling)))
    }
  })

  test.each([25384n, 2n ** 40n])('does not lead to index %s, which is too deep for its fork', (index) => {
    const tree = ssz.deneb.BeaconBlock.value_toTree(ssz.deneb.BeaconBlock.defaultValue())
    expect(() => createSszBranch(tree, index)).toThrow(UnknownForkError)
    expect(() => createSszBranch(tree, index)).toThrow(`${index}`)
  })

  test('leads somewhere else when any part of it is changed', () => {
    const tree = ssz.fulu.BeaconBlock.value_toTree(ssz.fulu.BeaconBlock.defaultValue())
    const { leaf, siblings } = createSszBranch(tree, 6444n)
    const root = toHex(tree.root)
    const other = toHex(new Uint8Array(32).fill(1))
    expect(rootFromSszBranch({ leaf: other, siblings }, 6444n)).not.toBe(root)
    expect(rootFromSszBranch({ leaf, siblings }, 6445n)).not.toBe(root)
    for (const position of siblings.keys()) {
      const changed = siblings.with(position, other)
      expect(rootFromSszBranch({ leaf, siblings: changed }, 6444n)).not.toBe(root)
    }
  })
})

test('from Gloas on, the index of the parent block hash in the bid leads to it', () => {
  const block = ssz.gloas.BeaconBlock.defaultValue()
  const parentBlockHash = new Uint8Array(32).fill(9)
  block.body.signedExecutionPayloadBid.message.parentBlockHash = parentBlockHash
  const tree = ssz.gloas.BeaconBlock.value_toTree(block)
  const branch = createSszBranch(tree, 25384n)
  expect(branch.leaf).toBe(toHex(parentBlockHash))
  expect(rootFromSszBranch(branch, 25384n)).toBe(toHex(tree.root))
})

describe('ssz_proofs.json', async () => {
  type Case = {
    name: string
    slot: string
    beaconRoot: Hex
    blockHash: Hex
    blockHashIndex: string
  } & Record<'slotProof' | 'blockHashProof', Hex[]>
  const file = new URL('../test/vectors/keyroll/ssz_proofs.json', import.meta.url)
  const { cases }: { cases: Case[] } = JSON.parse(await readFile(file, 'utf8'))

  test.each(cases)(
    '$name: the slot and the block hash lead to the root, changed anywhere to another',
    (vector) => {
      const slot = toHex(ssz.Slot.hashTreeRoot(Number(vector.slot)))
      const branches = [
        { index: 8n, leaf: slot, siblings: vector.slotProof },
        { index: BigInt(vector.blockHashIndex), leaf: vector.blockHash, siblings: vector.blockHashProof },
      ]
      for (const { index, leaf, siblings } of branches) {
        expect(siblings).toHaveLength(index.toString(2).length - 1)
        expect(rootFromSszBranch({ leaf, siblings }, index)).toBe(vector.beaconRoot)
        for (let byte = 0; byte < 32; byte++) {
          const changedLeaf = { leaf: flip(leaf, byte), siblings }
          expect(rootFromSszBranch(changedLeaf, index)).not.toBe(vector.beaconRoot)
          for (const [position, sibling] of siblings.entries()) {
            const changed = { leaf, siblings: siblings.with(position, flip(sibling, byte)) }
            expect(rootFromSszBranch(changed, index)).not.toBe(vector.beaconRoot)
          }
        }
      }
    },
  )
})

function flip(hash: Hex, byte: number): Hex {
  return toHex(fromHex(hash).map((value, i) => (i === byte ? value ^ 1 : value)))
}
