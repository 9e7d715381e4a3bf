import { randomBytes } from 'node:crypto'
import { bytesToHex, type Hex } from 'viem'
import {
  type Config,
  configHash,
  createSignerTree,
  NO_AUTHORITY,
  setConfigDigest,
  setConfigToBytes,
  toHex,
} from '../../protocol/index.ts'
import type { Passkey } from './Passkey.ts'

/** Makes the initial config of a keystore with one signer; a salt makes it nobody else's. */
export function createInitialConfig({ signer }: Passkey): Config {
  return {
    nonce: 0n,
    signers: { root: createSignerTree([signer]).root, threshold: 1 },
    guardians: NO_AUTHORITY,
    recoveryDelay: 0,
    maxStaleness: 0,
    data: bytesToHex(randomBytes(32)),
  }
}

/** Makes the set-config that replaces the only signer of an initial config: approved by the old key, opened by the new. */
export function createRotation(options: {
  chainId: bigint
  initial: Config
  oldKey: Passkey
  newKey: Passkey
}): { next: Config; raw: Hex } {
  const { chainId, initial, oldKey, newKey } = options
  const id = configHash(initial)
  const next: Config = {
    ...initial,
    nonce: 1n,
    signers: { root: createSignerTree([newKey.signer]).root, threshold: 1 },
  }
  const digest = setConfigDigest({ chainId, kind: 0, id, previous: id, next })
  const raw = setConfigToBytes({
    chainId,
    id,
    kind: 0,
    initial,
    next,
    approvals: [{ ...oldKey.signer, proof: [], signature: oldKey.sign(digest) }],
    openings: [{ ...newKey.signer, proof: [], signature: newKey.sign(digest) }],
  })
  return { next, raw: toHex(raw) }
}
