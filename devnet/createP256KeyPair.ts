import { createECDH, createPrivateKey, type KeyObject } from 'node:crypto'

/** A P-256 key; `publicKey` is `x ‖ y`, 64 bytes. */
export type P256KeyPair = { publicKey: Uint8Array; privateKey: KeyObject }

/**
 * Generates a P-256 key. Not by `generateKeyPairSync`: Node 20 deadlocks when it collects that call's garbage while one of
 * its keys is exported.
 */
export function createP256KeyPair(): P256KeyPair {
  const ecdh = createECDH('prime256v1')
  ecdh.generateKeys()
  const publicKey = new Uint8Array(ecdh.getPublicKey().subarray(1))
  const base64url = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url')
  const privateKey = createPrivateKey({
    format: 'jwk',
    key: {
      kty: 'EC',
      crv: 'P-256',
      x: base64url(publicKey.subarray(0, 32)),
      y: base64url(publicKey.subarray(32)),
      d: base64url(Buffer.from(ecdh.getPrivateKey('hex').padStart(64, '0'), 'hex')),
    },
  })
  return { publicKey, privateKey }
}
