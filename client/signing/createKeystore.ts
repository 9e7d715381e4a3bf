import type { Hex } from 'viem'
import {
  type Authority,
  type Config,
  configHash,
  createSignerTree,
  type DelayParameters,
  findConfigFault,
  fromHex,
  MAX_DATA_BYTES,
  NO_AUTHORITY,
  type Signer,
  toHex,
} from '../../protocol/index.ts'
import { InvalidConfigError, RollupMissingError } from '../errors.ts'
import { assertThreshold, assertUsableKeys } from './newAuthority.ts'

/** Signers, and how many of them must approve; one by default. */
export type AuthorityParameters = { signers: readonly Signer[]; threshold?: number }

/** What a keystore begins with beside its signers, where the rollup decides whether it may; delays are seconds. */
export type KeystoreDelays = {
  guardians?: AuthorityParameters
  /** With guardians, at least the rollup's `minRecoveryDelay`. */
  recoveryDelay?: number
  /** 0, the default, is never stale; else at least two challenge periods. */
  maxStaleness?: number
  /** What the rollup demands of delays: a keystore that begins with less can never be updated. */
  rollup: DelayParameters
}

/** What a keystore begins with; one that has neither guardians nor delays is good on every rollup. */
export type CreateKeystoreParameters = AuthorityParameters & {
  /** Opaque to the rollup, at most 4,096 bytes. A random salt by default; without one, equal signers make the same keystore. */
  data?: Hex
} & (KeystoreDelays | { [name in keyof KeystoreDelays]?: never })

/** A keystore that exists although nobody wrote it: its id is the hash of its initial config. */
export type Keystore = { id: Hex; initial: Config }

const SALT_BYTES = 32
/** Of a rollup that demands nothing: for configs in which nothing depends on it. */
const NO_DEMANDS: DelayParameters = { minRecoveryDelay: 0, challengePeriod: 0 }

/**
 * Creates a keystore (protocol.md §2). Nothing is sent; keep the initial config, or nobody can ever use the keystore.
 *
 * @throws as {@link createAuthority}, of the signers and of the guardians.
 * @throws {RollupMissingError} when there are guardians or a `maxStaleness`, and no `rollup`.
 * @throws {InvalidConfigError} when the initial config is not well-formed, or its data too long.
 */
export function createKeystore(parameters: CreateKeystoreParameters): Keystore {
  const { guardians, recoveryDelay = 0, maxStaleness = 0, data = createSalt(), rollup } = parameters
  const dependsOnRollup = guardians !== undefined || maxStaleness !== 0
  if (dependsOnRollup && rollup === undefined) throw new RollupMissingError()
  const initial: Config = {
    nonce: 0n,
    signers: createAuthority(parameters),
    guardians: guardians === undefined ? NO_AUTHORITY : createAuthority(guardians),
    recoveryDelay,
    maxStaleness,
    data,
  }
  assertValid(initial, rollup ?? NO_DEMANDS)
  return { id: configHash(initial), initial }
}

/**
 * Creates the authority of signers (protocol.md §2.2).
 *
 * @throws {SignerTreeError} when there are none or two are the same.
 * @throws {SignerError} when nobody could sign by a key: the zero address, a point off the curve, or an unknown scheme.
 * @throws {InvalidHexError} when a key is not of its scheme's width.
 * @throws {ThresholdError} when no approvals could meet the threshold.
 */
export function createAuthority({ signers, threshold = 1 }: AuthorityParameters): Authority {
  assertUsableKeys(signers)
  const { root } = createSignerTree(signers)
  assertThreshold(threshold, signers)
  return { root, threshold }
}

/** Creates the config that follows on another, with some fields changed. */
export function createNextConfig(current: Config, changes: Partial<Omit<Config, 'nonce'>>): Config {
  return { ...current, ...changes, nonce: current.nonce + 1n }
}

function assertValid(initial: Config, delays: DelayParameters): void {
  const fault = findConfigFault(initial, delays)
  if (fault !== undefined) {
    const { recoveryDelay, maxStaleness } = initial
    const got = `recoveryDelay ${recoveryDelay}, maxStaleness ${maxStaleness}`
    throw new InvalidConfigError(fault, `got ${got}; protocol.md §2.1`)
  }
  const { length } = fromHex(initial.data)
  if (length > MAX_DATA_BYTES) {
    throw new InvalidConfigError('DATA_TOO_LONG', `got ${length} bytes, expected at most ${MAX_DATA_BYTES}`)
  }
}

function createSalt(): Hex {
  return toHex(crypto.getRandomValues(new Uint8Array(SALT_BYTES)))
}
