import { p256 } from '@noble/curves/nist.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { type Hex, hashMessage } from 'viem'
import {
  concat,
  encodeRlp,
  encodeWebAuthnSignature,
  fromHex,
  keccak,
  type Scheme,
  sha256,
  toHex,
  type WebAuthnSignature,
  webAuthnClientData,
  ZERO_HASH,
} from '../../protocol/index.ts'
import {
  createTestSigner,
  DEFAULT_WEBAUTHN,
  signWebAuthn,
  type WebAuthnParameters,
} from '../../test/testSigners.ts'
import { listInLongForm, stringInLongForm } from './rlpForms.ts'
import { hashOf } from './shared.ts'

type Case = { name: string; scheme: Scheme; key: Hex; digest: Hex; signature: Hex; valid: boolean }

const encoder = new TextEncoder()
const digest = hashOf('digest')
const SECP256K1_ORDER = secp256k1.Point.CURVE().n
const P256 = p256.Point.CURVE()
const P256_ORDER = P256.n

/** Builds signatures.json: signatures of the three schemes, good ones and ones that only look good. */
export function signatureVectors() {
  const cases = [...secp256k1Cases(), ...p256Cases(), ...webAuthnCases()]
  return {
    count: cases.length,
    cases: cases.map(({ scheme, ...rest }) => ({ ...rest, scheme: scheme.toString() })),
  }
}

function secp256k1Cases(): Case[] {
  const signer = createTestSigner(1, 'signatures')
  const good = fromHex(signer.sign(digest))
  const { r, s, v } = split(good)
  const other = digestWithOtherV(v)
  const at = (name: string, signature: Uint8Array, valid = false, key = signer.key): Case => {
    return { name: `secp256k1: ${name}`, scheme: 1, key, digest, signature: toHex(signature), valid }
  }
  const half = SECP256K1_ORDER / 2n
  const atHalf = concat(word(r), word(half))
  const aboveHalf = concat(word(r), word(half + 1n))
  const recoveryId = v === 27 ? 0 : 1
  return [
    at(`good, v = ${v}`, good, true),
    { ...at(`good, v = ${55 - v}`, fromHex(signer.sign(other)), true), digest: other },
    { ...at('good over the zero digest', fromHex(signer.sign(ZERO_HASH)), true), digest: ZERO_HASH },
    at('s = (n - 1) / 2, the highest low s', joinV(atHalf, v), true, recoveredAddress(atHalf, recoveryId)),
    at(
      's = (n + 1) / 2, the lowest high s',
      joinV(aboveHalf, v),
      false,
      recoveredAddress(aboveHalf, recoveryId),
    ),
    at('high s with v changed to match', join(r, SECP256K1_ORDER - s, 55 - v)),
    at('high s with v unchanged', join(r, SECP256K1_ORDER - s, v)),
    at('v = 0', join(r, s, v - 27)),
    at('v = 29', join(r, s, 29)),
    at('v = 26', join(r, s, 26)),
    at('the other v', join(r, s, 55 - v)),
    at('v as EIP-155 writes it', join(r, s, v + 10)),
    at('r = 0', join(0n, s, v)),
    at('s = 0', join(r, 0n, v)),
    at('r = 0 and s = 0, zero key', join(0n, 0n, v), false, zeroAddress),
    at('r = n', join(SECP256K1_ORDER, s, v)),
    at('r = 2^256 - 1', join(2n ** 256n - 1n, s, v)),
    at('s = n', join(r, SECP256K1_ORDER, v)),
    at(
      'r is no x of the curve, and the key is the zero address that ecrecover would answer',
      join(notAnX(), s, v),
      false,
      zeroAddress,
    ),
    at('another key', good, false, createTestSigner(1, 'another').key),
    { ...at('another digest', good), digest: hashOf('another digest') },
    at('signed as a personal message', fromHex(signer.sign(hashMessage({ raw: digest })))),
    at('r and s exchanged', join(s, r, v)),
    at('64 bytes, as EIP-2098', good.subarray(0, 64)),
    at('66 bytes', concat(good, Uint8Array.of(0))),
    at('v first', concat(good.subarray(64), good.subarray(0, 64))),
    at('empty', new Uint8Array()),
  ]
}

function p256Cases(): Case[] {
  const signer = createTestSigner(2, 'signatures')
  const good = fromHex(signer.sign(digest))
  const { r, s } = split(good)
  const at = (name: string, signature: Uint8Array, valid = false, key = signer.key): Case => {
    return { name: `P-256: ${name}`, scheme: 2, key, digest, signature: toHex(signature), valid }
  }
  const half = P256_ORDER / 2n
  const atHalf = concat(word(r), word(half))
  const aboveHalf = concat(word(r), word(half + 1n))
  const x = fromHex(signer.key).subarray(0, 32)
  const y = toUint(fromHex(signer.key).subarray(32))
  return [
    at('good', good, true),
    { ...at('good over the zero digest', fromHex(signer.sign(ZERO_HASH)), true), digest: ZERO_HASH },
    at('s = (n - 1) / 2, the highest low s', atHalf, true, recoveredPoint(atHalf)),
    at('s = (n + 1) / 2, the lowest high s', aboveHalf, false, recoveredPoint(aboveHalf)),
    at('high s', concat(word(r), word(P256_ORDER - s))),
    at('r = 0', concat(word(0n), word(s))),
    at('s = 0', concat(word(r), word(0n))),
    at('r = 0 and s = 0', new Uint8Array(64)),
    at('r = n', concat(word(P256_ORDER), word(s))),
    at('s = n', concat(word(r), word(P256_ORDER))),
    at('r = 2^256 - 1', concat(word(2n ** 256n - 1n), word(s))),
    at('key off the curve', good, false, toHex(concat(x, word(y ^ 1n)))),
    at('key with y negated', good, false, toHex(concat(x, word(P256.p - y)))),
    at('key with x and y exchanged', good, false, toHex(concat(word(y), x))),
    at('key at infinity, all zero', good, false, `0x${'00'.repeat(64)}`),
    at('key with x = p', good, false, toHex(concat(word(P256.p), word(y)))),
    at('key with y = 2^256 - 1', good, false, toHex(concat(x, word(2n ** 256n - 1n)))),
    at('key whose x is 5 + p, good modulo p', good, false, toHex(concat(word(5n + P256.p), word(yOf(5n))))),
    at('another key', good, false, createTestSigner(2, 'another').key),
    { ...at('another digest', good), digest: hashOf('another digest') },
    at(
      'over the digest itself, without sha256',
      p256.sign(fromHex(digest), signer.privateKey, { prehash: false }),
    ),
    at(
      'over keccak of the digest',
      p256.sign(keccak(fromHex(digest)), signer.privateKey, { prehash: false }),
    ),
    at('r and s exchanged', concat(good.subarray(32), good.subarray(0, 32))),
    at('DER', p256.sign(fromHex(digest), signer.privateKey, { format: 'der' })),
    at('63 bytes', good.subarray(0, 63)),
    at('65 bytes', concat(good, Uint8Array.of(27))),
    at('a WebAuthn signature', fromHex(signWebAuthn(signer.privateKey, digest, DEFAULT_WEBAUTHN))),
    at('empty', new Uint8Array()),
  ]
}

function webAuthnCases(): Case[] {
  const { key, privateKey } = createTestSigner(3, 'signatures')
  const at = (name: string, signature: Hex, valid = false): Case => {
    return { name: `WebAuthn: ${name}`, scheme: 3, key, digest, signature, valid }
  }
  const signed = (name: string, changes: Partial<WebAuthnParameters>, valid: boolean) =>
    at(name, signWebAuthn(privateKey, digest, { ...DEFAULT_WEBAUTHN, ...changes }), valid)
  const good = partsOf(privateKey, DEFAULT_WEBAUTHN)
  const goodItems = [fromHex(good.authenticatorData), fromHex(good.clientDataTail), fromHex(good.rs)] as const
  const [authenticatorData, clientDataTail, rs] = goodItems
  const { r, s } = split(rs)
  const withRs = (name: string, rs: Uint8Array) =>
    at(name, encodeWebAuthnSignature({ ...good, rs: toHex(rs) }))
  const urlDigest: Hex = `0x${'fbff'.repeat(16)}`
  return [
    at('good', encodeWebAuthnSignature(good), true),
    {
      ...at(
        'good, the challenge full of - and _',
        signWebAuthn(privateKey, urlDigest, DEFAULT_WEBAUTHN),
        true,
      ),
      digest: urlDigest,
    },
    {
      ...at('good over the zero digest', signWebAuthn(privateKey, ZERO_HASH, DEFAULT_WEBAUTHN), true),
      digest: ZERO_HASH,
    },
    ...[37, 55, 56, 128, 255, 256, 512].map((length) =>
      signed(
        `authenticatorData of ${length} bytes`,
        { authenticatorData: authenticatorDataOf(length, 0x01) },
        true,
      ),
    ),
    ...[36, 513].map((length) =>
      signed(
        `authenticatorData of ${length} bytes`,
        { authenticatorData: authenticatorDataOf(length, 0x01) },
        false,
      ),
    ),
    ...[1, 2, 55, 56, 128, 255, 256, 1024].map((length) =>
      signed(`tail of ${length} bytes`, { clientDataTail: tailOf(length) }, true),
    ),
    ...[0, 1025].map((length) =>
      signed(`tail of ${length} bytes`, { clientDataTail: tailOf(length) }, false),
    ),
    signed('user present alone', { authenticatorData: authenticatorDataOf(37, 0x01) }, true),
    signed('every flag', { authenticatorData: authenticatorDataOf(37, 0xff) }, true),
    signed('no flag', { authenticatorData: authenticatorDataOf(37, 0x00) }, false),
    signed('user verified but not present', { authenticatorData: authenticatorDataOf(37, 0x04) }, false),
    signed('every flag but user present', { authenticatorData: authenticatorDataOf(37, 0xfe) }, false),
    signed('tail that is not JSON after the quote', { clientDataTail: '0x22ff00' }, true),
    signed(
      'tail without the quote',
      { clientDataTail: textOf(',"origin":"https://keyroll.example"}') },
      false,
    ),
    signed(
      'tail that pads the challenge',
      { clientDataTail: textOf('=","origin":"https://keyroll.example"}') },
      false,
    ),
    signed(
      'tail that continues the challenge',
      { clientDataTail: textOf('AAAA","origin":"https://keyroll.example"}') },
      false,
    ),
    signed('tail with a quote in the second place', { clientDataTail: textOf(' ","origin":""}') }, false),
    at(
      'client data of a registration',
      encodeWebAuthnSignature({ ...good, rs: signOver('webauthn.create') }),
    ),
    at(
      'client data with a space after the colon',
      encodeWebAuthnSignature({ ...good, rs: signOver('webauthn.get', ' ') }),
    ),
    withRs('high s', concat(word(r), word(P256_ORDER - s))),
    withRs('r = 0', concat(word(0n), word(s))),
    withRs('s = 0', concat(word(r), word(0n))),
    withRs('r = n', concat(word(P256_ORDER), word(s))),
    withRs('over the digest alone', fromHex(createTestSigner(2, 'signatures').sign(digest))),
    { ...at('another digest', encodeWebAuthnSignature(good)), digest: hashOf('another digest') },
    { ...at('another key', encodeWebAuthnSignature(good)), key: createTestSigner(3, 'another').key },
    at('another tail than signed', encodeWebAuthnSignature({ ...good, clientDataTail: tailOf(20) })),
    at(
      'another counter than signed',
      encodeWebAuthnSignature({
        ...good,
        authenticatorData: toHex(concat(authenticatorData.subarray(0, 36), Uint8Array.of(1))),
      }),
    ),
    at('r ‖ s of 63 bytes', toHex(encodeRlp([authenticatorData, clientDataTail, rs.subarray(0, 63)]))),
    at(
      'r ‖ s of 65 bytes',
      toHex(encodeRlp([authenticatorData, clientDataTail, concat(rs, Uint8Array.of(0))])),
    ),
    at('two parts', toHex(encodeRlp([authenticatorData, clientDataTail]))),
    at('four parts', toHex(encodeRlp([...goodItems, new Uint8Array()]))),
    at('a part that is a list', toHex(encodeRlp([authenticatorData, [clientDataTail], rs]))),
    at('a string and no list', toHex(encodeRlp(concat(...goodItems)))),
    at('a byte after the list', toHex(concat(encodeRlp(goodItems), Uint8Array.of(0)))),
    at('a byte missing', toHex(encodeRlp(goodItems).subarray(0, -1))),
    at(
      'the list length with a leading zero',
      toHex(
        listInLongForm(
          goodItems.map((item) => encodeRlp(item)),
          2,
        ),
      ),
    ),
    at(
      'a part in the long form',
      toHex(listInLongForm([stringInLongForm(authenticatorData), encodeRlp(clientDataTail), encodeRlp(rs)])),
    ),
    at('r ‖ s alone', good.rs),
    at('empty', '0x'),
  ]

  function signOver(type: string, space = ''): Hex {
    const clientData = new TextDecoder()
      .decode(webAuthnClientData(digest, DEFAULT_WEBAUTHN.clientDataTail))
      .replace('"type":"webauthn.get"', `"type":${space}"${type}"`)
    const message = concat(fromHex(DEFAULT_WEBAUTHN.authenticatorData), sha256(encoder.encode(clientData)))
    return toHex(p256.sign(message, privateKey))
  }
}

function partsOf(privateKey: Uint8Array, parameters: WebAuthnParameters): WebAuthnSignature {
  const clientDataHash = sha256(webAuthnClientData(digest, parameters.clientDataTail))
  const message = concat(fromHex(parameters.authenticatorData), clientDataHash)
  return { ...parameters, rs: toHex(p256.sign(message, privateKey)) }
}

function authenticatorDataOf(length: number, flags: number): Hex {
  const bytes = new Uint8Array(length).fill(0xa5)
  bytes[32] = flags
  return toHex(bytes)
}

function tailOf(length: number): Hex {
  const bytes = new Uint8Array(length).fill(0x20)
  if (length > 0) bytes[0] = 0x22
  return toHex(bytes)
}

function textOf(text: string): Hex {
  return toHex(encoder.encode(text))
}

const zeroAddress: Hex = `0x${'00'.repeat(20)}`

/** Finds a digest that the same signer's signature has the other recovery byte for. */
function digestWithOtherV(v: number): Hex {
  const signer = createTestSigner(1, 'signatures')
  for (let i = 0; ; i++) {
    const candidate = hashOf(`digest ${i}`)
    if (fromHex(signer.sign(candidate))[64] !== v) return candidate
  }
}

/** Any `r` and `s` are a good signature of the key that recovers from them: so the bounds of `s` can be met exactly. */
function recoveredAddress(rs: Uint8Array, recovery: number): Hex {
  const signature = secp256k1.Signature.fromBytes(rs, 'compact').addRecoveryBit(recovery)
  const publicKey = signature.recoverPublicKey(fromHex(digest)).toBytes(false)
  return toHex(keccak(publicKey.subarray(1)).subarray(12))
}

function recoveredPoint(rs: Uint8Array): Hex {
  const signature = p256.Signature.fromBytes(rs, 'compact').addRecoveryBit(0)
  return toHex(
    signature
      .recoverPublicKey(sha256(fromHex(digest)))
      .toBytes(false)
      .subarray(1),
  )
}

/** Finds a number below the order that is no x coordinate of secp256k1. */
function notAnX(): bigint {
  for (let x = 1n; ; x++) {
    try {
      secp256k1.Point.fromBytes(concat(Uint8Array.of(2), word(x)))
    } catch {
      // That is how the library says that it is none.
      return x
    }
  }
}

function yOf(x: bigint): bigint {
  return p256.Point.fromBytes(concat(Uint8Array.of(2), word(x))).toAffine().y
}

function split(signature: Uint8Array): { r: bigint; s: bigint; v: number } {
  return {
    r: toUint(signature.subarray(0, 32)),
    s: toUint(signature.subarray(32, 64)),
    v: signature[64] ?? 0,
  }
}

function join(r: bigint, s: bigint, v: number): Uint8Array {
  return joinV(concat(word(r), word(s)), v)
}

function joinV(rs: Uint8Array, v: number): Uint8Array {
  return concat(rs, Uint8Array.of(v))
}

function word(value: bigint): Uint8Array {
  return fromHex(`0x${value.toString(16).padStart(64, '0')}`)
}

function toUint(bytes: Uint8Array): bigint {
  return BigInt(toHex(bytes))
}
