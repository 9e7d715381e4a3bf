import { p256 } from '@noble/curves/nist.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import type { Hex } from 'viem'
import { asciiToBytes, concat, fromHex, keccak, sha256, toHex, writeHex } from './bytes.ts'
import {
  MAX_AUTHENTICATOR_DATA_BYTES,
  MAX_CLIENT_DATA_TAIL_BYTES,
  MIN_AUTHENTICATOR_DATA_BYTES,
} from './constants.ts'
import { decodeRlp, encodeRlp, RlpError, rlpToBytes, rlpToList } from './Rlp.ts'
import { keyBytesOf, type Scheme } from './Signer.ts'
import { createWords, writeUint256 } from './words.ts'

/** Tells whether a signature over a 32-byte digest is valid for a key, by every rule of protocol.md §2.2. */
export type SignatureVerifier = (scheme: Scheme, key: Hex, digest: Hex, signature: Hex) => boolean

/**
 * The curve operations that a {@link SignatureVerifier} is made of; they get inputs of the right width with `r` and low `s` in range.
 * The inputs are lent: the next question is written over them.
 */
export type SignaturePrimitives = {
  /** Recovers the public key `x ‖ y` that signed a 32-byte hash, or undefined when there is none. */
  recoverSecp256k1: (hash: Uint8Array, rs: Uint8Array, recovery: 0 | 1) => Uint8Array | undefined
  /** Verifies `r ‖ s` over `sha256(message)`; false when `x ‖ y` is not a point of the curve. */
  verifyP256: (message: Uint8Array, rs: Uint8Array, key: Uint8Array) => boolean
}

/** The parts of a WebAuthn signature; `rs` is `r ‖ s` (protocol.md §2.2). */
export type WebAuthnSignature = { authenticatorData: Hex; clientDataTail: Hex; rs: Hex }

type WebAuthnParts = { authenticatorData: Uint8Array; clientDataTail: Uint8Array; rs: Uint8Array }

const CLIENT_DATA_HEAD = asciiToBytes('{"type":"webauthn.get","challenge":"')
const USER_PRESENT = 0x01
const QUOTE = 0x22
const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** Big-endian words that `r` and `s` are below. */
type Limits = { order: Uint8Array; halfOrder: Uint8Array }

const SECP256K1_LIMITS = limitsOf(secp256k1.Point.CURVE().n)
const P256_LIMITS = limitsOf(p256.Point.CURVE().n)

/** Verifies signatures with the noble curves: the reference that native verifiers are compared with (protocol.md §2.2). */
export const verifySignature: SignatureVerifier = createSignatureVerifier({
  recoverSecp256k1(hash, rs, recovery) {
    try {
      const signature = secp256k1.Signature.fromBytes(rs, 'compact').addRecoveryBit(recovery)
      return signature.recoverPublicKey(hash).toBytes(false).subarray(1)
    } catch {
      return undefined
    }
  },
  verifyP256(message, rs, key) {
    return p256.verify(rs, message, concat(Uint8Array.of(0x04), key), { lowS: true, prehash: true })
  },
})

/** Makes a verifier of all three schemes from two curve operations, so that the rules around them stand once (protocol.md §2.2). */
export function createSignatureVerifier(primitives: SignaturePrimitives): SignatureVerifier {
  // Arrays of their own for each question would cost more than all else that is done here.
  const address = new Uint8Array(20)
  const point = new Uint8Array(64)
  const digest = new Uint8Array(32)
  const rsv = new Uint8Array(65)
  const rs = new Uint8Array(64)
  return (scheme, keyHex, digestHex, signatureHex) => {
    const key = readHex(keyHex, scheme === 1 ? address : point)
    writeHex(digest, 0, digestHex, 32)
    const signature = readHex(signatureHex, scheme === 1 ? rsv : rs)
    if (key.length !== keyBytesOf(scheme)) return false
    if (scheme === 1) return verifySecp256k1(primitives, key, digest, signature)
    if (scheme === 2) {
      return isInRangeWithLowS(signature, P256_LIMITS) && primitives.verifyP256(digest, signature, key)
    }
    const parts = webAuthnParts(signature)
    if (parts === undefined || !isInRangeWithLowS(parts.rs, P256_LIMITS)) return false
    // Without the quote, a tail could continue the challenge, and the digest would be only a prefix of what was signed.
    if (parts.clientDataTail[0] !== QUOTE) return false
    if (((parts.authenticatorData[32] as number) & USER_PRESENT) === 0) return false
    return primitives.verifyP256(webAuthnMessage(parts, digest), parts.rs, key)
  }
}

/** Tells whether a signature has its scheme's shape, which decides whether a set-config is decodable (protocol.md §3.1). */
export function hasSignatureShape(scheme: Scheme, signature: Uint8Array): boolean {
  if (scheme === 1) return signature.length === 65
  if (scheme === 2) return signature.length === 64
  return webAuthnParts(signature) !== undefined
}

/** Encodes a WebAuthn signature as `rlp([authenticatorData, clientDataTail, r ‖ s])` (protocol.md §2.2). */
export function encodeWebAuthnSignature({ authenticatorData, clientDataTail, rs }: WebAuthnSignature): Hex {
  return toHex(encodeRlp([fromHex(authenticatorData), fromHex(clientDataTail), fromHex(rs, 64)]))
}

/** Decodes a WebAuthn signature; undefined when it does not have the shape of protocol.md §3.1. */
export function decodeWebAuthnSignature(signature: Hex): WebAuthnSignature | undefined {
  const parts = webAuthnParts(fromHex(signature))
  if (parts === undefined) return undefined
  const { authenticatorData, clientDataTail, rs } = parts
  return { authenticatorData: toHex(authenticatorData), clientDataTail: toHex(clientDataTail), rs: toHex(rs) }
}

/** Builds the client data JSON that an authenticator signs for a digest, as far as it is fixed, and the tail (protocol.md §2.2). */
export function webAuthnClientData(digest: Hex, clientDataTail: Hex): Uint8Array {
  return clientDataOf(fromHex(digest, 32), fromHex(clientDataTail))
}

/** Reads hex into memory that has the width of most such values, and others into arrays of their own. */
function readHex(hex: Hex, memory: Uint8Array): Uint8Array {
  if (hex.length !== 2 + 2 * memory.length) return fromHex(hex)
  writeHex(memory, 0, hex)
  return memory
}

function verifySecp256k1(
  { recoverSecp256k1 }: SignaturePrimitives,
  address: Uint8Array,
  digest: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (signature.length !== 65) return false
  const rs = signature.subarray(0, 64)
  const v = signature[64]
  if ((v !== 27 && v !== 28) || !isInRangeWithLowS(rs, SECP256K1_LIMITS)) return false
  const publicKey = recoverSecp256k1(digest, rs, v === 27 ? 0 : 1)
  if (publicKey === undefined) return false
  return areEqual(keccak(publicKey).subarray(12), address)
}

/** `0 < r < n` and `0 < s <= n/2`: of the two signatures that differ in the sign of `s`, only one counts. */
function isInRangeWithLowS(rs: Uint8Array, { order, halfOrder }: Limits): boolean {
  return rs.length === 64 && isInRange(rs, 0, order) && isInRange(rs, 32, halfOrder)
}

/** Tells whether the 32 bytes at `offset` are a number above zero and below `end`. */
function isInRange(bytes: Uint8Array, offset: number, end: Uint8Array): boolean {
  let isZero = true
  let isBelow = false
  for (let i = 0; i < 32; i++) {
    const byte = bytes[offset + i] as number
    const limit = end[i] as number
    if (byte !== 0) isZero = false
    if (!isBelow && byte !== limit) {
      if (byte > limit) return false
      isBelow = true
    }
  }
  return isBelow && !isZero
}

/** Where `r` and a low `s` end: at the order `n`, and above its half. */
function limitsOf(order: bigint): Limits {
  return { order: toWord(order), halfOrder: toWord((order >> 1n) + 1n) }
}

function toWord(value: bigint): Uint8Array {
  const word = createWords(1)
  writeUint256(word, 0, value)
  return word
}

function webAuthnParts(signature: Uint8Array): WebAuthnParts | undefined {
  try {
    const [authenticatorDataItem, clientDataTailItem, rsItem] = rlpToList(decodeRlp(signature), 3)
    const authenticatorData = rlpToBytes(authenticatorDataItem)
    const clientDataTail = rlpToBytes(clientDataTailItem)
    if (authenticatorData.length < MIN_AUTHENTICATOR_DATA_BYTES) return undefined
    if (authenticatorData.length > MAX_AUTHENTICATOR_DATA_BYTES) return undefined
    if (clientDataTail.length < 1 || clientDataTail.length > MAX_CLIENT_DATA_TAIL_BYTES) return undefined
    return { authenticatorData, clientDataTail, rs: rlpToBytes(rsItem, 64) }
  } catch (error) {
    if (error instanceof RlpError) return undefined
    throw error
  }
}

function webAuthnMessage(
  { authenticatorData, clientDataTail }: WebAuthnParts,
  digest: Uint8Array,
): Uint8Array {
  return concat(authenticatorData, sha256(clientDataOf(digest, clientDataTail)))
}

function clientDataOf(digest: Uint8Array, tail: Uint8Array): Uint8Array {
  return concat(CLIENT_DATA_HEAD, asciiToBytes(base64Url(digest)), tail)
}

function base64Url(bytes: Uint8Array): string {
  let text = ''
  let buffer = 0
  let bits = 0
  for (const byte of bytes) {
    buffer = ((buffer << 8) | byte) & 0x3fff
    for (bits += 8; bits >= 6; bits -= 6) text += BASE64URL[(buffer >> (bits - 6)) & 63]
  }
  return bits === 0 ? text : text + BASE64URL[(buffer << (6 - bits)) & 63]
}

function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
