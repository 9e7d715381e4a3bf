import type { Hex } from 'viem'
import {
  type Approval,
  type Config,
  configHash,
  createSignerTree,
  type InvalidReason,
  NO_AUTHORITY,
  type Recovery,
  rootFromProof,
  type Scheme,
  type SetConfig,
  type SetConfigKind,
  setConfigDigest,
  setConfigToBytes,
  signerLeaf,
  toHex,
  toShortConfig,
  ZERO_HASH,
} from '../../protocol/index.ts'
import { approve, createTestSigner, open, type TestSigner } from '../../test/testSigners.ts'
import { authority, CHAIN_ID, CHALLENGE_PERIOD, flattenConfig, hashOf, MIN_RECOVERY_DELAY } from './shared.ts'

/** Builds setconfig_validity.json: decodable set-configs, what they are checked against, and the first rule they break. */
export function setConfigValidityVectors() {
  const cases = [
    ...updateCases(),
    ...openingCases(),
    ...wellFormedCases(),
    ...recoveryCases(),
    ...completionCases(),
  ]
  return { count: cases.length, cases: cases.map(toCase) }
}

type Scenario = {
  name: string
  reason: InvalidReason | ''
  /** The config in force. */
  current: Config
  /** What the recovery slot holds. */
  recovery?: Recovery
  timestamp?: bigint
  tx: SetConfig
}

const TIMESTAMP = 1_800_000_000n

const alice = createTestSigner(3, 'alice')
const bob = createTestSigner(1, 'bob')
const carol = createTestSigner(2, 'carol')
const dave = createTestSigner(3, 'dave')
const erin = createTestSigner(2, 'erin')
const frank = createTestSigner(1, 'frank')
const grace = createTestSigner(2, 'grace')
const heidi = createTestSigner(3, 'heidi')
const guardians = [frank, grace, heidi]
const many = Array.from({ length: 20 }, (_, i) =>
  createTestSigner(((i % 3) + 1) as Scheme, `one of many ${i}`),
)
/** The same P-256 key as a passkey: another leaf, but the same key. */
const carolAsPasskey = createTestSigner(3, 'carol')

const of = (signers: readonly TestSigner[], threshold: number) =>
  authority(createSignerTree(signers).root, threshold)

/** A keystore of some age: alice, bob and carol, any one of whom may update; two of three guardians may recover. */
const team = [alice, bob, carol]
const current: Config = {
  nonce: 6n,
  signers: of(team, 1),
  guardians: of(guardians, 2),
  recoveryDelay: MIN_RECOVERY_DELAY,
  maxStaleness: 0,
  data: '0x6b6579726f6c6c',
}
const initial: Config = { ...current, nonce: 0n, data: toHex(new TextEncoder().encode('salt')) }
const ID = hashOf('keystore of the validity vectors')

type Draft = {
  current?: Config
  changes?: Partial<Config>
  kind?: SetConfigKind
  id?: Hex
  initial?: Config
  /** Makes the approvals of a digest; the default is alice's alone. */
  approvals?: (digest: Hex) => Approval[]
  openings?: (digest: Hex) => Approval[]
}

/** Makes a set-config to the config in force with changes, approved by alice unless told otherwise. */
function draft({
  current: from = current,
  changes = {},
  kind = 0,
  id = ID,
  initial,
  approvals,
  openings,
}: Draft): SetConfig {
  const next: Config = { ...from, nonce: from.nonce + 1n, ...changes }
  const digest = setConfigDigest({
    chainId: CHAIN_ID,
    kind: kind === 1 ? 1 : 0,
    id,
    previous: configHash(from),
    next,
  })
  return {
    chainId: CHAIN_ID,
    id,
    kind,
    initial,
    next,
    approvals: (approvals ?? ((digest: Hex) => approve(team, [alice], digest)))(digest),
    openings: (openings ?? (() => []))(digest),
  }
}

function scenario(
  name: string,
  reason: InvalidReason | '',
  parts: Draft & Omit<Partial<Scenario>, 'tx'>,
): Scenario {
  const { recovery, timestamp } = parts
  return {
    name,
    reason,
    current: parts.current ?? current,
    ...(recovery === undefined ? {} : { recovery }),
    ...(timestamp === undefined ? {} : { timestamp }),
    tx: draft(parts),
  }
}

function updateCases(): Scenario[] {
  const twoOfThree: Config = { ...current, signers: of(team, 2) }
  const sixteen: Config = { ...current, signers: of(many, 16) }
  const by = (signers: readonly TestSigner[]) => (digest: Hex) => approve(team, signers, digest)
  const deep = deepTree(20)
  const tooDeep = deepTree(21)
  return [
    scenario('sign of life: nothing changes but the nonce', '', {}),
    ...team.map((signer) =>
      scenario(`approved with scheme ${signer.scheme}`, '', { approvals: by([signer]) }),
    ),
    scenario('data changes', '', { changes: { data: '0x' } }),
    scenario('guardians are dropped', '', { changes: { guardians: NO_AUTHORITY, recoveryDelay: 0 } }),
    scenario('the first update of a keystore', '', { current: initial, id: configHash(initial), initial }),
    scenario('a pending recovery does not hinder an update', '', { recovery: pendingRecovery }),
    scenario('two of three', '', { current: twoOfThree, approvals: by([alice, carol]) }),
    scenario('sixteen of twenty', '', {
      current: sixteen,
      approvals: (digest) => approve(many, many.slice(2, 18), digest),
    }),
    scenario('a proof of 20 siblings', '', {
      current: { ...current, signers: authority(deep.root, 1) },
      approvals: (digest) => [{ ...deep.approval, signature: alice.sign(digest) }],
    }),

    scenario('the nonce is the current one', 'NONCE_TOO_LOW', { changes: { nonce: 6n } }),
    scenario('the nonce is an old one', 'NONCE_TOO_LOW', { changes: { nonce: 2n } }),
    scenario('the first update again', 'NONCE_TOO_LOW', {
      id: configHash(initial),
      initial,
      changes: { nonce: 1n },
    }),
    scenario('the nonce skips one', 'NONCE_TOO_HIGH', { changes: { nonce: 8n } }),
    scenario('the largest nonce', 'NONCE_TOO_HIGH', { changes: { nonce: 2n ** 64n - 1n } }),
    scenario('the nonce is named before anything else', 'NONCE_TOO_HIGH', {
      changes: { nonce: 8n, maxStaleness: 1 },
      approvals: () => [],
    }),

    scenario('no approval', 'WRONG_APPROVAL_COUNT', { approvals: () => [] }),
    scenario('one approval too many', 'WRONG_APPROVAL_COUNT', { approvals: by([alice, bob]) }),
    scenario('one approval too few', 'WRONG_APPROVAL_COUNT', { current: twoOfThree, approvals: by([alice]) }),
    scenario('the same approval twice', 'APPROVALS_NOT_ASCENDING', {
      current: twoOfThree,
      approvals: (digest) => [...approve(team, [alice], digest), ...approve(team, [alice], digest)],
    }),
    scenario('approvals in descending order', 'APPROVALS_NOT_ASCENDING', {
      current: twoOfThree,
      approvals: (digest) => approve(team, [alice, bob], digest).reverse(),
    }),
    scenario('one key as two signers', 'APPROVALS_NOT_ASCENDING', {
      current: { ...current, signers: of([carol, carolAsPasskey], 2) },
      approvals: (digest) => [
        ...approve([carol, carolAsPasskey], [carol], digest),
        ...approve([carol, carolAsPasskey], [carolAsPasskey], digest),
      ],
    }),
    scenario('the order is named before the signers', 'APPROVALS_NOT_ASCENDING', {
      current: twoOfThree,
      approvals: (digest) => approve([dave, erin], [dave, erin], digest).reverse(),
    }),
    scenario('a stranger with the proof of a signer', 'NOT_A_SIGNER', {
      approvals: (digest) =>
        approve(team, [alice], digest).map((it) => ({ ...it, key: dave.key, signature: dave.sign(digest) })),
    }),
    scenario('a stranger without a proof', 'NOT_A_SIGNER', {
      approvals: (digest) => approve([dave], [dave], digest),
    }),
    scenario('a signer with a sibling missing', 'NOT_A_SIGNER', {
      approvals: (digest) =>
        approve(team, [alice], digest).map((it) => ({ ...it, proof: it.proof.slice(1) })),
    }),
    scenario('a signer under another scheme', 'NOT_A_SIGNER', {
      approvals: (digest) =>
        approve(team, [carol], digest).map((it) => ({
          ...it,
          scheme: 3,
          signature: carolAsPasskey.sign(digest),
        })),
    }),
    scenario('a guardian in place of a signer', 'NOT_A_SIGNER', {
      approvals: (digest) => approve(guardians, [frank], digest),
    }),
    scenario('a proof of 21 siblings', 'NOT_A_SIGNER', {
      current: { ...current, signers: authority(tooDeep.root, 1) },
      approvals: (digest) => [{ ...tooDeep.approval, signature: alice.sign(digest) }],
    }),
    scenario('the signers are named before the signatures', 'NOT_A_SIGNER', {
      current: twoOfThree,
      approvals: (digest) => {
        const approvals = approve([alice, dave], [alice, dave], digest)
        return approvals.map((it) => ({ ...it, signature: sibling(it, digest) }))
      },
    }),
    ...team.map((signer) =>
      scenario(`a signature of scheme ${signer.scheme} over another digest`, 'BAD_SIGNATURE', {
        approvals: () => approve(team, [signer], hashOf('another digest')),
      }),
    ),
    scenario('one of two signatures is of another signer', 'BAD_SIGNATURE', {
      current: twoOfThree,
      approvals: (digest) =>
        approve(team, [alice, carol], digest).map((it) =>
          it.scheme === 2 ? { ...it, signature: erin.sign(digest) } : it,
        ),
    }),
    scenario('signed for another keystore', 'BAD_SIGNATURE', {
      approvals: () => approve(team, [alice], digestOf({ id: hashOf('another keystore') })),
    }),
    scenario('signed for another rollup', 'BAD_SIGNATURE', {
      approvals: () => approve(team, [alice], digestOf({ chainId: CHAIN_ID + 1n })),
    }),
    scenario('signed for another previous config', 'BAD_SIGNATURE', {
      approvals: () => approve(team, [alice], digestOf({ previous: hashOf('another config') })),
    }),
    scenario('signed as a started recovery', 'BAD_SIGNATURE', {
      approvals: () => approve(team, [alice], digestOf({ kind: 1 })),
    }),
  ]
}

/** The signature that every signer but the right one makes: erin's, in the shape of the approval's scheme. */
function sibling({ scheme }: Approval, digest: Hex): Hex {
  return createTestSigner(scheme, 'erin').sign(digest)
}

function digestOf(changes: { id?: Hex; chainId?: bigint; previous?: Hex; kind?: 0 | 1 }): Hex {
  const next = { ...current, nonce: 7n }
  return setConfigDigest({
    chainId: CHAIN_ID,
    kind: 0,
    id: ID,
    previous: configHash(current),
    next,
    ...changes,
  })
}

function openingCases(): Scenario[] {
  const pair = [alice, dave]
  const strangers = [dave, erin]
  const toPair = { signers: of(pair, 1) }
  const toStrangers = { signers: of(strangers, 1) }
  const toBothStrangers = { signers: of(strangers, 2) }
  const carolAlone: Config = { ...current, signers: of([carol], 1) }
  const byCarol = (digest: Hex) => approve([carol], [carol], digest)
  const wrong = hashOf('another digest')
  const mostOfMany = many.slice(4)
  return [
    scenario('the approver stays: its leaf opened, unsigned', '', {
      changes: toPair,
      openings: () => open(pair, [alice]),
    }),
    scenario('the new signer signs its opening', '', {
      changes: toPair,
      openings: (digest) => approve(pair, [dave], digest),
    }),
    scenario('a rotation to one stranger, who signs', '', {
      changes: { signers: of([erin], 1) },
      openings: (digest) => approve([erin], [erin], digest),
    }),
    scenario('two openings, one signed', '', {
      changes: toBothStrangers,
      openings: (digest) => withUnsigned(approve(strangers, strangers, digest), erin),
    }),
    scenario('two openings, both signed', '', {
      changes: toBothStrangers,
      openings: (digest) => approve(strangers, strangers, digest),
    }),
    scenario('only the threshold changes', '', {
      changes: { signers: of(team, 2) },
      openings: () => open(team, [alice, bob]),
    }),
    scenario('sixteen openings, one of them the approver', '', {
      changes: { signers: of([alice, ...mostOfMany], 16) },
      openings: () => open([alice, ...mostOfMany], [alice, ...mostOfMany.slice(1)]),
    }),

    scenario('the signers stay, with an opening', 'UNEXPECTED_OPENINGS', {
      openings: () => open(team, [alice]),
    }),
    scenario('new signers without openings', 'WRONG_OPENING_COUNT', { changes: toPair }),
    scenario('only the threshold changes, without openings', 'WRONG_OPENING_COUNT', {
      changes: { signers: of(team, 2) },
    }),
    scenario('one opening too few', 'WRONG_OPENING_COUNT', {
      changes: toBothStrangers,
      openings: (digest) => approve(strangers, [dave], digest),
    }),
    scenario('one opening too many', 'WRONG_OPENING_COUNT', {
      changes: toPair,
      openings: () => open(pair, pair),
    }),
    scenario('openings in descending order', 'OPENINGS_NOT_ASCENDING', {
      changes: toBothStrangers,
      openings: (digest) => approve(strangers, strangers, digest).reverse(),
    }),
    scenario('the same opening twice', 'OPENINGS_NOT_ASCENDING', {
      changes: toBothStrangers,
      openings: (digest) => [...approve(strangers, [dave], digest), ...approve(strangers, [dave], digest)],
    }),
    scenario('an opening of a current signer who leaves', 'OPENING_NOT_IN_ROOT', {
      changes: toStrangers,
      openings: () => open(team, [alice]),
    }),
    scenario('an opening with the proof of another', 'OPENING_NOT_IN_ROOT', {
      changes: { signers: of([dave, erin, bob], 1) },
      openings: (digest) =>
        approve([dave, erin, bob], [dave], digest).map((it) => ({ ...it, proof: [hashOf('nothing')] })),
    }),
    scenario('an opening with a proof of 21 siblings', 'OPENING_NOT_IN_ROOT', {
      changes: { signers: authority(deepTree(21).root, 1) },
      openings: (digest) => [{ ...deepTree(21).approval, signature: alice.sign(digest) }],
    }),
    scenario('an opening with a signature over another digest', 'BAD_OPENING_SIGNATURE', {
      changes: toPair,
      openings: () => approve(pair, [dave], wrong),
    }),
    scenario('a bad signature in the opening of the approver', 'BAD_OPENING_SIGNATURE', {
      changes: toPair,
      openings: () => approve(pair, [alice], wrong),
    }),
    scenario('two openings, one signature bad', 'BAD_OPENING_SIGNATURE', {
      changes: toBothStrangers,
      openings: (digest) =>
        approve(strangers, strangers, digest).map((it) =>
          it.key === erin.key ? { ...it, signature: erin.sign(wrong) } : it,
        ),
    }),
    scenario('new signers, none of whom signs', 'NO_USABLE_SIGNER', {
      changes: toStrangers,
      openings: () => open(strangers, [dave]),
    }),
    scenario('the approver stays but another leaf is opened', 'NO_USABLE_SIGNER', {
      changes: toPair,
      openings: () => open(pair, [dave]),
    }),
    scenario('the key of the approver under another scheme', 'NO_USABLE_SIGNER', {
      current: carolAlone,
      changes: { signers: of([carolAsPasskey], 1) },
      approvals: byCarol,
      openings: () => open([carolAsPasskey], [carolAsPasskey]),
    }),
  ]
}

function wellFormedCases(): Scenario[] {
  const refused = (name: string, changes: Partial<Config>) =>
    scenario(name, 'CONFIG_NOT_WELL_FORMED', { changes })
  const accepted = (name: string, changes: Partial<Config>) => scenario(name, '', { changes })
  const unfitInitial: Config = { ...initial, maxStaleness: 1 }
  const { root } = current.signers
  const guardiansRoot = current.guardians.root
  return [
    refused('signers threshold 0', { signers: authority(root, 0) }),
    refused('signers threshold 17', { signers: authority(root, 17) }),
    refused('signers threshold 255', { signers: authority(root, 255) }),
    refused('signers root zero', { signers: authority(ZERO_HASH, 1) }),
    refused('signers none', { signers: NO_AUTHORITY }),
    refused('guardians threshold 17', { guardians: authority(guardiansRoot, 17) }),
    refused('guardians threshold 0 with a root', { guardians: authority(guardiansRoot, 0) }),
    refused('guardians threshold 0 with a root and no delay', {
      guardians: authority(guardiansRoot, 0),
      recoveryDelay: 0,
    }),
    refused('guardians root zero with a threshold', { guardians: authority(ZERO_HASH, 1) }),
    refused('guardians root zero with a threshold and no delay', {
      guardians: authority(ZERO_HASH, 1),
      recoveryDelay: 0,
    }),
    refused('guardians with a delay of one second less than allowed', {
      recoveryDelay: MIN_RECOVERY_DELAY - 1,
    }),
    refused('guardians with no delay', { recoveryDelay: 0 }),
    refused('no guardians but a delay', { guardians: NO_AUTHORITY }),
    refused('stale after one second less than allowed', { maxStaleness: 2 * CHALLENGE_PERIOD - 1 }),
    refused('stale after a second', { maxStaleness: 1 }),
    accepted('guardians threshold 16', { guardians: authority(guardiansRoot, 16) }),
    accepted('the longest delay', { recoveryDelay: 2 ** 32 - 1 }),
    accepted('stale after two challenge periods', { maxStaleness: 2 * CHALLENGE_PERIOD }),
    accepted('stale after the longest time', { maxStaleness: 2 ** 32 - 1 }),
    scenario('an initial config that is not well-formed', 'CONFIG_NOT_WELL_FORMED', {
      current: unfitInitial,
      id: configHash(unfitInitial),
      initial: unfitInitial,
      changes: { maxStaleness: 0 },
    }),
  ]
}

const recovered: Partial<Config> = { signers: of([erin], 1) }
const recoveredConfig: Config = { ...current, ...recovered, nonce: 7n }
const pendingRecovery: Recovery = {
  configHash: configHash(recoveredConfig),
  nonce: 7n,
  readyAt: TIMESTAMP,
}
const overtakenRecovery: Recovery = { configHash: hashOf('an overtaken recovery'), nonce: 6n, readyAt: 1n }

function recoveryCases(): Scenario[] {
  const byTwo = (digest: Hex) => approve(guardians, [frank, grace], digest)
  const byErin = (digest: Hex) => approve([erin], [erin], digest)
  const start = (
    name: string,
    reason: InvalidReason | '',
    parts: Draft & Omit<Partial<Scenario>, 'tx'> = {},
  ) =>
    scenario(`start: ${name}`, reason, {
      kind: 1,
      changes: recovered,
      approvals: byTwo,
      openings: byErin,
      ...parts,
    })
  const noGuardians: Config = { ...current, guardians: NO_AUTHORITY, recoveryDelay: 0 }
  return [
    start('two guardians of three', ''),
    start('over an overtaken recovery', '', { recovery: overtakenRecovery }),
    start('of a keystore never updated', '', { current: initial, id: configHash(initial), initial }),
    start('to the same signers', '', { changes: { data: '0x00' }, openings: () => [] }),
    start('the guardians become the signers, unsigned', '', {
      changes: { signers: of(guardians, 2) },
      openings: () => open(guardians, [frank, heidi]),
    }),
    start('while another is pending', 'RECOVERY_PENDING', { recovery: pendingRecovery }),
    start('while another is pending whose time has not come', 'RECOVERY_PENDING', {
      recovery: { ...pendingRecovery, readyAt: TIMESTAMP + 1n },
    }),
    start('the pending one is named before the missing guardians', 'RECOVERY_PENDING', {
      current: noGuardians,
      recovery: pendingRecovery,
    }),
    start('without guardians', 'NO_GUARDIANS', { current: noGuardians }),
    start('without guardians and without approvals', 'NO_GUARDIANS', {
      current: noGuardians,
      approvals: () => [],
    }),
    start('the nonce is the current one', 'NONCE_TOO_LOW', { changes: { nonce: 6n } }),
    start('the nonce skips one', 'NONCE_TOO_HIGH', { changes: { nonce: 8n } }),
    start('not well-formed', 'CONFIG_NOT_WELL_FORMED', { changes: { ...recovered, recoveryDelay: 0 } }),
    start('one guardian of three', 'WRONG_APPROVAL_COUNT', {
      approvals: (digest) => approve(guardians, [frank], digest),
    }),
    start('two guardians in descending order', 'APPROVALS_NOT_ASCENDING', {
      approvals: (digest) => byTwo(digest).reverse(),
    }),
    start('two signers in place of guardians', 'NOT_A_SIGNER', {
      approvals: (digest) => approve(team, [alice, bob], digest),
    }),
    start('signed as an update', 'BAD_SIGNATURE', {
      approvals: () =>
        byTwo(
          setConfigDigest({
            chainId: CHAIN_ID,
            kind: 0,
            id: ID,
            previous: configHash(current),
            next: recoveredConfig,
          }),
        ),
    }),
    start('to the same signers, with an opening', 'UNEXPECTED_OPENINGS', {
      changes: { data: '0x00' },
      openings: () => open(team, [alice]),
    }),
    start('without openings', 'WRONG_OPENING_COUNT', { openings: () => [] }),
    start('openings in descending order', 'OPENINGS_NOT_ASCENDING', {
      changes: { signers: of([dave, erin], 2) },
      openings: (digest) => approve([dave, erin], [dave, erin], digest).reverse(),
    }),
    start('an opening outside the next root', 'OPENING_NOT_IN_ROOT', {
      openings: (digest) => approve([dave], [dave], digest),
    }),
    start('an opening signed as an update', 'BAD_OPENING_SIGNATURE', {
      openings: () =>
        byErin(
          setConfigDigest({
            chainId: CHAIN_ID,
            kind: 0,
            id: ID,
            previous: configHash(current),
            next: recoveredConfig,
          }),
        ),
    }),
    start('no next signer signs', 'NO_USABLE_SIGNER', { openings: () => open([erin], [erin]) }),
  ]
}

function completionCases(): Scenario[] {
  const complete = (
    name: string,
    reason: InvalidReason | '',
    parts: Draft & Omit<Partial<Scenario>, 'tx'> = {},
  ) =>
    scenario(`complete: ${name}`, reason, {
      kind: 2,
      changes: recovered,
      approvals: () => [],
      recovery: pendingRecovery,
      ...parts,
    })
  const afterInitial: Config = { ...initial, ...recovered, nonce: 1n }
  const pendingAfterInitial: Recovery = {
    configHash: configHash(afterInitial),
    nonce: 1n,
    readyAt: TIMESTAMP,
  }
  const dropped = draft({ kind: 2, changes: recovered, approvals: () => [] })
  return [
    complete('in the second its time comes', ''),
    complete('long after', '', { timestamp: TIMESTAMP + 10_000_000n }),
    complete('of a keystore never updated', '', {
      current: initial,
      id: configHash(initial),
      initial,
      recovery: pendingAfterInitial,
    }),
    { name: 'complete: nothing was started', reason: 'NO_RECOVERY_PENDING', current, tx: dropped },
    complete('an overtaken one', 'NO_RECOVERY_PENDING', { recovery: overtakenRecovery }),
    complete('another config', 'RECOVERY_MISMATCH', { changes: { ...recovered, data: '0x00' } }),
    complete('the mismatch is named before the time', 'RECOVERY_MISMATCH', {
      changes: { ...recovered, data: '0x00' },
      timestamp: TIMESTAMP - 1n,
    }),
    complete('a second too early', 'RECOVERY_NOT_READY', { timestamp: TIMESTAMP - 1n }),
    complete('with an approval', 'UNEXPECTED_APPROVALS', {
      approvals: (digest) => approve(team, [alice], digest),
    }),
    complete('with an opening', 'UNEXPECTED_APPROVALS', { openings: () => open([erin], [erin]) }),
    complete('the nonce is the current one', 'NONCE_TOO_LOW', { changes: { ...recovered, nonce: 6n } }),
    complete('the nonce skips one', 'NONCE_TOO_HIGH', { changes: { ...recovered, nonce: 8n } }),
    complete('not well-formed', 'CONFIG_NOT_WELL_FORMED', { changes: { ...recovered, maxStaleness: 1 } }),
  ]
}

/** Takes one signer's signature away. */
function withUnsigned(approvals: Approval[], signer: TestSigner): Approval[] {
  return approvals.map((it) => (it.key === signer.key ? { ...it, signature: '0x' } : it))
}

/** Makes a tree of which only alice's leaf and its siblings are known: cheaper than a million leaves. */
function deepTree(depth: number): { root: Hex; approval: Omit<Approval, 'signature'> } {
  const proof = Array.from({ length: depth }, (_, i) => hashOf(`deep sibling ${i}`))
  const { scheme, key } = alice
  return { root: rootFromProof(signerLeaf(alice), proof), approval: { scheme, key, proof } }
}

function toCase({ name, reason, current, recovery, timestamp = TIMESTAMP, tx }: Scenario) {
  return {
    name,
    kind: tx.kind.toString(),
    chainId: tx.chainId.toString(),
    minRecoveryDelay: MIN_RECOVERY_DELAY.toString(),
    challengePeriod: CHALLENGE_PERIOD.toString(),
    timestamp: timestamp.toString(),
    id: tx.id,
    current: { ...flattenConfig(current), dataHash: toShortConfig(current).dataHash },
    hasRecovery: recovery !== undefined,
    recoveryConfigHash: recovery?.configHash ?? ZERO_HASH,
    recoveryNonce: (recovery?.nonce ?? 0n).toString(),
    recoveryReadyAt: (recovery?.readyAt ?? 0n).toString(),
    raw: toHex(setConfigToBytes(tx)),
    valid: reason === '',
    reason,
    headHash: configHash(current),
    nextHash: configHash(tx.next),
  }
}
