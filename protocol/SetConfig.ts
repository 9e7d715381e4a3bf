import type { Hex } from 'viem'
import { keccakHex, toHex } from './bytes.ts'
import { type Config, configFromRlpItem, configHash, writeConfig } from './Config.ts'
import { MAX_DATA_BYTES, MAX_TRANSACTION_BYTES, SET_CONFIG_TX_TYPE } from './constants.ts'
import { decodeRlp, RlpError, type RlpItem, rlpToBytes, rlpToList, rlpToNumber, rlpToUint } from './Rlp.ts'
import { borrowRlpWriter, type RlpWriter } from './RlpWriter.ts'
import { setConfigDigest } from './SetConfigDigest.ts'
import { hasSignatureShape } from './Signature.ts'
import { isScheme, keyBytesOf, type Scheme } from './Signer.ts'
import { assertUint } from './words.ts'

/** What a set-config does: 0 update, 1 start recovery, 2 complete recovery (protocol.md §3). */
export type SetConfigKind = 0 | 1 | 2

/** A signer's approval of the next config: its leaf, the proof of the leaf in the current root, its signature (protocol.md §3). */
export type Approval = { scheme: Scheme; key: Hex; proof: Hex[]; signature: Hex }

/** A leaf of the next signers shown to exist; the signature may be empty, `0x` (protocol.md §3). */
export type Opening = Approval

/** The set-config transaction (protocol.md §3); `initial` is present exactly when `next.nonce` is 1. */
export type SetConfig = {
  chainId: bigint
  id: Hex
  kind: SetConfigKind
  initial: Config | undefined
  next: Config
  approvals: Approval[]
  openings: Opening[]
}

/** Why bytes are not a set-config of this rollup (protocol.md §3.1). */
export type DecodeReason =
  | 'TOO_LONG'
  | 'WRONG_TYPE'
  | 'MALFORMED'
  | 'WRONG_CHAIN_ID'
  | 'UNKNOWN_KIND'
  | 'NONCE_ZERO'
  | 'INITIAL_MISSING'
  | 'INITIAL_UNEXPECTED'
  | 'INITIAL_MISMATCH'
  | 'DATA_TOO_LONG'
  | 'UNKNOWN_SCHEME'
  | 'WRONG_KEY_WIDTH'
  | 'WRONG_SIGNATURE_SHAPE'

/** A decoded set-config with the hash of its next config and what its signatures are over, or why there is none. */
export type ParsedSetConfig =
  | { ok: true; tx: SetConfig; nextHash: Hex; digestFor: DigestFor | undefined }
  | { ok: false; reason: DecodeReason }

/**
 * Computes the digest that a set-config's signatures are over, by the hash of the config in force. The last answer is kept: who
 * looks ahead asks what who executes will ask (protocol.md §3.2). A completed recovery (kind 2), which nobody signs, has none.
 */
export type DigestFor = (previous: Hex) => Hex

/** Decodes as {@link parseSetConfig} does; who looked ahead may know the answer already. */
export type SetConfigParser = (raw: Uint8Array, chainId: bigint) => ParsedSetConfig

/** A decoded set-config with the hash of its next config and that of the transaction, or why there is none. */
export type DecodedSetConfig =
  | { ok: true; tx: SetConfig; nextHash: Hex; hash: Hex }
  | { ok: false; reason: DecodeReason }

/**
 * Encodes a set-config as its raw bytes, `0x4b ‖ rlp([...])` (protocol.md §3).
 *
 * @throws {IntegerOutOfRangeError} when a number does not fit its Solidity type.
 * @throws {InvalidHexError} when a hash is not 32 bytes.
 */
export function setConfigToBytes(tx: SetConfig): Uint8Array {
  assertUint(tx.chainId, 64)
  const writer = borrowRlpWriter()
  writeApprovals(writer, tx.openings)
  writeApprovals(writer, tx.approvals)
  writeConfig(writer, tx.next)
  if (tx.initial === undefined) writer.list(writer.length)
  else writeConfig(writer, tx.initial)
  writer.uint(tx.kind)
  writer.hex(tx.id, 32)
  writer.uint(tx.chainId)
  writer.list()
  writer.byte(SET_CONFIG_TX_TYPE)
  return writer.view().slice()
}

/** Decodes the raw bytes of a set-config for the rollup with this chain id, by every rule of protocol.md §3.1. */
export function decodeSetConfig(raw: Uint8Array, chainId: bigint): DecodedSetConfig {
  const parsed = parseSetConfig(raw, chainId)
  if (!parsed.ok) return parsed
  const { tx, nextHash } = parsed
  return { ok: true, tx, nextHash, hash: keccakHex(raw) }
}

/** Does as {@link decodeSetConfig} for callers who do not need the transaction hash. */
export function parseSetConfig(raw: Uint8Array, chainId: bigint): ParsedSetConfig {
  try {
    const tx = readSetConfig(raw, chainId)
    const nextHash = configHash(tx.next)
    return { ok: true, tx, nextHash, digestFor: rememberDigest(tx, nextHash) }
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, reason: error.reason }
    if (error instanceof RlpError) return { ok: false, reason: 'MALFORMED' }
    throw error
  }
}

function rememberDigest({ chainId, kind, id }: SetConfig, nextHash: Hex): DigestFor | undefined {
  if (kind === 2) return undefined
  let known: { previous: Hex; digest: Hex } | undefined
  return (previous) => {
    if (known?.previous !== previous) {
      known = { previous, digest: setConfigDigest({ chainId, kind, id, previous, next: nextHash }) }
    }
    return known.digest
  }
}

function readSetConfig(raw: Uint8Array, chainId: bigint): SetConfig {
  if (raw.length > MAX_TRANSACTION_BYTES) throw new Refusal('TOO_LONG')
  if (raw[0] !== SET_CONFIG_TX_TYPE) throw new Refusal('WRONG_TYPE')
  const [chainIdItem, idItem, kindItem, initialItem, nextItem, approvalsItem, openingsItem] = rlpToList(
    decodeRlp(raw.subarray(1)),
    7,
  )
  if (rlpToUint(chainIdItem, 64) !== chainId) throw new Refusal('WRONG_CHAIN_ID')
  const id = toHex(rlpToBytes(idItem, 32))
  const kind = rlpToNumber(kindItem, 8)
  if (!isKind(kind)) throw new Refusal('UNKNOWN_KIND')
  const next = configFromRlpItem(nextItem)
  if (next.nonce === 0n) throw new Refusal('NONCE_ZERO')
  checkDataLength(next)
  const initial = readInitial(rlpToList(initialItem), id, next.nonce)
  const approvals = rlpToList(approvalsItem).map((item) => readApproval(item, false))
  const openings = rlpToList(openingsItem).map((item) => readApproval(item, true))
  return { chainId, id, kind, initial, next, approvals, openings }
}

function readInitial(item: readonly RlpItem[], id: Hex, nextNonce: bigint): Config | undefined {
  if (nextNonce !== 1n) {
    if (item.length > 0) throw new Refusal('INITIAL_UNEXPECTED')
    return undefined
  }
  if (item.length === 0) throw new Refusal('INITIAL_MISSING')
  const initial = configFromRlpItem(item)
  checkDataLength(initial)
  if (initial.nonce !== 0n || configHash(initial) !== id) throw new Refusal('INITIAL_MISMATCH')
  return initial
}

function readApproval(item: RlpItem, mayBeUnsigned: boolean): Approval {
  const [schemeItem, keyItem, proofItem, signatureItem] = rlpToList(item, 4)
  const scheme = rlpToNumber(schemeItem, 8)
  if (!isScheme(scheme)) throw new Refusal('UNKNOWN_SCHEME')
  const key = rlpToBytes(keyItem)
  if (key.length !== keyBytesOf(scheme)) throw new Refusal('WRONG_KEY_WIDTH')
  const proof = rlpToList(proofItem).map((sibling) => toHex(rlpToBytes(sibling, 32)))
  const signature = rlpToBytes(signatureItem)
  const isUnsigned = mayBeUnsigned && signature.length === 0
  if (!isUnsigned && !hasSignatureShape(scheme, signature)) throw new Refusal('WRONG_SIGNATURE_SHAPE')
  return { scheme, key: toHex(key), proof, signature: toHex(signature) }
}

function writeApprovals(writer: RlpWriter, approvals: readonly Approval[]): void {
  const end = writer.length
  for (let i = approvals.length - 1; i >= 0; i--) writeApproval(writer, approvals[i] as Approval)
  writer.list(end)
}

function writeApproval(writer: RlpWriter, { scheme, key, proof, signature }: Approval): void {
  const end = writer.length
  writer.hex(signature)
  const proofEnd = writer.length
  for (let i = proof.length - 1; i >= 0; i--) writer.hex(proof[i] as Hex, 32)
  writer.list(proofEnd)
  writer.hex(key)
  writer.uint(scheme)
  writer.list(end)
}

function checkDataLength(config: Config): void {
  // Two characters stand for a byte, after the `0x`.
  if (config.data.length > 2 + 2 * MAX_DATA_BYTES) throw new Refusal('DATA_TOO_LONG')
}

function isKind(value: number): value is SetConfigKind {
  return value === 0 || value === 1 || value === 2
}

/** Carries a reason out of the reading functions; it never leaves this file. */
class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly reason: DecodeReason
  constructor(reason: DecodeReason) {
    super(reason)
    this.reason = reason
  }
}
