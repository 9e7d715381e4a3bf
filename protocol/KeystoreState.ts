import type { Hex } from 'viem'
import { fromHex, keccak, toHex } from './bytes.ts'
import type { Config } from './Config.ts'
import { KeyrollError } from './errors.ts'
import { keystoreGet, keystoreGetAt, slotToKey } from './KeystoreTrie.ts'
import type { Trie } from './Trie.ts'
import type { Recovery } from './validate.ts'
import { createWords, writeNumber } from './words.ts'

/** Times are uint64; no config hashes to so small a number. */
const TIME_START = `0x${'00'.repeat(24)}`

/** Finds what is committed to by hash: keystore tries and configs. Synchronous; an answer never changes. */
export interface StateReader {
  /** Opens the trie with this keystore root; when there is none, whoever looks into it hears of it. */
  trie(keystoreRoot: Hex): Trie
  config(hash: Hex): Config | undefined
}

/** What the state says of a keystore (protocol.md §3.3). */
export type KeystoreRecord = {
  /** The hash of the config in force: the keystore's id as long as nothing is written. */
  configHash: Hex
  written: boolean
  /** The pending recovery; `readyAt` is seconds of L2 time. */
  recovery: { configHash: Hex; readyAt: bigint } | undefined
}

/**
 * Reads what the state under a keystore root says of a keystore (protocol.md §3.3).
 *
 * @throws {MissingNodeError} when the reader lacks a trie node.
 * @throws {MissingConfigError} when a recovery was started and the reader lacks its config or the one in force.
 */
export function readKeystore(reader: StateReader, keystoreRoot: Hex, id: Hex): KeystoreRecord {
  const trie = reader.trie(keystoreRoot)
  const slot = readConfigHash(trie, id)
  const record = { configHash: slot ?? id, written: slot !== undefined }
  const readConfig = (hash: Hex) => requireConfig(reader, hash)
  const recovery = readRecovery(trie, id, readConfig)
  if (recovery === undefined) return { ...record, recovery }
  const nonce = slot === undefined ? 0n : readConfig(slot).nonce
  if (recovery.nonce !== nonce + 1n) return { ...record, recovery: undefined }
  return { ...record, recovery: { configHash: recovery.configHash, readyAt: recovery.readyAt } }
}

/**
 * Reads the hash of a keystore's config in force; undefined while it is the initial one, and for the slots of a recovery,
 * which are no keystore's (protocol.md §3.3). `key` is the slot's, from callers that know it already.
 */
export function readConfigHash(trie: Trie, id: Hex, key: Uint8Array = slotToKey(id)): Hex | undefined {
  const value = keystoreGetAt(trie, key)
  // A set-config names its keystore by any 32 bytes, a recovery's slots among them. The time in `R + 1` is no hash; and
  // whoever could set the config in `R` could have the next recovery ready at a time that is long past.
  if (value === undefined || value.startsWith(TIME_START)) return undefined
  return keystoreGetAt(trie, keccak(slotAfter(fromHex(id, 32)))) === undefined ? value : undefined
}

/** Reads the recovery that a keystore's slots hold, pending or overtaken (protocol.md §3.3). */
export function readRecovery(trie: Trie, id: Hex, readConfig: (hash: Hex) => Config): Recovery | undefined {
  const { hash: hashSlot, readyAt: readyAtSlot } = recoverySlots(id)
  const configHash = keystoreGet(trie, hashSlot)
  if (configHash === undefined) return undefined
  const readyAt = keystoreGet(trie, readyAtSlot)
  return { configHash, nonce: readConfig(configHash).nonce, readyAt: BigInt(readyAt ?? 0) }
}

/** Computes the slots of a keystore's recovery: `R = keccak(abi.encode(id, 1))` for its config's hash, and the next one for its time (protocol.md §3.3). */
export function recoverySlots(id: Hex): { hash: Hex; readyAt: Hex } {
  const words = createWords(2)
  words.set(fromHex(id, 32))
  writeNumber(words, 1, 1, 8)
  const slot = keccak(words)
  return { hash: toHex(slot), readyAt: toHex(slotAfter(slot)) }
}

/** Adds one to a slot; the sum wraps around as the EVM's does. */
function slotAfter(slot: Uint8Array): Uint8Array {
  const next = slot.slice()
  let at = 31
  // A carry goes as far as the bytes are 0xff.
  while (at >= 0 && next[at] === 0xff) next[at--] = 0
  if (at >= 0) next[at] = (next[at] as number) + 1
  return next
}

/**
 * Gets a config that the state refers to.
 *
 * @throws {MissingConfigError} when the reader lacks it.
 */
export function requireConfig(reader: Pick<StateReader, 'config'>, hash: Hex): Config {
  const config = reader.config(hash)
  if (config === undefined) throw new MissingConfigError(hash)
  return config
}

/** Reports a config that the state refers to and the reader does not have: the store is incomplete. */
export class MissingConfigError extends KeyrollError {
  override readonly name = 'MissingConfigError'
  constructor(readonly hash: Hex) {
    super(`got no config for hash ${hash}, expected the reader to have it`)
  }
}
