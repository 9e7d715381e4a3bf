import { type Address, type Hex, slice } from 'viem'
import {
  type Approval,
  type Config,
  configHash,
  NO_AUTHORITY,
  type Scheme,
  setConfigDigest,
  setConfigToBytes,
  toHex,
} from '../../protocol/index.ts'
import { approve, createTestSigner, treeOf } from '../../test/testSigners.ts'
import { GAS_ROLLUP } from './GasChain.ts'
import { namedHex } from './named.ts'

/** A keystore whose keys come from its name, with one signer at every nonce, and the account that it owns. */
export interface GasKeystore {
  readonly id: Hex
  readonly account: Address
  configAt(nonce: bigint): Config
  /** Signs as the signer of this nonce. */
  approve(nonce: bigint, digest: Hex): Approval[]
  /** Signs the rotation to the key of this nonce, which proves itself. */
  rotateTo(nonce: bigint): Hex
}

const DAY = 86_400

/** Makes the keystore of a name, with guardians and a limit to its staleness or without both. */
export function createGasKeystore(
  name: string,
  scheme: Scheme,
  { isGuarded = true }: { isGuarded?: boolean } = {},
): GasKeystore {
  const chainId = GAS_ROLLUP.l2ChainId
  const signersAt = (nonce: bigint) => [createTestSigner(scheme, `${name} ${nonce}`)]
  const configAt = (nonce: bigint): Config => ({
    nonce,
    signers: { root: treeOf(signersAt(nonce)).root, threshold: 1 },
    guardians: isGuarded ? { root: namedHex(`guardians of ${name}`), threshold: 2 } : NO_AUTHORITY,
    recoveryDelay: isGuarded ? 3 * DAY : 0,
    maxStaleness: isGuarded ? 30 * DAY : 0,
    data: namedHex(`data of ${name}`),
  })
  const approveAt = (nonce: bigint, digest: Hex) => approve(signersAt(nonce), signersAt(nonce), digest)
  const initial = configAt(0n)
  const id = configHash(initial)
  return {
    id,
    account: slice(namedHex(`account of ${name}`), 12),
    configAt,
    approve: approveAt,
    rotateTo(nonce) {
      const next = configAt(nonce)
      const previous = configHash(configAt(nonce - 1n))
      const digest = setConfigDigest({ chainId, kind: 0, id, previous, next })
      const raw = setConfigToBytes({
        ...{ chainId, id, kind: 0, next, initial: nonce === 1n ? initial : undefined },
        ...{ approvals: approveAt(nonce - 1n, digest), openings: approveAt(nonce, digest) },
      })
      return toHex(raw)
    },
  }
}
