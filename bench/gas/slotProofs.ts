import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Hex } from 'viem'
import {
  decodeRlp,
  encodeRlp,
  fromHex,
  type JsonObject,
  keccak,
  keccakHex,
  rlpToBytes,
  rlpToList,
  slotToKey,
  storageValueToRlp,
  toHex,
  toJsonObject,
  uintToRlp,
  verifyTrieProof,
  ZERO_HASH,
} from '../../protocol/index.ts'
import { BenchmarkError } from '../report.ts'
import { ROOT } from '../root.ts'
import { named, namedHex } from './named.ts'
import { findPartialTrie, type TrieEntry } from './PartialTrie.ts'

/** What a slot of an account holds, or that it holds nothing, and the proof of that. */
export type SlotProof = {
  stateRoot: Hex
  account: Hex
  accountProof: readonly Hex[]
  storageRoot: Hex
  slot: Hex
  storageProof: readonly Hex[]
  /** Zero for a slot that is not there. */
  word: Hex
}

/** Reads what Base Sepolia answered: an account, and a slot that is not there (test/vectors/PROVENANCE.md). */
export function readBaseSepolia(): SlotProof {
  const vector = readVector('proof_base_sepolia_16802894')
  const accountProof = vector.hexList('accountProof')
  const slot = toJsonObject(vector.list('storageProof')[0], refuse)
  return {
    stateRoot: keccakHex(fromHex(accountProof[0] ?? '0x')),
    account: vector.hex('address', 20),
    accountProof,
    storageRoot: vector.hex('storageHash', 32),
    slot: slot.hex('key', 32),
    storageProof: slot.hexList('proof'),
    word: ZERO_HASH,
  }
}

/** Reads what Sepolia answered: an account, and a slot of it (test/vectors/PROVENANCE.md). */
export function readL1Sepolia(): SlotProof {
  const vector = readVector('proof_l1_sepolia_9567705')
  const nodesOf = (field: string) =>
    rlpToList(decodeRlp(fromHex(vector.hex(field)))).map((node) => toHex(rlpToBytes(node)))
  const stateRoot = vector.hex('stateRoot', 32)
  const account = vector.hex('account', 20)
  const accountProof = nodesOf('rlpAccountProof')
  return {
    stateRoot,
    account,
    accountProof,
    storageRoot: storageRootOf(stateRoot, account, accountProof),
    slot: vector.hex('slot', 32),
    storageProof: nodesOf('rlpStorageProof'),
    word: vector.hex('slotValue', 32),
  }
}

/** Makes a slot in nine nodes of a state of 300 million accounts and six of a storage of a million slots, as mainnet has. */
export function createMainnetLike(): SlotProof {
  const account = toHex(named('account of the deep proof').subarray(12))
  const [slot, word] = [namedHex('slot of the deep proof'), namedHex('word of the deep proof')]
  const storage = deepTrie('storage', { key: slotToKey(slot), value: storageValueToRlp(word) }, 1e6, 6)
  const encoded = encodeRlp([
    uintToRlp(1n),
    uintToRlp(0n),
    fromHex(storage.root),
    named('code of the deep proof'),
  ])
  const state = deepTrie('accounts', { key: keccak(fromHex(account)), value: encoded }, 3e8, 9)
  return {
    ...{ stateRoot: state.root, account, accountProof: state.proof },
    ...{ storageRoot: storage.root, slot, storageProof: storage.proof, word },
  }
}

function deepTrie(name: string, entry: TrieEntry, others: number, nodes: number) {
  const proofOf = (trie: { proofOf(key: Uint8Array): Hex[] }) => trie.proofOf(entry.key)
  const trie = findPartialTrie(name, [entry], others, (found) => proofOf(found).length === nodes)
  return { root: trie.root, proof: proofOf(trie) }
}

function storageRootOf(stateRoot: Hex, account: Hex, accountProof: readonly Hex[]): Hex {
  const nodes = accountProof.map((node) => fromHex(node))
  const encoded = verifyTrieProof(stateRoot, keccak(fromHex(account)), nodes)
  if (encoded === undefined) throw refuse(`${account} is not in the state`)
  return toHex(rlpToBytes(rlpToList(decodeRlp(encoded), 4)[2], 32))
}

function readVector(name: string): JsonObject {
  const file = join(ROOT, 'test', 'vectors', `${name}.json`)
  return toJsonObject(JSON.parse(readFileSync(file, 'utf8')), refuse)
}

function refuse(details: string): BenchmarkError {
  return new BenchmarkError(`a vector is not as it should be: ${details}`)
}
