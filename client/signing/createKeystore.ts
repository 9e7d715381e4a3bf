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
  MAX_THRESHOLD,
  NO_AUTHORITY,
  type Signer,
  toHex,
} from '../../protocol/index.ts'
import { InvalidConfigError, ThresholdError } from '../errors.ts'

/** Signers, and how many of them must approve; one by default. */
export type AuthorityParameters = { signers: readonly Signer[]; threshold?: number }

/** What a keystore begins with; delays are seconds. */
export type CreateKeystoreParameters = AuthorityParameters & {
  guardians?: AuthorityParameters
  /** With guardians, at least the rollup's `minRecoveryDelay`. */
  recoveryDelay?: number
  /** 0, the default, is never stale; else at least two challenge periods. */
  maxStaleness?: number
  /** Opaque to the rollup, at most 4,096 bytes. A random salt by default; without one, equal signers make the same keystore. */
  data?: Hex
  /** What the rollup demands of delays. Without it they are held to what every rollup demands, a second or more. */
  rollup?: DelayParameters
}

/** A keystore that exists although nobody wrote it: its id is the hash of its initial config. */
export type Keystore = { id: Hex; initial: Config }

const SALT_BYTES = 32
/** The least that a rollup config may say, but for recoveries without a delay: to those the caller must agree by naming the rollup. */
const LEAST_DELAYS: DelayParameters = { minRecoveryDelay: 1, challengePeriod: 1 }

/**
 * Creates a keystore (protocol.md §2). Nothing is sent; keep the initial config, or nobody can ever use the keystore.
 *
 * @throws {SignerTreeError} when there are no signers or two are the same.
 * @throws {ThresholdError} when no approvals could meet a threshold.
 * @throws {InvalidConfigError} when the initial config is not well-formed, or its data too long.
 */
export function createKeystore(parameters: CreateKeystoreParameters): Keystore {
  const { guardians, recoveryDelay = 0, maxStaleness = 0, data = createSalt() } = parameters
  const initial: Config = {
    nonce: 0n,
    signers: createAuthority(parameters),
    guardians: guardians === undefined ? NO_AUTHORITY : createAuthority(guardians),
    recoveryDelay,
    maxStaleness,
    data,
  }
  assertValid(initial, parameters.rollup ?? LEAST_DELAYS)
  return { id: configHash(initial), initial }
}

/**
 * Creates the authority of signers (protocol.md §2.2).
 *
 * @throws {SignerTreeError} when there are none or two are the same.
 * @throws {ThresholdError} when no approvals could meet the threshold.
 */
export function createAuthority({ signers, threshold = 1 }: AuthorityParameters): Authority {
  const { root } = createSignerTree(signers)
  const canBeMet =
    Number.isInteger(threshold) && 1 <= threshold && threshold <= Math.min(signers.length, MAX_THRESHOLD)
  if (!canBeMet) throw new ThresholdError(threshold, signers.length)
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
