import { encodeWebAuthnSignature, fromHex, toHex, webAuthnClientData } from '../../protocol/index.ts'
import { SignerError } from '../errors.ts'
import type { ConfigSigner } from './ConfigSigner.ts'
import { toLowS, toP256Key } from './p256.ts'

/** What a browser returns of an assertion: the fields of `AuthenticatorAssertionResponse`. */
export type WebAuthnAssertion = {
  authenticatorData: ArrayBuffer | Uint8Array
  clientDataJSON: ArrayBuffer | Uint8Array
  /** ASN.1 DER. */
  signature: ArrayBuffer | Uint8Array
}

/** A passkey. */
export type WebAuthnDevice = {
  /** As `toP256Key` takes it. */
  publicKey: Uint8Array
  /**
   * Has the passkey sign a challenge. In a browser:
   * `async (challenge) => (await navigator.credentials.get({ publicKey: { challenge, ... } })).response`.
   */
  getAssertion(challenge: Uint8Array<ArrayBuffer>): Promise<WebAuthnAssertion> | WebAuthnAssertion
}

/**
 * Takes a passkey for a signer of scheme 3.
 *
 * Its `sign` rejects with {@link SignerError} when the client data does not begin as WebAuthn level 2, §5.8.1.2
 * prescribes for the digest as challenge: then no verifier would accept it.
 *
 * @throws {SignerError} when the public key is none.
 */
export function toWebAuthnSigner({ publicKey, getAssertion }: WebAuthnDevice): ConfigSigner {
  return {
    scheme: 3,
    key: toP256Key(publicKey),
    async sign({ digest }) {
      const assertion = await getAssertion(new Uint8Array(fromHex(digest)))
      const clientData = new Uint8Array(assertion.clientDataJSON)
      const head = webAuthnClientData(digest, '0x')
      if (!head.every((byte, index) => byte === clientData[index])) {
        const got = new TextDecoder().decode(clientData)
        throw new SignerError(
          `got client data ${got}, expected it to begin ${new TextDecoder().decode(head)}`,
        )
      }
      return encodeWebAuthnSignature({
        authenticatorData: toHex(new Uint8Array(assertion.authenticatorData)),
        clientDataTail: toHex(clientData.subarray(head.length)),
        rs: toLowS(new Uint8Array(assertion.signature), 'der'),
      })
    },
  }
}
