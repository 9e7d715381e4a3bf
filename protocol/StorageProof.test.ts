import type { Address, Hex } from 'viem'
import { expect, it } from 'vitest'
import baseSepolia from '../test/vectors/proof_base_sepolia_16802894.json' with { type: 'json' }
import l1Sepolia from '../test/vectors/proof_l1_sepolia_9567705.json' with { type: 'json' }
import { fromHex, keccakHex } from './bytes.ts'
import { decodeRlp, rlpToBytes, rlpToList } from './Rlp.ts'
import { provenStorageRoot, provenStorageWord } from './StorageProof.ts'
import { TrieProofError } from './Trie.ts'

const nodesOf = (rlp: string) => rlpToList(decodeRlp(fromHex(rlp as Hex))).map((node) => rlpToBytes(node))
const accountProof = nodesOf(l1Sepolia.rlpAccountProof)
const storageProof = nodesOf(l1Sepolia.rlpStorageProof)
const stateRoot = l1Sepolia.stateRoot as Hex
const account = l1Sepolia.account as Address

it('leads from a real state root to the word in a slot of an account', () => {
  const storageRoot = provenStorageRoot(stateRoot, account, accountProof)
  expect(storageRoot && provenStorageWord(storageRoot, l1Sepolia.slot as Hex, storageProof)).toBe(
    l1Sepolia.slotValue,
  )
})

it('shows a real slot to be zero, and the same account as the node says', () => {
  const proof = baseSepolia.accountProof.map((node) => fromHex(node as Hex))
  const root = keccakHex(proof[0] as Uint8Array)
  const storageRoot = provenStorageRoot(root, baseSepolia.address as Address, proof)
  expect(storageRoot).toBe(baseSepolia.storageHash)
  const [slot] = baseSepolia.storageProof
  if (slot === undefined || storageRoot === undefined) expect.unreachable()
  const nodes = slot.proof.map((node) => fromHex(node as Hex))
  expect(provenStorageWord(storageRoot, slot.key as Hex, nodes)).toBeUndefined()
})

it('takes no proof of another account or another slot', () => {
  expect(() => provenStorageRoot(stateRoot, `0x${'11'.repeat(20)}`, accountProof)).toThrow(TrieProofError)
  const storageRoot = keccakHex(storageProof[0] as Uint8Array)
  expect(() => provenStorageWord(storageRoot, `0x${'22'.repeat(32)}`, storageProof)).toThrow(TrieProofError)
})
