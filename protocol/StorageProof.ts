import type { Address, Hex } from 'viem'
import { fromHex, keccak, toHex } from './bytes.ts'
import { slotToKey, storageValueFromRlp } from './KeystoreTrie.ts'
import { decodeRlp, rlpToBytes, rlpToList } from './Rlp.ts'
import { verifyTrieProof } from './Trie.ts'

/** The fields of an account in the state trie: nonce, balance, storage root, code hash (yellow paper §4.1). */
const ACCOUNT_FIELDS = 4
const STORAGE_ROOT_FIELD = 2

/**
 * Verifies an account's proof (EIP-1186) under a state root, and returns the root of its storage; undefined when the proof shows that
 * there is no such account.
 *
 * @throws {TrieProofError} when the proof shows neither.
 * @throws {RlpError} when what it proves is no account.
 * @throws {InvalidHexError} when the address is not 20 bytes.
 */
export function provenStorageRoot(
  stateRoot: Hex,
  address: Address,
  proof: readonly Uint8Array[],
): Hex | undefined {
  const account = verifyTrieProof(stateRoot, keccak(fromHex(address, 20)), proof)
  if (account === undefined) return undefined
  return toHex(rlpToBytes(rlpToList(decodeRlp(account), ACCOUNT_FIELDS)[STORAGE_ROOT_FIELD], 32))
}

/**
 * Verifies a slot's proof (EIP-1186) under a storage root, and returns its word, 32 bytes; undefined when the proof shows that it is
 * zero.
 *
 * @throws {TrieProofError} when the proof shows neither.
 * @throws {StorageValueError} when what it proves is no word.
 */
export function provenStorageWord(
  storageRoot: Hex,
  slot: Hex,
  proof: readonly Uint8Array[],
): Hex | undefined {
  const value = verifyTrieProof(storageRoot, slotToKey(slot), proof)
  return value === undefined ? undefined : storageValueFromRlp(value)
}
