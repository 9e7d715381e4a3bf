import type { Hex } from 'viem'
import { fromHex, keccakHex } from './bytes.ts'
import {
  type Authority,
  type Config,
  configHash,
  type DelayParameters,
  isNoAuthority,
  isWellFormed,
  type ShortConfig,
} from './Config.ts'
import { MAX_PROOF_LENGTH } from './constants.ts'
import type { Approval, DigestFor, SetConfig } from './SetConfig.ts'
import { setConfigDigest } from './SetConfigDigest.ts'
import type { SignatureVerifier } from './Signature.ts'
import { rootFromSigner } from './Signer.ts'

/** Why a decodable set-config is invalid; the rules are checked in this order (protocol.md §3.3). */
export type InvalidReason =
  | 'NONCE_TOO_LOW'
  | 'NONCE_TOO_HIGH'
  | 'CONFIG_NOT_WELL_FORMED'
  | 'RECOVERY_PENDING'
  | 'NO_RECOVERY_PENDING'
  | 'RECOVERY_MISMATCH'
  | 'RECOVERY_NOT_READY'
  | 'UNEXPECTED_APPROVALS'
  | 'NO_GUARDIANS'
  | 'WRONG_APPROVAL_COUNT'
  | 'APPROVALS_NOT_ASCENDING'
  | 'NOT_A_SIGNER'
  | 'BAD_SIGNATURE'
  | 'UNEXPECTED_OPENINGS'
  | 'WRONG_OPENING_COUNT'
  | 'OPENINGS_NOT_ASCENDING'
  | 'OPENING_NOT_IN_ROOT'
  | 'BAD_OPENING_SIGNATURE'
  | 'NO_USABLE_SIGNER'

/** The recovery that slot `R` of a keystore holds, pending or overtaken; `readyAt` is seconds of L2 time (protocol.md §3.3). */
export type Recovery = { configHash: Hex; nonce: bigint; readyAt: bigint }

/** What a set-config is checked against. */
export type ValidationInput = {
  tx: SetConfig
  /** The config in force. */
  current: Config | ShortConfig
  /** The recovery that the keystore's slot holds, if it holds any. */
  recovery: Recovery | undefined
  /** The block's timestamp in seconds. */
  timestamp: bigint
  rollup: DelayParameters
  verify: SignatureVerifier
  /** `configHash(current)` and `configHash(tx.next)`, from callers that know them already. */
  hashes?: { current: Hex; next: Hex }
  /** What {@link setConfigDigest} says of `tx`, likewise. */
  digestFor?: DigestFor | undefined
}

/** Names the first rule that a decoded set-config breaks, or undefined when it is valid (protocol.md §3.3). */
export function validateSetConfig(input: ValidationInput): InvalidReason | undefined {
  const { tx, current, rollup } = input
  const nonce = current.nonce + 1n
  if (tx.next.nonce < nonce) return 'NONCE_TOO_LOW'
  if (tx.next.nonce > nonce) return 'NONCE_TOO_HIGH'
  if (!isWellFormed(tx.next, rollup)) return 'CONFIG_NOT_WELL_FORMED'
  if (tx.initial !== undefined && !isWellFormed(tx.initial, rollup)) return 'CONFIG_NOT_WELL_FORMED'
  const recovery = input.recovery?.nonce === nonce ? input.recovery : undefined
  if (tx.kind === 2) return validateCompletion(input, recovery)
  if (tx.kind === 1 && recovery !== undefined) return 'RECOVERY_PENDING'
  if (tx.kind === 1 && isNoAuthority(current.guardians)) return 'NO_GUARDIANS'
  return validateApprovals(input, tx.kind)
}

function validateCompletion(
  { tx, timestamp, hashes }: ValidationInput,
  recovery: Recovery | undefined,
): InvalidReason | undefined {
  if (recovery === undefined) return 'NO_RECOVERY_PENDING'
  if ((hashes?.next ?? configHash(tx.next)) !== recovery.configHash) return 'RECOVERY_MISMATCH'
  if (timestamp < recovery.readyAt) return 'RECOVERY_NOT_READY'
  if (tx.approvals.length > 0 || tx.openings.length > 0) return 'UNEXPECTED_APPROVALS'
  return undefined
}

function validateApprovals(
  { tx, current, verify, hashes, digestFor }: ValidationInput,
  kind: 0 | 1,
): InvalidReason | undefined {
  const authority = kind === 0 ? current.signers : current.guardians
  const { approvals, openings, next } = tx
  // No well-formed config has a threshold of zero, and only those come into force. Nobody's consent is none all the same.
  if (authority.threshold === 0 || approvals.length !== authority.threshold) return 'WRONG_APPROVAL_COUNT'
  if (!areKeysAscending(approvals)) return 'APPROVALS_NOT_ASCENDING'
  if (!approvals.every((approval) => isIn(approval, authority))) return 'NOT_A_SIGNER'
  const previous = hashes?.current ?? configHash(current)
  const digest =
    digestFor?.(previous) ??
    setConfigDigest({ chainId: tx.chainId, kind, id: tx.id, previous, next: hashes?.next ?? next })
  if (!approvals.every((approval) => isSigned(approval, digest, verify))) return 'BAD_SIGNATURE'

  if (next.signers.root === current.signers.root && next.signers.threshold === current.signers.threshold) {
    return openings.length > 0 ? 'UNEXPECTED_OPENINGS' : undefined
  }
  if (openings.length !== next.signers.threshold) return 'WRONG_OPENING_COUNT'
  if (!areKeysAscending(openings)) return 'OPENINGS_NOT_ASCENDING'
  if (!openings.every((opening) => isIn(opening, next.signers))) return 'OPENING_NOT_IN_ROOT'
  const signed = openings.filter(({ signature }) => signature !== '0x')
  if (!signed.every((opening) => isSigned(opening, digest, verify))) return 'BAD_OPENING_SIGNATURE'
  if (signed.length > 0) return undefined
  const isAmongApprovals = (opening: Approval) =>
    approvals.some(({ scheme, key }) => scheme === opening.scheme && key === opening.key)
  return openings.some(isAmongApprovals) ? undefined : 'NO_USABLE_SIGNER'
}

/** Strictly ascending by `keccak(key)`, which also makes the keys distinct: one key never counts twice. */
function areKeysAscending(approvals: readonly Approval[]): boolean {
  if (approvals.length < 2) return true
  const hashes = approvals.map(({ key }) => keccakHex(fromHex(key)))
  return hashes.every((hash, i) => i === 0 || (hashes[i - 1] as Hex) < hash)
}

function isIn(approval: Approval, { root }: Authority): boolean {
  const { proof } = approval
  return proof.length <= MAX_PROOF_LENGTH && rootFromSigner(approval, proof) === root
}

function isSigned({ scheme, key, signature }: Approval, digest: Hex, verify: SignatureVerifier): boolean {
  return verify(scheme, key, digest, signature)
}
