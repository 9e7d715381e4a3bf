import { uint64Key } from '../../node/index.ts'
import {
  concat,
  decodeRlp,
  encodeRlp,
  fromHex,
  rlpToBytes,
  rlpToList,
  rlpToNumber,
  rlpToUint,
  type SetConfigKind,
  type SignedPromise,
  toHex,
  uintToRlp,
} from '../../protocol/index.ts'
import type { PromiseSubject } from './PromiseSubject.ts'

/** A promise that was not kept to the letter, and why. */
export type UnkeptPromise = {
  signed: SignedPromise
  /**
   * `overdue`: its block is past and it still waits; `late`: it stands in a later block than promised; `displaced`: it can no
   * longer take effect.
   */
  outcome: UnkeptOutcome
  /** Of what was displaced: why. */
  reason: string | undefined
  /** The first block that showed it: the one after `byBlock`, or the one in which it became impossible. */
  since: bigint
  /** Whether a deposit at or before `byBlock` made it impossible: then it was not broken (protocol.md §8). */
  isVoid: boolean
}

/** What became of a promise that was not kept. */
export type UnkeptOutcome = (typeof OUTCOMES)[number]

/** What is kept of it on disk; the promise itself is under its subject. */
export type UnkeptRecord = Omit<UnkeptPromise, 'signed'> & { subject: PromiseSubject }

const OUTCOMES = ['overdue', 'late', 'displaced'] as const

/** Orders unkept promises by the block that showed them; the hash tells those of one block apart. */
export function unkeptKey({ since, signed }: Pick<UnkeptPromise, 'since' | 'signed'>): Uint8Array {
  return concat(uint64Key(since), fromHex(signed.promise.txHash, 32))
}

/** Encodes as `rlp([outcome, reason, since, isVoid, id, kind, nonce, configHash])`. */
export function unkeptToBytes({ signed, outcome, reason, since, isVoid }: UnkeptPromise): Uint8Array {
  const { id, kind, nonce, configHash } = signed.promise
  return encodeRlp([
    uintToRlp(OUTCOMES.indexOf(outcome)),
    new TextEncoder().encode(reason ?? ''),
    uintToRlp(since),
    uintToRlp(isVoid ? 1 : 0),
    fromHex(id, 32),
    uintToRlp(kind),
    uintToRlp(nonce),
    fromHex(configHash, 32),
  ])
}

/**
 * Decodes what {@link unkeptToBytes} encoded.
 *
 * @throws {RlpError} when the bytes are anything else.
 */
export function unkeptFromBytes(bytes: Uint8Array): UnkeptRecord {
  const [outcome, reason, since, isVoid, id, kind, nonce, configHash] = rlpToList(decodeRlp(bytes), 8)
  const text = new TextDecoder().decode(rlpToBytes(reason))
  return {
    outcome: OUTCOMES[rlpToNumber(outcome, 8)] ?? 'displaced',
    reason: text === '' ? undefined : text,
    since: rlpToUint(since, 64),
    isVoid: rlpToNumber(isVoid, 8) === 1,
    subject: {
      id: toHex(rlpToBytes(id, 32)),
      kind: toKind(rlpToNumber(kind, 8)),
      nonce: rlpToUint(nonce, 64),
      configHash: toHex(rlpToBytes(configHash, 32)),
    },
  }
}

/** Narrows a stored number to a kind. */
export function toKind(value: number): SetConfigKind {
  return value === 1 || value === 2 ? value : 0
}
