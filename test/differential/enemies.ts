import { p256 } from '@noble/curves/nist.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import type { Hex } from 'viem'
import {
  type Approval,
  type Authority,
  type Config,
  concat,
  configHash,
  createSignerTree,
  decodeRlp,
  encodeRlp,
  encodeWebAuthnSignature,
  fromHex,
  type InvalidReason,
  NO_AUTHORITY,
  type RlpItem,
  rootFromProof,
  type SetConfig,
  setConfigDigest,
  setConfigToBytes,
  signerLeaf,
  toHex,
} from '../../protocol/index.ts'
import {
  approve,
  createTestSigner,
  DEFAULT_WEBAUTHN,
  open,
  signWebAuthn,
  type TestSigner,
} from '../testSigners.ts'

/** What the rules say of bytes: an update that is valid, no set-config, or why it is invalid (protocol.md §3). */
export type Verdict = 'valid' | 'undecodable' | InvalidReason

/** Bytes made to be taken by one side and refused by the other, and what both must say of them. */
export type Enemy = { name: string; current: Config; raw: Uint8Array; verdict: Verdict }

/** The rollup that the enemies are sent to. */
export const ENEMY_ROLLUP = { chainId: 4_200_777n, limits: { minRecoveryDelay: 100, challengePeriod: 1000 } }

type DigestInput = Parameters<typeof setConfigDigest>[0]

type Draft = {
  /** Signers in the tree of the config in force, and those of them that approve. */
  all?: TestSigner[]
  by?: TestSigner[]
  /** The same of the next config, when it has others; those that open sign, unless told otherwise. */
  nextAll?: TestSigner[]
  nextBy?: TestSigner[]
  unsignedOpenings?: boolean
  current?: Partial<Config>
  next?: Partial<Config>
  /** What is signed instead of the right digest. */
  digest?: (right: DigestInput) => Hex
  /** Spoils what was signed. */
  spoil?: (tx: SetConfig, digest: Hex) => SetConfig
}

const EC = createTestSigner(1, 'enemy')
const EC2 = createTestSigner(1, 'second enemy')
const P = createTestSigner(2, 'enemy')
const P2 = createTestSigner(2, 'second enemy')
const W = createTestSigner(3, 'enemy')
const SIXTEEN = Array.from({ length: 16 }, (_, i) => createTestSigner(3, `enemy ${i}`))
const SEVENTEEN = [...SIXTEEN, EC]
const MAX_UINT64 = 2n ** 64n - 1n
const SECP256K1_ORDER = secp256k1.Point.CURVE().n
const P256_ORDER = p256.Point.CURVE().n
const SOME_ROOT: Hex = `0x${'5a'.repeat(32)}`

/** All enemies. Each stands on one edge of one rule; where an edge has two sides, both are there. */
export function createEnemies(): Enemy[] {
  return [
    ...signatures(),
    ...webAuthn(),
    ...signers(),
    ...openings(),
    ...configs(),
    ...initials(),
    ...digests(),
    ...lengths(),
    ...lists(),
  ]
}

function signatures(): Enemy[] {
  const bad: [string, (signature: Hex) => Hex][] = [
    ['r of zero', (signature) => withWord(signature, 0, 0n)],
    ['s of zero', (signature) => withWord(signature, 1, 0n)],
    ['r and s of zero', (signature) => withWord(withWord(signature, 0, 0n), 1, 0n)],
    ['r and s of all ones', (signature) => withWord(withWord(signature, 0, -1n), 1, -1n)],
  ]
  const ofOrder = (order: bigint): [string, (signature: Hex) => Hex][] => [
    ['the order as r', (signature) => withWord(signature, 0, order)],
    ['r and the order', (signature) => withWord(signature, 0, wordOf(signature, 0) + order)],
    ['the order as s', (signature) => withWord(signature, 1, order)],
    ['half the order, rounded up, as s', (signature) => withWord(signature, 1, (order >> 1n) + 1n)],
    ['half the order as s', (signature) => withWord(signature, 1, order >> 1n)],
  ]
  const vs = [0, 1, 2, 26, 29, 30, 35, 255].map((v): [string, (signature: Hex) => Hex] => [
    `a recovery id of ${v}`,
    (signature) => withLastByte(signature, v),
  ])
  const highS = (signature: Hex): Hex => {
    const swapped = withWord(signature, 1, SECP256K1_ORDER - wordOf(signature, 1))
    return withLastByte(swapped, lastByte(signature) === 27 ? 28 : 27)
  }
  return [
    ...(['secp256k1', 'P-256', 'WebAuthn'] as const).flatMap((name, i) => {
      const signer = [EC, P, W][i] ?? EC
      return [
        enemy(`${name}: a good signature`, 'valid', { all: [signer] }),
        ...[...bad, ...ofOrder(i === 0 ? SECP256K1_ORDER : P256_ORDER)].map(([what, spoil]) =>
          enemy(`${name}: ${what}`, 'BAD_SIGNATURE', { all: [signer], spoil: onSignature(spoil, signer) }),
        ),
      ]
    }),
    ...vs.map(([what, spoil]) =>
      enemy(`secp256k1: ${what}`, 'BAD_SIGNATURE', { spoil: onSignature(spoil, EC) }),
    ),
    enemy('secp256k1: high s with the other recovery id', 'BAD_SIGNATURE', { spoil: onSignature(highS, EC) }),
    ...[P, W].map((signer) =>
      enemy(`scheme ${signer.scheme}: high s`, 'BAD_SIGNATURE', {
        all: [signer],
        spoil: onSignature((rs) => withWord(rs, 1, P256_ORDER - wordOf(rs, 1)), signer),
      }),
    ),
    enemy('secp256k1: the address zero, which a failed recovery answers', 'BAD_SIGNATURE', {
      all: [pretender(1, `0x${'00'.repeat(20)}`)],
    }),
    ...([2, 3] as const).flatMap((scheme) => [
      enemy(`scheme ${scheme}: the point at infinity as key`, 'BAD_SIGNATURE', {
        all: [pretender(scheme, `0x${'00'.repeat(64)}`)],
      }),
      enemy(`scheme ${scheme}: a key off the curve`, 'BAD_SIGNATURE', {
        all: [pretender(scheme, withWord(P.key, 1, wordOf(P.key, 1) ^ 1n))],
      }),
      enemy(`scheme ${scheme}: a key with coordinates above the field`, 'BAD_SIGNATURE', {
        all: [pretender(scheme, `0x${'ff'.repeat(64)}`)],
      }),
    ]),
    enemy('secp256k1: 64 bytes', 'undecodable', { spoil: onBytes((bytes) => bytes.subarray(0, 64)) }),
    enemy('secp256k1: 66 bytes', 'undecodable', {
      spoil: onBytes((bytes) => concat(bytes, Uint8Array.of(0))),
    }),
    enemy('P-256: 63 bytes', 'undecodable', { all: [P], spoil: onBytes((bytes) => bytes.subarray(1)) }),
    enemy('P-256: the signature of WebAuthn', 'undecodable', {
      all: [P],
      spoil: (tx, digest) => onBytes(() => fromHex(W.sign(digest)))(tx),
    }),
  ]
}

function webAuthn(): Enemy[] {
  const data = fromHex(DEFAULT_WEBAUTHN.authenticatorData)
  const withData = (name: string, verdict: Verdict, authenticatorData: Uint8Array) =>
    enemy(`WebAuthn: ${name}`, verdict, {
      all: [W],
      spoil: signedAnew({ ...DEFAULT_WEBAUTHN, authenticatorData: toHex(authenticatorData) }),
    })
  const withTail = (name: string, verdict: Verdict, tail: string) =>
    enemy(`WebAuthn: ${name}`, verdict, {
      all: [W],
      spoil: signedAnew({ ...DEFAULT_WEBAUTHN, clientDataTail: toHex(new TextEncoder().encode(tail)) }),
    })
  const reencoded = (change: (parts: Uint8Array[]) => Uint8Array[]) =>
    onBytes((bytes) => encodeRlp(change([...(decodeRlp(bytes) as Uint8Array[])])))
  return [
    withData('37 bytes of authenticator data', 'valid', data),
    withData('36 bytes of authenticator data', 'undecodable', data.subarray(0, 36)),
    withData('512 bytes of authenticator data', 'valid', concat(data, new Uint8Array(475))),
    withData('513 bytes of authenticator data', 'undecodable', concat(data, new Uint8Array(476))),
    withData('no user present, though verified', 'BAD_SIGNATURE', data.with(32, 0xfe)),
    withData('nothing but a user present', 'valid', data.with(32, 0x01)),
    withTail('a tail of a quote alone', 'valid', '"'),
    withTail('an empty tail', 'undecodable', ''),
    withTail(
      'a tail that continues the challenge',
      'BAD_SIGNATURE',
      'AA","origin":"https://keyroll.example"}',
    ),
    withTail(
      'a tail that starts with a backslash',
      'BAD_SIGNATURE',
      '\\","origin":"https://keyroll.example"}',
    ),
    withTail('a tail that is no JSON', 'valid', '"} and more'),
    withTail('a tail of 1024 bytes', 'valid', `"${'x'.repeat(1023)}`),
    withTail('a tail of 1025 bytes', 'undecodable', `"${'x'.repeat(1024)}`),
    enemy('WebAuthn: a fourth item', 'undecodable', {
      all: [W],
      spoil: reencoded((parts) => [...parts, new Uint8Array()]),
    }),
    enemy('WebAuthn: two items', 'undecodable', { all: [W], spoil: reencoded((parts) => parts.slice(0, 2)) }),
    enemy('WebAuthn: 65 bytes of r and s', 'undecodable', {
      all: [W],
      spoil: reencoded(([a, b, rs]) => [a ?? data, b ?? data, concat(rs ?? data, Uint8Array.of(0))]),
    }),
    enemy('WebAuthn: a byte after the list', 'undecodable', {
      all: [W],
      spoil: onBytes((bytes) => concat(bytes, Uint8Array.of(0x80))),
    }),
    enemy('WebAuthn: the signature of P-256', 'undecodable', {
      all: [W],
      spoil: (tx, digest) => onBytes(() => fromHex(P.sign(digest)))(tx),
    }),
    enemy('WebAuthn: what the same key signed as P-256', 'BAD_SIGNATURE', {
      all: [W],
      spoil: (tx, digest) =>
        onBytes(() =>
          fromHex(
            encodeWebAuthnSignature({
              ...DEFAULT_WEBAUTHN,
              rs: toHex(p256.sign(fromHex(digest), W.privateKey)),
            }),
          ),
        )(tx),
    }),
  ]
}

function signers(): Enemy[] {
  const twin = {
    ...P,
    scheme: 3 as const,
    sign: (digest: Hex) => signWebAuthn(P.privateKey, digest, DEFAULT_WEBAUTHN),
  }
  const deep = (length: number): Draft => {
    const proof = Array.from({ length }, (_, i) => toHex(Uint8Array.of(...new Array(31).fill(0xab), i)))
    const authority = { root: rootFromProof(signerLeaf(EC), proof), threshold: 1 }
    return {
      current: { signers: authority },
      next: { signers: authority },
      spoil: (tx) => ({ ...tx, approvals: tx.approvals.map((approval) => ({ ...approval, proof })) }),
    }
  }
  const noThreshold = { root: createSignerTree([EC]).root, threshold: 0 }
  return [
    enemy('no approvals', 'WRONG_APPROVAL_COUNT', { by: [] }),
    enemy('one approval too few', 'WRONG_APPROVAL_COUNT', {
      all: [EC, P],
      by: [EC],
      current: { signers: treeAuthority([EC, P], 2) },
      next: { signers: treeAuthority([EC, P], 2) },
    }),
    enemy('one approval too many', 'WRONG_APPROVAL_COUNT', {
      all: [EC, P],
      by: [EC, P],
      current: { signers: treeAuthority([EC, P], 1) },
      next: { signers: treeAuthority([EC, P], 1) },
    }),
    enemy('one approval twice', 'APPROVALS_NOT_ASCENDING', {
      all: [EC, P],
      by: [EC, EC],
      current: { signers: treeAuthority([EC, P], 2) },
      next: { signers: treeAuthority([EC, P], 2) },
    }),
    enemy('one key by two schemes', 'APPROVALS_NOT_ASCENDING', { all: [P, twin], by: [P, twin] }),
    enemy('approvals the other way around', 'APPROVALS_NOT_ASCENDING', {
      all: [EC, EC2],
      by: [EC, EC2],
      spoil: (tx) => ({ ...tx, approvals: tx.approvals.toReversed() }),
    }),
    enemy('a stranger', 'NOT_A_SIGNER', {
      spoil: (tx, digest) => ({ ...tx, approvals: approve([EC2], [EC2], digest) }),
    }),
    enemy("a signer's key under another scheme", 'NOT_A_SIGNER', {
      all: [P],
      spoil: (tx, digest) => ({
        ...tx,
        approvals: tx.approvals.map((approval) => ({ ...approval, scheme: 3, signature: twin.sign(digest) })),
      }),
    }),
    enemy('sixteen of sixteen', 'valid', { all: SIXTEEN, by: SIXTEEN }),
    enemy('a proof of twenty', 'valid', deep(20)),
    enemy('a proof of twenty-one', 'NOT_A_SIGNER', deep(21)),
    // No config in force has a threshold of zero: it was valid when it came into force, or the initial one is refused. Both
    // sides refuse it all the same, and not because of what nobody can bring about.
    enemy('a threshold of zero in force, and nobody', 'WRONG_APPROVAL_COUNT', {
      by: [],
      current: { nonce: 4n, signers: noThreshold },
      next: { nonce: 5n, signers: treeAuthority([EC], 1) },
    }),
  ]
}

function openings(): Enemy[] {
  const twin = {
    ...P,
    scheme: 3 as const,
    sign: (digest: Hex) => signWebAuthn(P.privateKey, digest, DEFAULT_WEBAUTHN),
  }
  return [
    enemy('an opening of the same signers', 'UNEXPECTED_OPENINGS', {
      spoil: (tx, digest) => ({ ...tx, openings: approve([EC], [EC], digest) }),
    }),
    enemy('new signers, one of whom signs', 'valid', { nextAll: [P, W], nextBy: [P] }),
    enemy('new signers, none of whom signs', 'NO_USABLE_SIGNER', {
      nextAll: [P, W],
      nextBy: [P],
      unsignedOpenings: true,
    }),
    enemy('new signers, not opened', 'WRONG_OPENING_COUNT', { nextAll: [P], nextBy: [] }),
    enemy('an approver among the new signers, who need not sign again', 'valid', {
      nextAll: [EC, P],
      nextBy: [EC],
      unsignedOpenings: true,
    }),
    enemy("an approver's key among the new signers by another scheme", 'NO_USABLE_SIGNER', {
      all: [P],
      nextAll: [twin],
      nextBy: [twin],
      unsignedOpenings: true,
    }),
    enemy('the same root with another threshold, not opened', 'WRONG_OPENING_COUNT', {
      all: [EC, P],
      by: [EC],
      current: { signers: treeAuthority([EC, P], 1) },
      next: { signers: treeAuthority([EC, P], 2) },
    }),
    enemy('an opening of another root', 'OPENING_NOT_IN_ROOT', {
      nextAll: [P],
      nextBy: [P],
      spoil: (tx, digest) => ({ ...tx, openings: approve([P2], [P2], digest) }),
    }),
    enemy('an opening signed badly beside one signed well', 'BAD_OPENING_SIGNATURE', {
      nextAll: [EC2, P2],
      nextBy: [EC2, P2],
      spoil: (tx) => ({
        ...tx,
        openings: tx.openings.map((opening, i) =>
          i === 0 ? { ...opening, signature: withWord(opening.signature, 0, 1n) } : opening,
        ),
      }),
    }),
    enemy('one opening twice', 'OPENINGS_NOT_ASCENDING', {
      nextAll: [EC2, P2],
      nextBy: [EC2, EC2],
      next: { signers: treeAuthority([EC2, P2], 2) },
    }),
    enemy('an unsigned approval', 'undecodable', { spoil: onBytes(() => new Uint8Array()) }),
  ]
}

function configs(): Enemy[] {
  const next = (name: string, verdict: Verdict, change: Partial<Config>) =>
    enemy(name, verdict, { next: change })
  const root = createSignerTree([EC]).root
  const bad = 'CONFIG_NOT_WELL_FORMED'
  return [
    next('next signers of root zero', bad, { signers: { root: NO_AUTHORITY.root, threshold: 1 } }),
    next('a next threshold of zero', bad, { signers: { root, threshold: 0 } }),
    next('a next threshold of seventeen', bad, { signers: { root, threshold: 17 } }),
    next('a next threshold of 255', bad, { signers: { root, threshold: 255 } }),
    enemy('seventeen new signers', bad, { nextAll: SEVENTEEN, nextBy: SEVENTEEN }),
    next('guardians without a threshold', bad, { guardians: { root, threshold: 0 }, recoveryDelay: 100 }),
    next('guardians without a root', bad, {
      guardians: { root: NO_AUTHORITY.root, threshold: 1 },
      recoveryDelay: 100,
    }),
    next('seventeen guardians to approve', bad, { guardians: { root, threshold: 17 }, recoveryDelay: 100 }),
    next('sixteen guardians to approve', 'valid', { guardians: { root, threshold: 16 }, recoveryDelay: 100 }),
    next('a recovery delay a second too short', bad, {
      guardians: { root, threshold: 1 },
      recoveryDelay: 99,
    }),
    next('no recovery delay', bad, { guardians: { root, threshold: 1 }, recoveryDelay: 0 }),
    next('a recovery delay without guardians', bad, { recoveryDelay: 100 }),
    next('the longest recovery delay', 'valid', {
      guardians: { root: SOME_ROOT, threshold: 1 },
      recoveryDelay: 2 ** 32 - 1,
    }),
    next('a staleness of a second', bad, { maxStaleness: 1 }),
    next('a staleness a second too short', bad, { maxStaleness: 1999 }),
    next('the shortest staleness', 'valid', { maxStaleness: 2000 }),
    next('the longest staleness', 'valid', { maxStaleness: 2 ** 32 - 1 }),
    next('no data', 'valid', { data: '0x' }),
    next('one byte of data, which is its own RLP', 'valid', { data: '0x00' }),
    next('the most data', 'valid', { data: toHex(new Uint8Array(4096)) }),
    next('a byte of data too much', 'undecodable', { data: toHex(new Uint8Array(4097)) }),
    enemy('the last nonce', 'valid', { current: { nonce: MAX_UINT64 - 1n }, next: { nonce: MAX_UINT64 } }),
    enemy('the last nonce once more', 'NONCE_TOO_LOW', {
      current: { nonce: MAX_UINT64 },
      next: { nonce: MAX_UINT64 },
    }),
    enemy('a nonce of zero', 'undecodable', { current: { nonce: MAX_UINT64 }, next: { nonce: 0n } }),
    enemy('a nonce twice', 'NONCE_TOO_LOW', { current: { nonce: 7n }, next: { nonce: 7n } }),
    enemy('a nonce left out', 'NONCE_TOO_HIGH', { current: { nonce: 7n }, next: { nonce: 9n } }),
  ]
}

function initials(): Enemy[] {
  return [
    enemy('an initial config that is not well-formed', 'CONFIG_NOT_WELL_FORMED', {
      current: { maxStaleness: 1 },
    }),
    enemy('an initial threshold of zero, and nobody', 'CONFIG_NOT_WELL_FORMED', {
      by: [],
      current: { signers: { root: createSignerTree([EC]).root, threshold: 0 } },
    }),
    enemy('no initial config', 'undecodable', { spoil: (tx) => ({ ...tx, initial: undefined }) }),
    enemy('an initial config of a later nonce', 'undecodable', {
      current: { nonce: 3n },
      next: { nonce: 4n },
      spoil: (tx) => ({ ...tx, initial: configOf(0n, treeAuthority([EC], 1)) }),
    }),
    enemy('an initial config that is not the id', 'undecodable', {
      spoil: (tx) => ({ ...tx, initial: tx.initial && { ...tx.initial, data: '0x' } }),
    }),
    enemy('an initial config of nonce one', 'undecodable', {
      spoil: (tx) => {
        const initial = tx.initial && { ...tx.initial, nonce: 1n }
        return initial === undefined ? tx : { ...tx, id: configHash(initial), initial }
      },
    }),
  ]
}

function digests(): Enemy[] {
  const signed = (name: string, change: (right: DigestInput) => DigestInput) =>
    enemy(name, 'BAD_SIGNATURE', { digest: (right) => setConfigDigest(change(right)) })
  return [
    signed('signed for another rollup', (right) => ({ ...right, chainId: right.chainId + 1n })),
    signed('signed as the start of a recovery', (right) => ({ ...right, kind: 1 })),
    signed('signed for another keystore', (right) => ({ ...right, id: SOME_ROOT })),
    signed('signed on top of another config', (right) => ({ ...right, previous: SOME_ROOT })),
    signed('signed for another config', (right) => ({ ...right, next: SOME_ROOT })),
    enemy('the digest signed as a message', 'BAD_SIGNATURE', {
      digest: (right) => toHex(fromHex(setConfigDigest(right)).toReversed()),
    }),
    enemy('the chain id of another rollup', 'undecodable', {
      spoil: (tx) => ({ ...tx, chainId: tx.chainId + 1n }),
    }),
  ]
}

function lengths(): Enemy[] {
  const good = enemy('', 'valid', {})
  const spoilt = (name: string, raw: Uint8Array): Enemy => ({ ...good, name, raw, verdict: 'undecodable' })
  return [
    { ...ofLength(32_768), name: 'the longest set-config', verdict: 'valid' },
    { ...ofLength(32_769), name: 'a set-config a byte too long', verdict: 'undecodable' },
    spoilt('nothing', new Uint8Array()),
    spoilt('the type byte alone', good.raw.subarray(0, 1)),
    spoilt('another type byte', good.raw.with(0, 0x4a)),
    spoilt('no type byte', good.raw.subarray(1)),
    spoilt('a byte after the end', concat(good.raw, Uint8Array.of(0x80))),
    spoilt('a byte cut off the end', good.raw.subarray(0, -1)),
    spoilt('lists within lists', concat(Uint8Array.of(0x4b), nested(10_000))),
  ]
}

/** Every list with its end in another place that is also the end of an item: who minds the items alone reads on. */
function lists(): Enemy[] {
  const first = enemy('', 'valid', { all: [EC, P, W], nextAll: [EC2, P2] })
  const later = enemy('', 'valid', { all: [P, W], current: { nonce: 6n } })
  return [first, later].flatMap((good) =>
    renestings(decodeRlp(good.raw.subarray(1))).map(
      ({ what, item }): Enemy => ({
        current: good.current,
        name: `of nonce ${good.current.nonce}: ${what}`,
        raw: concat(good.raw.subarray(0, 1), encodeRlp(item)),
        verdict: 'undecodable',
      }),
    ),
  )
}

/** The item with each of its lists made to swallow what comes after it, or to leave its last item to its parent. */
function renestings(item: RlpItem, path = 'list'): { what: string; item: RlpItem }[] {
  if (item instanceof Uint8Array) return []
  return item.flatMap((child, i) => {
    const at = `${path} ${i}`
    const around = (...items: RlpItem[]) => [...item.slice(0, i), ...items]
    const deeper = renestings(child, at).map(({ what, item: changed }) => ({
      what,
      item: [...around(changed), ...item.slice(i + 1)],
    }))
    if (child instanceof Uint8Array) return deeper
    const next = item[i + 1]
    const last = child.at(-1)
    return [
      ...deeper,
      ...(next === undefined
        ? []
        : [
            {
              what: `${at} swallows the next item`,
              item: [...around([...child, next]), ...item.slice(i + 2)],
            },
          ]),
      ...(last === undefined
        ? []
        : [
            {
              what: `${at} leaves its last item outside`,
              item: [...around(child.slice(0, -1), last), ...item.slice(i + 1)],
            },
          ]),
    ]
  })
}

/** A set-config of sixteen WebAuthn signers, whose tails fill it up to a length. */
function ofLength(length: number): Enemy {
  const draft = (padding: readonly number[]): Draft => ({
    all: SIXTEEN,
    by: SIXTEEN,
    next: { data: toHex(new Uint8Array(4096)) },
    spoil: (tx, digest) => ({
      ...tx,
      approvals: tx.approvals.map((approval, i) => ({
        ...approval,
        signature: signWebAuthn(signerOf(approval).privateKey, digest, {
          authenticatorData: toHex(concat(fromHex(DEFAULT_WEBAUTHN.authenticatorData), new Uint8Array(475))),
          clientDataTail: toHex(new TextEncoder().encode(`"${'x'.repeat(padding[i] ?? 0)}`)),
        }),
      })),
    }),
  })
  const padding = new Array<number>(16).fill(900)
  for (;;) {
    const made = enemy('', 'valid', draft(padding))
    const missing = length - made.raw.length
    if (missing === 0) return made
    // Every tail stays between 256 and 1,023 bytes, so no length's own length changes.
    const at = padding.findIndex((pad) => (missing > 0 ? pad < 1023 : pad > 300))
    const pad = padding[at] ?? 0
    padding[at] = Math.min(1023, Math.max(300, pad + missing))
  }
}

function signerOf({ key }: Approval): TestSigner {
  return SIXTEEN.find((signer) => signer.key === key) ?? W
}

function nested(depth: number): Uint8Array {
  let bytes: Uint8Array = Uint8Array.of(0xc0)
  for (let i = 0; i < depth; i++) bytes = concat(listHead(bytes.length), bytes)
  return bytes
}

function listHead(length: number): Uint8Array {
  if (length < 56) return Uint8Array.of(0xc0 + length)
  return length < 256 ? Uint8Array.of(0xf8, length) : Uint8Array.of(0xf9, length >> 8, length & 0xff)
}

/** An update by `draft`: right in everything that it does not name. */
function enemy(name: string, verdict: Verdict, draft: Draft): Enemy {
  const all = draft.all ?? [EC]
  const by = draft.by ?? all
  const authority = treeAuthority(all, by.length || 1)
  const current = { ...configOf(0n, authority), ...draft.current }
  const nextAuthority = draft.nextAll ? treeAuthority(draft.nextAll, draft.nextBy?.length || 1) : authority
  const next = { ...configOf(current.nonce + 1n, nextAuthority), data: '0x6e657874' as Hex, ...draft.next }
  const id = current.nonce === 0n ? configHash(current) : SOME_ROOT
  const right: DigestInput = {
    chainId: ENEMY_ROLLUP.chainId,
    kind: 0,
    id,
    previous: configHash(current),
    next,
  }
  const digest = draft.digest?.(right) ?? setConfigDigest(right)
  const opened = draft.unsignedOpenings
    ? open
    : (of: TestSigner[], by: TestSigner[]) => approve(of, by, digest)
  const tx: SetConfig = {
    chainId: ENEMY_ROLLUP.chainId,
    id,
    kind: 0,
    initial: current.nonce === 0n ? current : undefined,
    next,
    approvals: approve(all, by, digest),
    openings: draft.nextAll ? opened(draft.nextAll, draft.nextBy ?? draft.nextAll) : [],
  }
  return { name, verdict, current, raw: setConfigToBytes(draft.spoil?.(tx, digest) ?? tx) }
}

function configOf(nonce: bigint, signers: Authority): Config {
  return { nonce, signers, guardians: NO_AUTHORITY, recoveryDelay: 0, maxStaleness: 0, data: '0x73616c74' }
}

function treeAuthority(all: readonly TestSigner[], threshold: number): Authority {
  return { root: createSignerTree(all).root, threshold }
}

/** A signer by a key that nobody has; its signature is somebody else's. */
function pretender(scheme: 1 | 2 | 3, key: Hex): TestSigner {
  return { ...([EC, P, W][scheme - 1] ?? EC), scheme, key }
}

function onBytes(change: (signature: Uint8Array) => Uint8Array) {
  return (tx: SetConfig): SetConfig => ({
    ...tx,
    approvals: tx.approvals.map((approval, i) =>
      i === 0 ? { ...approval, signature: toHex(change(fromHex(approval.signature))) } : approval,
    ),
  })
}

/** Changes `r ‖ s` (and what follows) of the first approval, wherever its scheme has it. */
function onSignature(change: (signature: Hex) => Hex, { scheme }: TestSigner) {
  return onBytes((bytes) => {
    if (scheme !== 3) return fromHex(change(toHex(bytes)))
    return concat(bytes.subarray(0, -64), fromHex(change(toHex(bytes.subarray(-64)))))
  })
}

function signedAnew(parameters: typeof DEFAULT_WEBAUTHN) {
  return (tx: SetConfig, digest: Hex): SetConfig =>
    onBytes(() => fromHex(signWebAuthn(W.privateKey, digest, parameters)))(tx)
}

function wordOf(hex: Hex, index: number): bigint {
  return BigInt(`0x${hex.slice(2 + 64 * index, 66 + 64 * index)}`)
}

function withWord(hex: Hex, index: number, value: bigint): Hex {
  const word = BigInt.asUintN(256, value).toString(16).padStart(64, '0')
  return `${hex.slice(0, 2 + 64 * index) as Hex}${word}${hex.slice(66 + 64 * index)}`
}

function lastByte(hex: Hex): number {
  return Number.parseInt(hex.slice(-2), 16)
}

function withLastByte(hex: Hex, byte: number): Hex {
  return `${hex.slice(0, -2) as Hex}${byte.toString(16).padStart(2, '0')}`
}
