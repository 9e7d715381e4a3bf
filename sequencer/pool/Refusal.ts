import type { InvalidReason } from '../../protocol/index.ts'

/** Why a submitted transaction is not taken; every reason means something else to the submitter (docs/rpc.md). */
export type RefusalReason =
  | InvalidReason
  /** Not the bytes of a set-config of this rollup; `detail` says what is wrong with them. */
  | 'UNDECODABLE'
  /** Nobody has shown this keystore's initial config, and the transaction does not carry it. */
  | 'INITIAL_CONFIG_REQUIRED'
  /** Another config is promised at this nonce; `promise` is that promise. */
  | 'CONFLICT'
  | 'POOL_FULL'
  | 'KEYSTORE_QUEUE_FULL'
  /** This sequencer is stopped. */
  | 'SEQUENCER_INACTIVE'
  /** This sequencer has not yet read all of L1, or cannot read it. */
  | 'SEQUENCER_NOT_READY'
  /** No batch of this chain is on L1: until one is, a lost promise log could not be told from a new chain. */
  | 'NO_BATCH_YET'
  /** SystemConfig names another promise signer. */
  | 'PROMISE_SIGNER_NOT_NAMED'
  /** The signer may have promised what this sequencer does not know of; SystemConfig must name a new one. */
  | 'PROMISE_LOG_LOST'

/** A refusal of a transaction: an answer, not a fault. `details` are JSON values. */
export type Refusal = {
  reason: RefusalReason
  message: string
  details?: Readonly<Record<string, unknown>>
}

const MESSAGES: Readonly<Record<InvalidReason, string>> = {
  NONCE_TOO_LOW: 'the keystore is past this nonce',
  NONCE_TOO_HIGH: 'a config before this one is missing',
  CONFIG_NOT_WELL_FORMED: 'the new or the initial config is not well-formed',
  RECOVERY_PENDING: 'a recovery for this nonce is pending; only an update clears it',
  NO_RECOVERY_PENDING: 'no recovery for this nonce is pending',
  RECOVERY_MISMATCH: 'the pending recovery is to another config',
  RECOVERY_NOT_READY: 'the recovery delay is not over',
  UNEXPECTED_APPROVALS: 'completing a recovery takes no approvals and no openings',
  NO_GUARDIANS: 'the config in force has no guardians',
  WRONG_APPROVAL_COUNT: 'the number of approvals is not the threshold of the config in force',
  APPROVALS_NOT_ASCENDING: 'the approvals are not strictly ascending by keccak256(key)',
  NOT_A_SIGNER: 'an approval is not by a signer of the config in force',
  BAD_SIGNATURE: "an approval's signature is not valid over the digest",
  UNEXPECTED_OPENINGS: 'the signers stay the same, so no openings are taken',
  WRONG_OPENING_COUNT: 'the number of openings is not the threshold of the new config',
  OPENINGS_NOT_ASCENDING: 'the openings are not strictly ascending by keccak256(key)',
  OPENING_NOT_IN_ROOT: 'an opening is not of a signer of the new config',
  BAD_OPENING_SIGNATURE: "an opening's signature is not valid over the digest",
  NO_USABLE_SIGNER: 'no signer of the new config is shown to work: the keystore could be locked out',
}

/** Says in words which rule of validity a transaction breaks. */
export function invalidRefusal(reason: InvalidReason, details?: Readonly<Record<string, unknown>>): Refusal {
  const refusal = { reason, message: MESSAGES[reason] }
  return details === undefined ? refusal : { ...refusal, details }
}
