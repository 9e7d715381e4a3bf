import { createHash, createSign } from 'node:crypto'
import { createP256KeyPair } from './createP256KeyPair.ts'

/** What `navigator.credentials.get` returns for a passkey, in the fields that matter. */
export type Assertion = {
  authenticatorData: Uint8Array
  clientDataJSON: Uint8Array
  /** ASN.1 DER, as authenticators return it; `s` may be high. */
  signature: Uint8Array
}

/** A software authenticator holding one passkey. */
export interface Authenticator {
  /** `x ‖ y`, 64 bytes. */
  readonly publicKey: Uint8Array
  /** Signs the challenge as a browser and a platform authenticator would together (WebAuthn level 2, §7.2). */
  getAssertion(challenge: Uint8Array): Assertion
}

const FLAG_USER_PRESENT = 0x01
const FLAG_USER_VERIFIED = 0x04

/** Creates a passkey for an origin, e.g. `https://wallet.example`; its relying party id is the host name. */
export function createAuthenticator(origin: string): Authenticator {
  const { publicKey, privateKey } = createP256KeyPair()
  const rpIdHash = createHash('sha256').update(new URL(origin).hostname).digest()
  let signCount = 0
  return {
    publicKey,
    getAssertion(challenge) {
      signCount += 1
      const authenticatorData = Buffer.alloc(37)
      rpIdHash.copy(authenticatorData)
      authenticatorData[32] = FLAG_USER_PRESENT | FLAG_USER_VERIFIED
      authenticatorData.writeUInt32BE(signCount, 33)

      const clientDataJSON = Buffer.from(
        JSON.stringify({
          type: 'webauthn.get',
          challenge: Buffer.from(challenge).toString('base64url'),
          origin,
          crossOrigin: false,
        }),
      )
      const clientDataHash = createHash('sha256').update(clientDataJSON).digest()
      const signature = createSign('sha256').update(authenticatorData).update(clientDataHash).sign(privateKey)
      return {
        authenticatorData: new Uint8Array(authenticatorData),
        clientDataJSON: new Uint8Array(clientDataJSON),
        signature: new Uint8Array(signature),
      }
    },
  }
}
