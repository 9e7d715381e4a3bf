import type { Hex } from 'viem'
import { fromHex, keccak, toHex, writeHex } from './bytes.ts'
import { KEYSTORE_ADDRESS } from './constants.ts'
import { KeyrollError } from './errors.ts'
import { decodeRlp, encodeRlp, RlpError, rlpToBytes } from './Rlp.ts'
import { emptyTrie, type Trie, trieGet, trieProof, triePut, trieRoot } from './Trie.ts'
import { borrowWords } from './words.ts'

const SLOT_BYTES = 32
/** The RLP prefix of a value that fills its slot. */
const FULL_VALUE = 0x80 + SLOT_BYTES
const EMPTY_CODE_HASH = keccak(Uint8Array.of())
const ACCOUNT_KEY = keccak(fromHex(KEYSTORE_ADDRESS))

/**
 * Gets the 32-byte value of a storage slot of the Keystore, or undefined when the slot was never written (protocol.md §4).
 *
 * @throws {MissingNodeError} when the trie's reader lacks a node.
 * @throws {StorageValueError} when the trie holds something that is no storage value.
 */
export function keystoreGet(trie: Trie, slot: Hex): Hex | undefined {
  return keystoreGetAt(trie, slotToKey(slot))
}

/** Gets as {@link keystoreGet} does, by the slot's key. */
export function keystoreGetAt(trie: Trie, key: Uint8Array): Hex | undefined {
  const encoded = trieGet(trie, key)
  return encoded === undefined ? undefined : storageValueFromRlp(encoded)
}

/**
 * Returns the keystore trie with this 32-byte value in a storage slot (protocol.md §4).
 *
 * @throws {StorageValueError} when the value is zero: slots are never zeroed.
 * @throws {MissingNodeError} when the trie's reader lacks a node.
 */
export function keystorePut(trie: Trie, slot: Hex, value: Hex): Trie {
  return keystorePutAt(trie, slotToKey(slot), value)
}

/** Puts as {@link keystorePut} does, by the slot's key. */
export function keystorePutAt(trie: Trie, key: Uint8Array, value: Hex): Trie {
  return triePut(trie, key, storageValueToRlp(value))
}

/** Computes the key under which a storage slot stands in a storage trie. */
export function slotToKey(slot: Hex): Uint8Array {
  const word = borrowWords(1)
  writeHex(word, 0, slot, SLOT_BYTES)
  return keccak(word)
}

/**
 * Encodes a 32-byte storage value as it stands in a storage trie: RLP of the value without leading zeros.
 *
 * @throws {StorageValueError} when the value is zero, which a storage trie cannot hold.
 */
export function storageValueToRlp(value: Hex): Uint8Array {
  const encoded = new Uint8Array(1 + SLOT_BYTES)
  encoded[0] = FULL_VALUE
  writeHex(encoded, 1, value, SLOT_BYTES)
  // Hardly a hash begins with a zero.
  if (encoded[1] !== 0) return encoded
  const start = encoded.findIndex((byte, i) => i > 0 && byte !== 0)
  if (start < 0) throw new StorageValueError('got zero, expected a value: slots are never zeroed')
  return encodeRlp(encoded.slice(start))
}

/**
 * Decodes a storage trie's value into the 32 bytes of the slot.
 *
 * @throws {StorageValueError} when it is not the canonical RLP of 1 to 32 bytes without leading zeros.
 */
export function storageValueFromRlp(encoded: Uint8Array): Hex {
  if (encoded.length === 1 + SLOT_BYTES && encoded[0] === FULL_VALUE && encoded[1] !== 0) {
    return toHex(encoded.subarray(1))
  }
  let bytes: Uint8Array
  try {
    bytes = rlpToBytes(decodeRlp(encoded))
  } catch (cause) {
    if (!(cause instanceof RlpError)) throw cause
    throw new StorageValueError(`got bytes that are no storage value: ${cause.message}`, { cause })
  }
  if (bytes.length === 0 || bytes.length > SLOT_BYTES || bytes[0] === 0) {
    throw new StorageValueError(`got ${toHex(bytes)}, expected 1 to 32 bytes without leading zeros`)
  }
  const value = new Uint8Array(SLOT_BYTES)
  value.set(bytes, SLOT_BYTES - bytes.length)
  return toHex(value)
}

/** Computes the state root of a state whose one account, the Keystore, has this storage root (protocol.md §4). */
export function stateRootOf(keystoreRoot: Hex): Hex {
  return trieRoot(stateTrie(keystoreRoot))
}

/** Lists the nodes that prove the Keystore's account in the state trie: always exactly one. */
export function accountProofNodes(keystoreRoot: Hex): Uint8Array[] {
  return trieProof(stateTrie(keystoreRoot), ACCOUNT_KEY)
}

/** Lists the nodes that prove a storage slot's value, or its absence, under the keystore root. */
export function keystoreProof(trie: Trie, slot: Hex): Uint8Array[] {
  return trieProof(trie, slotToKey(slot))
}

function stateTrie(keystoreRoot: Hex): Trie {
  const zero = Uint8Array.of()
  const account = encodeRlp([zero, zero, fromHex(keystoreRoot, SLOT_BYTES), EMPTY_CODE_HASH])
  return triePut(emptyTrie(), ACCOUNT_KEY, account)
}

/** Reports a value that a storage trie may not hold. */
export class StorageValueError extends KeyrollError {
  override readonly name = 'StorageValueError'
}
