import { p256 } from '@noble/curves/nist.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import nativeSecp256k1 from 'secp256k1'
import type { Hex } from 'viem'
import {
  type Approval,
  concat,
  createSignerTree,
  encodeWebAuthnSignature,
  fromHex,
  keccak,
  keccakHex,
  type Scheme,
  type Signer,
  sha256,
  toHex,
  webAuthnClientData,
} from '../protocol/index.ts'

/** A signer with its private key, whose signatures are deterministic (RFC 6979). */
export type TestSigner = Signer & { privateKey: Uint8Array; sign: (digest: Hex) => Hex }

/** What a test authenticator signs with besides the digest. */
export type WebAuthnParameters = { authenticatorData: Hex; clientDataTail: Hex }

const encoder = new TextEncoder()

/** sha256("keyroll.example") as relying party id hash, user present and verified, counter 0: what most passkeys send. */
export const DEFAULT_WEBAUTHN: WebAuthnParameters = {
  authenticatorData: toHex(
    concat(sha256(encoder.encode('keyroll.example')), Uint8Array.of(0x05, 0, 0, 0, 0)),
  ),
  clientDataTail: toHex(encoder.encode('","origin":"https://keyroll.example","crossOrigin":false}')),
}

/** Makes the signer of a scheme whose private key comes from a name. */
export function createTestSigner(scheme: Scheme, name: string): TestSigner {
  const privateKey = fromHex(keccakHex(encoder.encode(`keyroll test signer ${name}`)))
  if (scheme === 1) {
    const publicKey = secp256k1.getPublicKey(privateKey, false)
    const key = toHex(keccak(publicKey.subarray(1)).subarray(12))
    return { scheme, key, privateKey, sign: (digest) => signSecp256k1(privateKey, digest) }
  }
  const key = toHex(p256.getPublicKey(privateKey, false).subarray(1))
  const sign =
    scheme === 2
      ? (digest: Hex) => toHex(p256.sign(fromHex(digest), privateKey))
      : (digest: Hex) => signWebAuthn(privateKey, digest, DEFAULT_WEBAUTHN)
  return { scheme, key, privateKey, sign }
}

/** Signs a digest as a WebAuthn authenticator does that answers with these parameters. */
export function signWebAuthn(privateKey: Uint8Array, digest: Hex, parameters: WebAuthnParameters): Hex {
  const clientDataHash = sha256(webAuthnClientData(digest, parameters.clientDataTail))
  const message = concat(fromHex(parameters.authenticatorData), clientDataHash)
  return encodeWebAuthnSignature({ ...parameters, rs: toHex(p256.sign(message, privateKey)) })
}

/** Makes the approvals of a digest by some signers of a tree over all, in the order that validity asks for. */
export function approve(all: readonly Signer[], by: readonly TestSigner[], digest: Hex): Approval[] {
  const tree = treeOf(all)
  return inOrder(by).map((signer) => ({
    scheme: signer.scheme,
    key: signer.key,
    proof: tree.proofOf(signer),
    signature: signer.sign(digest),
  }))
}

/** Opens some leaves of a tree over all signers without signing, in the order that validity asks for. */
export function open(all: readonly Signer[], which: readonly Signer[]): Approval[] {
  const tree = treeOf(all)
  return inOrder(which).map((signer) => ({
    scheme: signer.scheme,
    key: signer.key,
    proof: tree.proofOf(signer),
    signature: '0x',
  }))
}

/** Sorts by `keccak(key)`, as approvals and openings must be. */
function inOrder<T extends Signer>(signers: readonly T[]): T[] {
  const hashOf = (signer: T) => keccakHex(fromHex(signer.key))
  return [...signers].sort((a, b) => (hashOf(a) < hashOf(b) ? -1 : 1))
}

function signSecp256k1(privateKey: Uint8Array, digest: Hex): Hex {
  const { signature, recid } = nativeSecp256k1.ecdsaSign(fromHex(digest), privateKey)
  return toHex(concat(signature, Uint8Array.of(27 + recid)))
}

/** Worlds sign thousands of times with the same few sets of keys. */
const trees = new Map<string, ReturnType<typeof createSignerTree>>()

/** Makes the tree over signers, or finds it again. */
export function treeOf(all: readonly Signer[]): ReturnType<typeof createSignerTree> {
  const nameOf = ({ scheme, key }: Signer) => `${scheme} ${key}`
  const name = all.map(nameOf).join()
  const known = trees.get(name)
  if (known !== undefined) return known
  const tree = createSignerTree(all)
  const proofs = new Map(all.map((signer) => [nameOf(signer), tree.proofOf(signer)]))
  const remembering = {
    ...tree,
    proofOf: (signer: Signer) => proofs.get(nameOf(signer)) ?? tree.proofOf(signer),
  }
  trees.set(name, remembering)
  return remembering
}
