import type { Hex } from 'viem'
import {
  type Config,
  configHash,
  keccakHex,
  NO_AUTHORITY,
  type SetConfig,
  setConfigDigest,
  setConfigToBytes,
} from '../protocol/index.ts'
import { approve, createTestSigner, open, type TestSigner, treeOf } from './testSigners.ts'

/** A raw set-config and what it makes of the keystore. */
export type SignedSetConfig = { raw: Uint8Array; hash: Hex; tx: SetConfig; config: Config; configHash: Hex }

/** What to sign; what is not given stays as in the config before. */
export type TestUpdate = {
  /** The config in force; by default the newest one that this keystore signed for. */
  previous?: Config
  data?: Hex
  nonce?: bigint
  signers?: readonly TestSigner[]
  /** Who approves, where it is not who may. */
  by?: readonly TestSigner[]
  /** Opens the next signers without their signatures. */
  isLockout?: boolean
}

/** A keystore with one signer and one guardian, which remembers the newest config it signed an update to. */
export interface TestKeystore {
  readonly id: Hex
  readonly initial: Config
  readonly signer: TestSigner
  readonly guardian: TestSigner
  current(): Config
  /** Signs an update (kind 0), which becomes the current config. */
  update(update?: TestUpdate): SignedSetConfig
  /** Signs the start of a recovery (kind 1); the current config stays. */
  startRecovery(update?: TestUpdate): SignedSetConfig
  /** Completes a recovery (kind 2), which becomes the current config. */
  completeRecovery(config: Config): SignedSetConfig
}

/** Makes a keystore whose keys come from its name. */
export function createTestKeystore(
  chainId: bigint,
  name: string,
  { recoveryDelay = 60, scheme = 1 }: { recoveryDelay?: number; scheme?: 1 | 2 | 3 } = {},
): TestKeystore {
  const signer = createTestSigner(scheme, `${name}: signer`)
  const guardian = createTestSigner(1, `${name}: guardian`)
  const initial: Config = {
    nonce: 0n,
    signers: { root: treeOf([signer]).root, threshold: 1 },
    guardians: recoveryDelay === 0 ? NO_AUTHORITY : { root: treeOf([guardian]).root, threshold: 1 },
    recoveryDelay,
    maxStaleness: 0,
    data: keccakHex(new TextEncoder().encode(name)),
  }
  const id = configHash(initial)
  const signersOf = new Map<Hex, readonly TestSigner[]>([[initial.signers.root, [signer]]])
  let current = initial

  function sign(
    kind: 0 | 1,
    { previous = current, data, nonce, signers, by, isLockout }: TestUpdate,
  ): SignedSetConfig {
    const now = signersOf.get(previous.signers.root) ?? [signer]
    const then = signers ?? now
    const root = treeOf(then).root
    signersOf.set(root, then)
    const next: Config = {
      ...previous,
      nonce: nonce ?? previous.nonce + 1n,
      signers: { root, threshold: then.length },
      data: data ?? previous.data,
    }
    const digest = setConfigDigest({ chainId, kind, id, previous: configHash(previous), next })
    const authority = kind === 0 ? now : [guardian]
    return finish({
      chainId,
      id,
      kind,
      initial: next.nonce === 1n ? initial : undefined,
      next,
      approvals: approve(authority, by ?? authority, digest),
      openings:
        root === previous.signers.root
          ? []
          : open(then, then).map((opening) => (isLockout ? opening : signOpening(opening, then, digest))),
    })
  }

  return {
    id,
    initial,
    signer,
    guardian,
    current: () => current,
    update(update = {}) {
      const signed = sign(0, update)
      current = signed.config
      return signed
    },
    startRecovery: (update = {}) => sign(1, update),
    completeRecovery(config) {
      current = config
      const first = config.nonce === 1n ? initial : undefined
      return finish({ chainId, id, kind: 2, initial: first, next: config, approvals: [], openings: [] })
    },
  }
}

function signOpening(opening: ReturnType<typeof open>[number], all: readonly TestSigner[], digest: Hex) {
  const signer = all.find(({ key }) => key === opening.key)
  return signer === undefined ? opening : { ...opening, signature: signer.sign(digest) }
}

function finish(tx: SetConfig): SignedSetConfig {
  const raw = setConfigToBytes(tx)
  return { raw, hash: keccakHex(raw), tx, config: tx.next, configHash: configHash(tx.next) }
}
