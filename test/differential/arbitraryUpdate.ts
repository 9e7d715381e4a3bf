import fc from 'fast-check'
import type { Hex } from 'viem'
import {
  type Approval,
  type Authority,
  type Config,
  configHash,
  createSignerTree,
  fromHex,
  NO_AUTHORITY,
  type Scheme,
  type SetConfig,
  setConfigDigest,
  toHex,
} from '../../protocol/index.ts'
import { approve, createTestSigner, open, type TestSigner } from '../testSigners.ts'

/** An update and the config it is to replace. */
export type UpdateCase = { current: Config; tx: SetConfig }

type Mutation = (tx: SetConfig, at: number) => SetConfig

const SCHEMES: readonly Scheme[] = [1, 2, 3]
const pool = SCHEMES.flatMap((scheme) =>
  ['one', 'two', 'three'].map((name) => createTestSigner(scheme, `${name} of ${scheme}`)),
)

/** What goes wrong with set-configs: each spoils a valid one in one place. */
const mutations: readonly Mutation[] = [
  (tx) => tx,
  (tx) => ({ ...tx, approvals: tx.approvals.slice(1) }),
  (tx) => ({ ...tx, approvals: [...tx.approvals, ...tx.approvals.slice(0, 1)] }),
  (tx) => ({ ...tx, approvals: tx.approvals.toReversed() }),
  (tx, at) => ({ ...tx, approvals: changeOne(tx.approvals, at, spoilSignature(at)) }),
  (tx, at) => ({ ...tx, approvals: changeOne(tx.approvals, at, spoilProof) }),
  (tx, at) => ({ ...tx, approvals: changeOne(tx.approvals, at, shortenProof) }),
  (tx, at) => ({ ...tx, approvals: changeOne(tx.approvals, at, spoilKey(at)) }),
  (tx, at) => ({ ...tx, approvals: changeOne(tx.approvals, at, otherCurveScheme) }),
  (tx) => ({ ...tx, openings: tx.openings.slice(1) }),
  (tx) => ({ ...tx, openings: [...tx.openings, ...tx.approvals.slice(0, 1)] }),
  (tx) => ({ ...tx, openings: tx.openings.toReversed() }),
  (tx) => ({ ...tx, openings: tx.openings.map((opening) => ({ ...opening, signature: '0x' as Hex })) }),
  (tx, at) => ({ ...tx, openings: changeOne(tx.openings, at, spoilSignature(at)) }),
  (tx, at) => ({ ...tx, openings: changeOne(tx.openings, at, spoilProof) }),
  (tx, at) => ({ ...tx, openings: changeOne(tx.openings, at, otherCurveScheme) }),
  (tx, at) => ({ ...tx, id: at % 2 === 0 || tx.initial ? tx.id : spoilHex(tx.id, at) }),
  (tx) => ({ ...tx, next: { ...tx.next, data: `${tx.next.data}00` } }),
  (tx) => (tx.next.nonce === 1n ? tx : { ...tx, next: { ...tx.next, nonce: tx.next.nonce + 1n } }),
  (tx) => ({ ...tx, next: { ...tx.next, signers: { ...tx.next.signers, threshold: 17 } } }),
  (tx) => ({ ...tx, next: { ...tx.next, recoveryDelay: tx.next.recoveryDelay + 1 } }),
  (tx, at) => ({ ...tx, next: { ...tx.next, maxStaleness: at % 4000 } }),
]

/**
 * An update by random signers to random signers, mostly valid but for at most two mutations, which may be anywhere and
 * may undo or hide each other.
 */
export const arbitraryUpdate: fc.Arbitrary<UpdateCase> = fc
  .record({
    nonce: fc.bigInt({ min: 0n, max: 3n }),
    signers: arbitraryMembers(),
    nextSigners: fc.option(arbitraryMembers(), { freq: 4 }),
    guardians: fc.boolean(),
    signedOpenings: fc.array(fc.boolean(), { minLength: 9, maxLength: 9 }),
    mutations: fc.array(fc.tuple(fc.constantFrom(...mutations), fc.nat(100_000)), { maxLength: 2 }),
  })
  .map(({ nonce, signers, nextSigners, guardians, signedOpenings, mutations: chosen }) => {
    const current = configOf(nonce, signers.authority, guardians)
    const next = configOf(nonce + 1n, (nextSigners ?? signers).authority, guardians)
    const tx: SetConfig = {
      chainId: 4_200_777n,
      id: nonce === 0n ? configHash(current) : configHash(configOf(0n, signers.authority, true)),
      kind: 0,
      initial: nonce === 0n ? current : undefined,
      next,
      approvals: [],
      openings: [],
    }
    const digest = setConfigDigest({ ...tx, kind: 0, previous: configHash(current) })
    const signed = {
      ...tx,
      approvals: approve(signers.all, signers.acting, digest),
      openings: nextSigners === null ? [] : openingsOf(nextSigners, signedOpenings, digest),
    }
    return { current, tx: chosen.reduce((spoilt, [mutate, at]) => mutate(spoilt, at), signed) }
  })

type Members = { all: TestSigner[]; acting: TestSigner[]; authority: Authority }

function arbitraryMembers(): fc.Arbitrary<Members> {
  return fc
    .tuple(fc.shuffledSubarray(pool, { minLength: 1, maxLength: 6 }), fc.nat(2))
    .map(([all, count]) => {
      const acting = all.slice(0, count + 1)
      return { all, acting, authority: { root: createSignerTree(all).root, threshold: acting.length } }
    })
    .filter(({ acting }) => new Set(acting.map(({ key }) => key)).size === acting.length)
}

function configOf(nonce: bigint, signers: Authority, guardians: boolean): Config {
  return {
    nonce,
    signers,
    guardians: guardians ? { root: signers.root, threshold: 1 } : NO_AUTHORITY,
    recoveryDelay: guardians ? 100 : 0,
    maxStaleness: 0,
    data: '0x73616c74',
  }
}

function openingsOf({ all, acting }: Members, isSigned: readonly boolean[], digest: Hex): Approval[] {
  const signed = approve(all, acting, digest)
  return open(all, acting).map((opening, i) => (isSigned[i] ? (signed[i] ?? opening) : opening))
}

function changeOne(approvals: Approval[], at: number, change: (approval: Approval) => Approval): Approval[] {
  return approvals.map((approval, i) => (i === at % approvals.length ? change(approval) : approval))
}

/** Changes a byte of `r ‖ s` or of its recovery id: the shape of the signature stays. */
function spoilSignature(at: number) {
  return (approval: Approval): Approval => {
    if (approval.signature === '0x') return approval
    const bytes = fromHex(approval.signature)
    const index = bytes.length - 1 - (at % 64)
    return { ...approval, signature: toHex(bytes.with(index, (bytes[index] as number) ^ (1 + (at % 255)))) }
  }
}

function spoilProof(approval: Approval): Approval {
  return { ...approval, proof: [...approval.proof, configHash(configOf(9n, NO_AUTHORITY, false))] }
}

function shortenProof(approval: Approval): Approval {
  return { ...approval, proof: approval.proof.slice(1) }
}

function spoilKey(at: number) {
  return (approval: Approval): Approval => ({ ...approval, key: spoilHex(approval.key, at) })
}

/** The same key under the other scheme of its curve, without a signature that would have the other's shape. */
function otherCurveScheme(approval: Approval): Approval {
  if (approval.scheme === 1 || approval.signature !== '0x') return approval
  return { ...approval, scheme: approval.scheme === 2 ? 3 : 2 }
}

function spoilHex(hex: Hex, at: number): Hex {
  const bytes = fromHex(hex)
  const index = at % bytes.length
  return toHex(bytes.with(index, (bytes[index] as number) ^ (1 + (at % 255))))
}
