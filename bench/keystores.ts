import { createHash, type KeyObject, randomBytes, sign } from 'node:crypto'
import secp256k1 from 'secp256k1'
import { bytesToHex, type Hex, hexToBytes, keccak256 } from 'viem'
import { createP256KeyPair } from '../devnet/createP256KeyPair.ts'
import {
  type Approval,
  type Config,
  configHash,
  encodeWebAuthnSignature,
  NO_AUTHORITY,
  type Scheme,
  type Signer,
  setConfigDigest,
  setConfigToBytes,
  signerLeaf,
  webAuthnClientData,
} from '../protocol/index.ts'

/** A key that signs digests in its scheme, by native code: making the load must not be what is measured. */
export type BenchSigner = Signer & { sign: (digest: Hex) => Hex }

/** A keystore with one signer, and the config that it is at. */
export type BenchKeystore = { id: Hex; initial: Config; current: Config; signer: BenchSigner }

const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const WEBAUTHN_TAIL = '","origin":"https://wallet.example","crossOrigin":false}'

/** Creates a signer with a fresh random key. */
export function createBenchSigner(scheme: Scheme): BenchSigner {
  return scheme === 1 ? createSecp256k1Signer() : createP256Signer(scheme)
}

/**
 * Makes a function that gives one signer after the other, and begins again after some tens of thousands: far more than a
 * verifier remembers the keys of, and soon made.
 */
export function createSignerSupply(scheme: Scheme, different = 30_000): () => BenchSigner {
  const signers: BenchSigner[] = []
  let given = 0
  return () => {
    const place = given++ % different
    const signer = signers[place] ?? createBenchSigner(scheme)
    signers[place] = signer
    return signer
  }
}

/** Creates a keystore that nobody has written yet; its initial config carries a random salt. */
export function createBenchKeystore(
  scheme: Scheme,
  signer: BenchSigner = createBenchSigner(scheme),
): BenchKeystore {
  const initial: Config = {
    nonce: 0n,
    signers: { root: signerLeaf(signer), threshold: 1 },
    guardians: NO_AUTHORITY,
    recoveryDelay: 0,
    maxStaleness: 0,
    data: bytesToHex(randomBytes(32)),
  }
  return { id: configHash(initial), initial, current: initial, signer }
}

/** Signs the rotation of a keystore to a new key that proves itself; returns the raw set-config and the keystore after it. */
export function rotate(
  keystore: BenchKeystore,
  chainId: bigint,
  nextSigner: BenchSigner = createBenchSigner(keystore.signer.scheme),
): { raw: Uint8Array; after: BenchKeystore } {
  const { id, initial, current, signer } = keystore
  const next: Config = {
    ...current,
    nonce: current.nonce + 1n,
    signers: { root: signerLeaf(nextSigner), threshold: 1 },
  }
  const digest = setConfigDigest({ chainId, kind: 0, id, previous: configHash(current), next })
  const raw = setConfigToBytes({
    chainId,
    id,
    kind: 0,
    initial: next.nonce === 1n ? initial : undefined,
    next,
    approvals: [approve(signer, digest)],
    openings: [approve(nextSigner, digest)],
  })
  return { raw, after: { id, initial, current: next, signer: nextSigner } }
}

function approve(signer: BenchSigner, digest: Hex): Approval {
  return { scheme: signer.scheme, key: signer.key, proof: [], signature: signer.sign(digest) }
}

function createSecp256k1Signer(): BenchSigner {
  const privateKey = randomBytes(32)
  const publicKey = secp256k1.publicKeyCreate(privateKey, false)
  return {
    scheme: 1,
    key: `0x${keccak256(publicKey.subarray(1)).slice(26)}`,
    sign(digest) {
      const { signature, recid } = secp256k1.ecdsaSign(hexToBytes(digest), privateKey)
      return bytesToHex(Uint8Array.of(...signature, 27 + recid))
    },
  }
}

function createP256Signer(scheme: 2 | 3): BenchSigner {
  const { publicKey, privateKey } = createP256KeyPair()
  const key = bytesToHex(publicKey)
  if (scheme === 2)
    return { scheme, key, sign: (digest) => bytesToHex(signP256(privateKey, hexToBytes(digest))) }
  const authenticatorData = Buffer.concat([
    createHash('sha256').update('wallet.example').digest(),
    Uint8Array.of(0x05, 0, 0, 0, 1),
  ])
  const clientDataTail = bytesToHex(Buffer.from(WEBAUTHN_TAIL))
  return {
    scheme,
    key,
    sign(digest) {
      const clientDataHash = createHash('sha256').update(webAuthnClientData(digest, clientDataTail)).digest()
      const rs = bytesToHex(signP256(privateKey, Buffer.concat([authenticatorData, clientDataHash])))
      return encodeWebAuthnSignature({ authenticatorData: bytesToHex(authenticatorData), clientDataTail, rs })
    },
  }
}

/** Signs `sha256(message)` as `r ‖ s` with low `s`. */
function signP256(privateKey: KeyObject, message: Uint8Array): Uint8Array {
  const signature = sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' })
  const s = BigInt(bytesToHex(signature.subarray(32)))
  if (s <= P256_ORDER / 2n) return signature
  return Buffer.concat([
    signature.subarray(0, 32),
    Buffer.from((P256_ORDER - s).toString(16).padStart(64, '0'), 'hex'),
  ])
}
