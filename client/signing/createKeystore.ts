import type { Hex } from 'viem'
import {
  type Authority,
  type Config,
  configHash,
  createSignerTree,
  NO_AUTHORITY,
  type Signer,
  toHex,
} from '../../protocol/index.ts'

/** Signers, and how many of them must approve; one by default. */
export type AuthorityParameters = { signers: readonly Signer[]; threshold?: number }

/** What a keystore begins with; delays are seconds. */
export type CreateKeystoreParameters = AuthorityParameters & {
  guardians?: AuthorityParameters
  /** With guardians, at least the rollup's `minRecoveryDelay`. */
  recoveryDelay?: number
  /** 0, the default, is never stale; else at least two challenge periods. */
  maxStaleness?: number
  /** Opaque to the rollup. A random salt by default; without one, equal signers make the same keystore. */
  data?: Hex
}

/** A keystore that exists although nobody wrote it: its id is the hash of its initial config. */
export type Keystore = { id: Hex; initial: Config }

const SALT_BYTES = 32

/**
 * Creates a keystore (protocol.md §2). Nothing is sent; keep the initial config, or nobody can ever use the keystore.
 *
 * @throws {SignerTreeError} when there are no signers or two are the same.
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
  return { id: configHash(initial), initial }
}

/**
 * Creates the authority of signers (protocol.md §2.2).
 *
 * @throws {SignerTreeError} when there are none or two are the same.
 */
export function createAuthority({ signers, threshold = 1 }: AuthorityParameters): Authority {
  return { root: createSignerTree(signers).root, threshold }
}

/** Creates the config that follows on another, with some fields changed. */
export function createNextConfig(current: Config, changes: Partial<Omit<Config, 'nonce'>>): Config {
  return { ...current, ...changes, nonce: current.nonce + 1n }
}

function createSalt(): Hex {
  return toHex(crypto.getRandomValues(new Uint8Array(SALT_BYTES)))
}
