import type { Address, Hex } from 'viem'
import {
  emptyTrie,
  encodeRlp,
  fromHex,
  keccak,
  slotToKey,
  storageValueToRlp,
  toHex,
  trieProof,
  triePut,
  trieRoot,
} from '../protocol/index.ts'

/** What `eth_getProof` answers, as far as it is read. */
type ProofJson = { accountProof: Hex[]; storageProof: { proof: Hex[] }[] }

/** The state of an L1 on which a contract, and another account, have the same storage. */
export interface L1State {
  readonly stateRoot: Hex
  /** The contract's account, in RLP. */
  readonly account: Uint8Array
  /** Proves a slot of the contract. */
  prove(slot: Hex): ProofJson
}

/** Makes such a state out of the words in storage. */
export function createL1State(contract: Address, words: Readonly<Record<Hex, Hex>>): L1State {
  let storage = emptyTrie()
  for (const [slot, word] of Object.entries(words)) {
    storage = triePut(storage, slotToKey(slot as Hex), storageValueToRlp(word))
  }
  const account = encodeRlp([
    Uint8Array.of(1),
    Uint8Array.of(),
    fromHex(trieRoot(storage)),
    keccak(Uint8Array.of()),
  ])
  const key = keccak(fromHex(contract))
  const state = triePut(triePut(emptyTrie(), key, account), keccak(fromHex(`0x${'11'.repeat(20)}`)), account)
  return {
    stateRoot: trieRoot(state),
    account,
    prove: (slot) => ({
      accountProof: trieProof(state, key).map(toHex),
      storageProof: [{ proof: trieProof(storage, slotToKey(slot)).map(toHex) }],
    }),
  }
}
