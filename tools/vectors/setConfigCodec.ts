import type { Hex } from 'viem'
import {
  type Approval,
  asciiToBytes,
  type Config,
  concat,
  configHash,
  type DecodeReason,
  encodeRlp,
  encodeWebAuthnSignature,
  fromHex,
  keccakHex,
  MAX_TRANSACTION_BYTES,
  NO_AUTHORITY,
  type SetConfig,
  setConfigToBytes,
  toHex,
  uintToRlp,
  ZERO_HASH,
} from '../../protocol/index.ts'
import { createTestSigner, DEFAULT_WEBAUTHN } from '../../test/testSigners.ts'
import { listInLongForm, listOf, prefixedByte, stringInLongForm } from './rlpForms.ts'
import { authority, CHAIN_ID, flattenConfig, hashOf } from './shared.ts'

/** Builds setconfig_codec.json: raw set-configs with what they say, and bytes that are none, with the reason. */
export function setConfigCodecVectors() {
  const valid = validCases()
  const malformed = malformedCases()
  return {
    validCount: valid.length,
    valid: valid.map(([name, tx]) => toValidCase(name, tx)),
    malformedCount: malformed.length,
    malformed: malformed.map(([name, reason, raw]) => ({
      name,
      chainId: CHAIN_ID.toString(),
      raw: toHex(raw),
      reason,
    })),
  }
}

type ValidCase = [name: string, tx: SetConfig]
type MalformedCase = [name: string, reason: DecodeReason, raw: Uint8Array]

// The codec looks at no signature's truth, so any bytes of the right shape do.
const secp256k1Approval: Approval = {
  scheme: 1,
  key: createTestSigner(1, 'codec').key,
  proof: [hashOf('sibling 0'), hashOf('sibling 1')],
  signature: `0x${'1b'.repeat(65)}`,
}
const p256Approval: Approval = {
  scheme: 2,
  key: createTestSigner(2, 'codec').key,
  proof: [hashOf('sibling 0')],
  signature: `0x${'2b'.repeat(64)}`,
}
const webAuthnApproval: Approval = {
  scheme: 3,
  key: createTestSigner(3, 'codec').key,
  proof: [],
  signature: encodeWebAuthnSignature({ ...DEFAULT_WEBAUTHN, rs: `0x${'3b'.repeat(64)}` }),
}

const initial: Config = {
  nonce: 0n,
  signers: authority(hashOf('signers'), 1),
  guardians: NO_AUTHORITY,
  recoveryDelay: 0,
  maxStaleness: 0,
  data: '0x73616c74',
}
const first: SetConfig = {
  chainId: CHAIN_ID,
  id: configHash(initial),
  kind: 0,
  initial,
  next: { ...initial, nonce: 1n, signers: authority(hashOf('next signers'), 1) },
  approvals: [webAuthnApproval],
  openings: [{ ...p256Approval, signature: '0x' }],
}
const later: SetConfig = {
  ...first,
  initial: undefined,
  next: {
    nonce: 300n,
    signers: authority(hashOf('next signers'), 2),
    guardians: authority(hashOf('guardians'), 3),
    recoveryDelay: 86_400,
    maxStaleness: 1_209_600,
    data: '0x0102030405',
  },
  approvals: [secp256k1Approval, p256Approval, webAuthnApproval],
  openings: [p256Approval, { ...secp256k1Approval, signature: '0x' }, webAuthnApproval],
}

/** What the malformed cases are made from: short, for forge reads them all. */
const short: SetConfig = {
  ...later,
  approvals: [p256Approval],
  openings: [{ ...secp256k1Approval, proof: [], signature: '0x' }],
}

function validCases(): ValidCase[] {
  const withData = (data: Hex): SetConfig => ({ ...later, next: { ...later.next, data } })
  return [
    ['a first update, its opening unsigned', first],
    ['a later update with every scheme', later],
    ['no approvals and no openings', { ...later, approvals: [], openings: [] }],
    ['a started recovery', { ...later, kind: 1 }],
    ['a completed recovery', { ...later, kind: 2, approvals: [], openings: [] }],
    ['a first started recovery', { ...first, kind: 1 }],
    ['a completed recovery with approvals, which is decodable', { ...later, kind: 2 }],
    ['nonce 2', { ...later, next: { ...later.next, nonce: 2n } }],
    ['nonce 127', { ...later, next: { ...later.next, nonce: 127n } }],
    ['nonce 128', { ...later, next: { ...later.next, nonce: 128n } }],
    ['every number at the top of its type', { ...later, next: atTop(later.next) }],
    ['every number zero but the nonce', { ...later, next: atZero(later.next) }],
    ['an initial config that is not well-formed', firstWith({ ...atZero(initial), nonce: 0n })],
    ['data empty', withData('0x')],
    ['data of one zero byte', withData('0x00')],
    ['data of one byte 0x7f', withData('0x7f')],
    ['data of one byte 0x80', withData('0x80')],
    ['data of 55 bytes', withData(`0x${'d5'.repeat(55)}`)],
    ['data of 56 bytes', withData(`0x${'d5'.repeat(56)}`)],
    ['data of 4096 bytes', withData(`0x${'d5'.repeat(4096)}`)],
    ['initial data of 4096 bytes', firstWith({ ...initial, data: `0x${'d5'.repeat(4096)}` })],
    ['a proof of 20 siblings', { ...later, approvals: [{ ...p256Approval, proof: siblings(20) }] }],
    [
      'a proof of 21 siblings, which is decodable',
      { ...later, approvals: [{ ...p256Approval, proof: siblings(21) }] },
    ],
    [
      'seventeen approvals, which are decodable',
      { ...later, approvals: Array<Approval>(17).fill(p256Approval) },
    ],
    ['the shortest WebAuthn signature', { ...later, approvals: [webAuthnWith(37, 1)] }],
    ['the longest WebAuthn signature', { ...later, approvals: [webAuthnWith(512, 1024)] }],
    [
      'a WebAuthn tail without the quote, which is decodable',
      { ...later, approvals: [webAuthnWith(37, 20, 0x41)] },
    ],
    [`${MAX_TRANSACTION_BYTES} bytes, the longest`, ofLength(MAX_TRANSACTION_BYTES)],
  ]
}

function malformedCases(): MalformedCase[] {
  const raw = setConfigToBytes(short)
  const payload = raw.subarray(1)
  return [
    ['empty', 'WRONG_TYPE', new Uint8Array()],
    ...[0x00, 0x02, 0x4a, 0x4c, 0x7e, 0xcb].map((type): MalformedCase => {
      return [`type ${toHex(Uint8Array.of(type))}`, 'WRONG_TYPE', concat(Uint8Array.of(type), payload)]
    }),
    ['no type byte', 'WRONG_TYPE', payload],
    ['the type byte alone', 'MALFORMED', Uint8Array.of(0x4b)],
    ['a zero byte after', 'MALFORMED', concat(raw, Uint8Array.of(0))],
    ['a byte missing', 'MALFORMED', raw.subarray(0, -1)],
    ['the list payload as a string', 'MALFORMED', concat(Uint8Array.of(0x4b), encodeRlp(payload))],
    ['an empty list', 'MALFORMED', Uint8Array.of(0x4b, 0xc0)],
    ['an empty string', 'MALFORMED', Uint8Array.of(0x4b, 0x80)],
    ['a list length with a leading zero', 'MALFORMED', typed(listInLongForm(fieldsOf(short), 3))],
    [
      'a list length of 2^64 - 1',
      'MALFORMED',
      concat(Uint8Array.of(0x4b, 0xff), new Uint8Array(8).fill(0xff)),
    ],
    [
      'a list length of 2^32 - 1',
      'MALFORMED',
      concat(Uint8Array.of(0x4b, 0xfb), new Uint8Array(4).fill(0xff)),
    ],
    ['lists nested a thousand deep', 'MALFORMED', typed(nested(1000))],
    ['six fields', 'MALFORMED', typed(listOf(fieldsOf(short).slice(0, 6)))],
    ['eight fields', 'MALFORMED', typed(listOf([...fieldsOf(short), Uint8Array.of(0xc0)]))],
    ...chainIdCases(),
    ...idAndKindCases(),
    ...configCases(),
    ...initialCases(),
    ...approvalCases(5, 'approval'),
    ...approvalCases(6, 'opening'),
    [
      'an approval without signature',
      'WRONG_SIGNATURE_SHAPE',
      setConfigToBytes({ ...short, approvals: [{ ...p256Approval, signature: '0x' }] }),
    ],
    ['approvals as a string', 'MALFORMED', withField(5, encodeRlp(new Uint8Array()))],
    ['openings as a string', 'MALFORMED', withField(6, encodeRlp(new Uint8Array()))],
    [`${MAX_TRANSACTION_BYTES + 1} bytes`, 'TOO_LONG', setConfigToBytes(ofLength(MAX_TRANSACTION_BYTES + 1))],
  ]
}

function chainIdCases(): MalformedCase[] {
  return [
    ['another chain id', 'WRONG_CHAIN_ID', setConfigToBytes({ ...short, chainId: CHAIN_ID + 1n })],
    ['chain id zero', 'WRONG_CHAIN_ID', setConfigToBytes({ ...short, chainId: 0n })],
    ...integerForms(uintToRlp(CHAIN_ID), 8).map(([form, item]): MalformedCase => {
      return [`chain id ${form}`, 'MALFORMED', withField(0, item)]
    }),
  ]
}

function idAndKindCases(): MalformedCase[] {
  return [
    ...hashForms(fromHex(short.id)).map(
      ([form, item]): MalformedCase => [`id ${form}`, 'MALFORMED', withField(1, item)],
    ),
    ['kind 3', 'UNKNOWN_KIND', withField(2, Uint8Array.of(3))],
    ['kind 255', 'UNKNOWN_KIND', withField(2, encodeRlp(Uint8Array.of(255)))],
    ['kind 0 as a zero byte', 'MALFORMED', withField(2, Uint8Array.of(0))],
    ['kind 1 with a prefix', 'MALFORMED', withField(2, prefixedByte(1))],
    ['kind 1 with a leading zero', 'MALFORMED', withField(2, encodeRlp(Uint8Array.of(0, 1)))],
    ['kind 256', 'MALFORMED', withField(2, encodeRlp(Uint8Array.of(1, 0)))],
    ['kind as a list', 'MALFORMED', withField(2, Uint8Array.of(0xc0))],
  ]
}

const NUMBER_FIELDS = [
  ['nonce', 0, 8],
  ['signers threshold', 2, 1],
  ['guardians threshold', 4, 1],
  ['recovery delay', 5, 4],
  ['max staleness', 6, 4],
] as const

function configCases(): MalformedCase[] {
  const item = configFieldsOf(short.next)
  const withNext = (index: number, field: Uint8Array) => withField(4, listOf(item.with(index, field)))
  const data = fromHex(short.next.data)
  return [
    ...NUMBER_FIELDS.flatMap(([name, index, width]) =>
      integerForms(decodedString(item[index] as Uint8Array), width).map(([form, field]): MalformedCase => {
        return [`${name} ${form}`, 'MALFORMED', withNext(index, field)]
      }),
    ),
    ...(
      [
        ['signers root', 1, short.next.signers.root],
        ['guardians root', 3, short.next.guardians.root],
      ] as const
    ).flatMap(([name, index, root]) =>
      hashForms(fromHex(root)).map(([form, field]): MalformedCase => {
        return [`${name} ${form}`, 'MALFORMED', withNext(index, field)]
      }),
    ),
    ['data as a list', 'MALFORMED', withNext(7, Uint8Array.of(0xc0))],
    ['data in the long form', 'MALFORMED', withNext(7, stringInLongForm(data))],
    ['data of one byte with a prefix', 'MALFORMED', withNext(7, prefixedByte(0x41))],
    ['data of 4097 bytes', 'DATA_TOO_LONG', withNext(7, encodeRlp(new Uint8Array(4097)))],
    ['a next config of seven fields', 'MALFORMED', withField(4, listOf(item.slice(0, 7)))],
    ['a next config of nine fields', 'MALFORMED', withField(4, listOf([...item, Uint8Array.of(0x80)]))],
    ['a next config that is an empty list', 'MALFORMED', withField(4, Uint8Array.of(0xc0))],
    ['a next config in the long form', 'MALFORMED', withField(4, listInLongForm(item, 2))],
    ['a next config as a string', 'MALFORMED', withField(4, encodeRlp(concat(...item)))],
    [
      'a next config with nonce 0',
      'NONCE_ZERO',
      setConfigToBytes({ ...short, next: { ...short.next, nonce: 0n } }),
    ],
  ]
}

function initialCases(): MalformedCase[] {
  const item = configFieldsOf(initial)
  const withInitial = (field: Uint8Array) => withField(3, field, first)
  const nonceOne: Config = { ...initial, nonce: 1n }
  return [
    ['nonce 1 without initial', 'INITIAL_MISSING', setConfigToBytes({ ...first, initial: undefined })],
    [
      'nonce 2 with initial',
      'INITIAL_UNEXPECTED',
      setConfigToBytes({ ...first, next: { ...first.next, nonce: 2n } }),
    ],
    ['nonce 2 with any list as initial', 'INITIAL_UNEXPECTED', withField(3, Uint8Array.of(0xc1, 0x80))],
    ['initial as an empty string', 'MALFORMED', withInitial(Uint8Array.of(0x80))],
    ['no initial as an empty string', 'MALFORMED', withField(3, Uint8Array.of(0x80))],
    [
      'an initial config of another id',
      'INITIAL_MISMATCH',
      setConfigToBytes({ ...first, id: hashOf('another id') }),
    ],
    ['an initial config with nonce 1', 'INITIAL_MISMATCH', setConfigToBytes({ ...firstWith(nonceOne) })],
    ['an initial config of seven fields', 'MALFORMED', withInitial(listOf(item.slice(0, 7)))],
    ['an initial config of nine fields', 'MALFORMED', withInitial(listOf([...item, Uint8Array.of(0x80)]))],
    ['an initial nonce as a zero byte', 'MALFORMED', withInitial(listOf(item.with(0, Uint8Array.of(0))))],
    [
      'initial data of 4097 bytes',
      'DATA_TOO_LONG',
      setConfigToBytes(firstWith({ ...initial, data: `0x${'d5'.repeat(4097)}` })),
    ],
  ]
}

function approvalCases(field: 5 | 6, name: string): MalformedCase[] {
  const items = approvalItemsOf(p256Approval)
  const [schemeItem, keyItem, proofItem, signatureItem] = items
  const withItems = (items: readonly Uint8Array[]) => withField(field, listOf([listOf(items)]))
  const withSigned = (approval: Approval) => withField(field, listOf([encodeApproval(approval)]))
  const sibling = fromHex(p256Approval.proof[0] as Hex)
  const signatureOf = (approval: Approval, signature: Hex) => withSigned({ ...approval, signature })
  return [
    [`${name} as a string`, 'MALFORMED', withField(field, listOf([Uint8Array.of(0x80)]))],
    [`${name} of three items`, 'MALFORMED', withItems(items.slice(0, 3))],
    [`${name} of five items`, 'MALFORMED', withItems([...items, Uint8Array.of(0x80)])],
    [`${name} in the long form`, 'MALFORMED', withField(field, listOf([listInLongForm(items, 2)]))],
    [`${name} scheme 0`, 'UNKNOWN_SCHEME', withItems(items.with(0, Uint8Array.of(0x80)))],
    [`${name} scheme 4`, 'UNKNOWN_SCHEME', withItems(items.with(0, Uint8Array.of(4)))],
    [`${name} scheme as a zero byte`, 'MALFORMED', withItems(items.with(0, Uint8Array.of(0)))],
    [`${name} scheme with a prefix`, 'MALFORMED', withItems(items.with(0, prefixedByte(2)))],
    [`${name} scheme 258`, 'MALFORMED', withItems(items.with(0, encodeRlp(Uint8Array.of(1, 2))))],
    [
      `${name} key of 63 bytes`,
      'WRONG_KEY_WIDTH',
      withItems(items.with(1, encodeRlp(new Uint8Array(63).fill(1)))),
    ],
    [
      `${name} key of 65 bytes`,
      'WRONG_KEY_WIDTH',
      withItems(items.with(1, encodeRlp(new Uint8Array(65).fill(4)))),
    ],
    [`${name} key empty`, 'WRONG_KEY_WIDTH', withItems(items.with(1, Uint8Array.of(0x80)))],
    [
      `${name} P-256 key as an address`,
      'WRONG_KEY_WIDTH',
      withSigned({ ...p256Approval, key: secp256k1Approval.key }),
    ],
    [
      `${name} address as a P-256 key`,
      'WRONG_KEY_WIDTH',
      withSigned({ ...secp256k1Approval, key: p256Approval.key }),
    ],
    [`${name} key as a list`, 'MALFORMED', withItems(items.with(1, Uint8Array.of(0xc0)))],
    [`${name} proof as a string`, 'MALFORMED', withItems(items.with(2, Uint8Array.of(0x80)))],
    [
      `${name} proof of a 31-byte sibling`,
      'MALFORMED',
      withItems(items.with(2, listOf([encodeRlp(sibling.subarray(1))]))),
    ],
    [
      `${name} proof of a 33-byte sibling`,
      'MALFORMED',
      withItems(items.with(2, listOf([encodeRlp(concat(sibling, Uint8Array.of(0)))]))),
    ],
    [
      `${name} proof of an empty sibling`,
      'MALFORMED',
      withItems(items.with(2, listOf([Uint8Array.of(0x80)]))),
    ],
    [
      `${name} proof with a list as sibling`,
      'MALFORMED',
      withItems(items.with(2, listOf([Uint8Array.of(0xc0)]))),
    ],
    [
      `${name} proof sibling in the long form`,
      'MALFORMED',
      withItems(items.with(2, listOf([stringInLongForm(sibling)]))),
    ],
    [`${name} signature as a list`, 'MALFORMED', withItems(items.with(3, Uint8Array.of(0xc0)))],
    [
      `${name} signature with a length of leading zero`,
      'MALFORMED',
      withItems([schemeItem, keyItem, proofItem, stringInLongForm(decodedString(signatureItem), 2)]),
    ],
    [
      `${name} secp256k1 signature of 64 bytes`,
      'WRONG_SIGNATURE_SHAPE',
      signatureOf(secp256k1Approval, p256Approval.signature),
    ],
    [
      `${name} secp256k1 signature of 66 bytes`,
      'WRONG_SIGNATURE_SHAPE',
      signatureOf(secp256k1Approval, `0x${'1b'.repeat(66)}`),
    ],
    [
      `${name} P-256 signature of 63 bytes`,
      'WRONG_SIGNATURE_SHAPE',
      signatureOf(p256Approval, `0x${'2b'.repeat(63)}`),
    ],
    [
      `${name} P-256 signature of 65 bytes`,
      'WRONG_SIGNATURE_SHAPE',
      signatureOf(p256Approval, secp256k1Approval.signature),
    ],
    ...webAuthnShapes().map(([form, signature]): MalformedCase => {
      return [
        `${name} WebAuthn signature ${form}`,
        'WRONG_SIGNATURE_SHAPE',
        signatureOf(webAuthnApproval, toHex(signature)),
      ]
    }),
  ]
}

function webAuthnShapes(): [string, Uint8Array][] {
  const parts = (authenticatorData: number, tail: number, rs: number) =>
    encodeRlp([
      new Uint8Array(authenticatorData).fill(1),
      new Uint8Array(tail).fill(0x22),
      new Uint8Array(rs).fill(3),
    ])
  const encoded = [37, 20, 64].map((length) => encodeRlp(new Uint8Array(length).fill(0x22)))
  return [
    ['without RLP', new Uint8Array(64).fill(3)],
    ['of an empty list', Uint8Array.of(0xc0)],
    ['of a list of two', listOf(encoded.slice(0, 2))],
    ['of a list of four', listOf([...encoded, Uint8Array.of(0x80)])],
    ['with authenticatorData of 36 bytes', parts(36, 20, 64)],
    ['with authenticatorData of 513 bytes', parts(513, 20, 64)],
    ['with an empty tail', parts(37, 0, 64)],
    ['with a tail of 1025 bytes', parts(37, 1025, 64)],
    ['with r ‖ s of 63 bytes', parts(37, 20, 63)],
    ['with r ‖ s of 65 bytes', parts(37, 20, 65)],
    ['with a tail of one byte and a prefix', listOf(encoded.with(1, prefixedByte(0x22)))],
    ['with a part in the long form', listOf(encoded.with(0, stringInLongForm(new Uint8Array(37).fill(1))))],
    ['with a part that is a list', listOf(encoded.with(1, listOf([asciiToBytes('"')])))],
    ['with a list length of leading zero', listInLongForm(encoded, 2)],
    ['with a byte after', concat(listOf(encoded), Uint8Array.of(0))],
  ]
}

/** The ways to write an integer that RLP forbids; `width` is the bytes of its type. */
function integerForms(bytes: Uint8Array, width: number): [string, Uint8Array][] {
  return [
    ['with a leading zero', encodeRlp(concat(Uint8Array.of(0), bytes))],
    ['zero as a zero byte', Uint8Array.of(0)],
    ['of one byte with a prefix', prefixedByte(0x7f)],
    [`of ${width + 1} bytes`, encodeRlp(new Uint8Array(width + 1).fill(1))],
    ['in the long form', stringInLongForm(bytes)],
    ['as a list', listOf([encodeRlp(bytes)])],
  ]
}

function hashForms(hash: Uint8Array): [string, Uint8Array][] {
  return [
    ['of 31 bytes', encodeRlp(hash.subarray(1))],
    ['of 33 bytes', encodeRlp(concat(hash, Uint8Array.of(0)))],
    ['empty', Uint8Array.of(0x80)],
    ['in the long form', stringInLongForm(hash)],
    ['as a list', listOf([encodeRlp(hash)])],
  ]
}

function fieldsOf(tx: SetConfig): Uint8Array[] {
  return [
    encodeRlp(uintToRlp(tx.chainId)),
    encodeRlp(fromHex(tx.id)),
    encodeRlp(uintToRlp(tx.kind)),
    tx.initial === undefined ? Uint8Array.of(0xc0) : listOf(configFieldsOf(tx.initial)),
    listOf(configFieldsOf(tx.next)),
    listOf(tx.approvals.map(encodeApproval)),
    listOf(tx.openings.map(encodeApproval)),
  ]
}

function configFieldsOf({
  nonce,
  signers,
  guardians,
  recoveryDelay,
  maxStaleness,
  data,
}: Config): Uint8Array[] {
  return [
    encodeRlp(uintToRlp(nonce)),
    encodeRlp(fromHex(signers.root)),
    encodeRlp(uintToRlp(signers.threshold)),
    encodeRlp(fromHex(guardians.root)),
    encodeRlp(uintToRlp(guardians.threshold)),
    encodeRlp(uintToRlp(recoveryDelay)),
    encodeRlp(uintToRlp(maxStaleness)),
    encodeRlp(fromHex(data)),
  ]
}

function approvalItemsOf({
  scheme,
  key,
  proof,
  signature,
}: Approval): [Uint8Array, Uint8Array, Uint8Array, Uint8Array] {
  return [
    encodeRlp(uintToRlp(scheme)),
    encodeRlp(fromHex(key)),
    listOf(proof.map((sibling) => encodeRlp(fromHex(sibling)))),
    encodeRlp(fromHex(signature)),
  ]
}

function encodeApproval(approval: Approval): Uint8Array {
  return listOf(approvalItemsOf(approval))
}

function withField(index: number, field: Uint8Array, tx: SetConfig = short): Uint8Array {
  return typed(listOf(fieldsOf(tx).with(index, field)))
}

function typed(payload: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(0x4b), payload)
}

/** Strips the prefix of a short or once-prefixed string. */
function decodedString(encoded: Uint8Array): Uint8Array {
  const prefix = encoded[0] as number
  if (prefix < 0x80) return encoded
  return encoded.subarray(prefix <= 0xb7 ? 1 : 1 + prefix - 0xb7)
}

function nested(depth: number): Uint8Array {
  let item = listOf([])
  for (let i = 0; i < depth; i++) item = listOf([item])
  return item
}

function firstWith(initial: Config): SetConfig {
  return { ...first, id: configHash(initial), initial }
}

function atTop(config: Config): Config {
  const most = authority(`0x${'ff'.repeat(32)}`, 255)
  return {
    ...config,
    nonce: 2n ** 64n - 1n,
    signers: most,
    guardians: most,
    recoveryDelay: 2 ** 32 - 1,
    maxStaleness: 2 ** 32 - 1,
  }
}

function atZero(config: Config): Config {
  const least = authority(ZERO_HASH, 0)
  return { ...config, signers: least, guardians: least, recoveryDelay: 0, maxStaleness: 0 }
}

function siblings(count: number): Hex[] {
  return Array.from({ length: count }, (_, i) => hashOf(`sibling ${i}`))
}

function webAuthnWith(authenticatorDataBytes: number, tailBytes: number, tailByte = 0x22): Approval {
  const signature = encodeWebAuthnSignature({
    authenticatorData: toHex(new Uint8Array(authenticatorDataBytes).fill(1)),
    clientDataTail: toHex(new Uint8Array(tailBytes).fill(tailByte)),
    rs: `0x${'3b'.repeat(64)}`,
  })
  return { ...webAuthnApproval, signature }
}

/** Makes a set-config of exactly this many bytes, by the length of a proof and of `data`. */
function ofLength(length: number): SetConfig {
  const withPadding = (data: number): SetConfig => ({
    ...later,
    next: { ...later.next, data: toHex(new Uint8Array(data).fill(0xd5)) },
    approvals: [{ ...p256Approval, proof: siblings(900) }],
  })
  const base = setConfigToBytes(withPadding(1000)).length
  return withPadding(1000 + length - base)
}

function toValidCase(name: string, tx: SetConfig) {
  const raw = setConfigToBytes(tx)
  const { initial, next } = tx
  return {
    name,
    chainId: tx.chainId.toString(),
    raw: toHex(raw),
    hash: keccakHex(raw),
    id: tx.id,
    kind: tx.kind.toString(),
    hasInitial: initial !== undefined,
    initialHash: initial === undefined ? ZERO_HASH : configHash(initial),
    next: { ...flattenConfig(next), data: next.data },
    nextHash: configHash(next),
    approvalsCount: tx.approvals.length,
    approvals: tx.approvals.map(toApprovalCase),
    openingsCount: tx.openings.length,
    openings: tx.openings.map(toApprovalCase),
  }
}

function toApprovalCase({ scheme, ...rest }: Approval) {
  return { scheme: scheme.toString(), ...rest }
}
