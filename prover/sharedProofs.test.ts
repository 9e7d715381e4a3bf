import { concatHex, type Hex } from 'viem'
import { expect, test } from 'vitest'
import { joinNodes, shareNodes } from './sharedProofs.ts'

const share = (proofs: readonly (readonly Hex[])[]) =>
  shareNodes(proofs.map((storageProof) => ({ storageProof })))

test('the nodes of a proof stand one after the other, and no nodes are no bytes', () => {
  expect(joinNodes(['0xc0', '0xc101'])).toBe('0xc0c101')
  expect(joinNodes([])).toBe('0x')
})

test('nodes with which the last proof begins are left out, and no others', () => {
  expect(
    share([['0xaa', '0xbb'], ['0xaa', '0xcc', '0xbb'], ['0xaa', '0xcc'], ['0xcc'], [], ['0xcc']]),
  ).toEqual([
    { kept: 0, nodes: '0xaabb' },
    { kept: 1, nodes: '0xccbb' },
    { kept: 2, nodes: '0x' },
    { kept: 0, nodes: '0xcc' },
    { kept: 0, nodes: '0x' },
    { kept: 0, nodes: '0xcc' },
  ])
})

test('what is left out is in the last proof, so that every proof can be written in full again', () => {
  const proofs: Hex[][] = [['0xaa', '0xbb', '0xdd'], ['0xaa', '0xbb', '0xdd'], ['0xaa', '0xbb'], ['0xbb']]
  share(proofs).forEach(({ kept, nodes }, index) => {
    const last = proofs[index - 1] ?? []
    expect(concatHex([...last.slice(0, kept), nodes])).toBe(joinNodes(proofs[index] ?? []))
  })
})

test('what else an item says stays with it', () => {
  expect(shareNodes([{ name: 'one', storageProof: ['0xaa'] as const }])).toEqual([
    { name: 'one', kept: 0, nodes: '0xaa' },
  ])
})
