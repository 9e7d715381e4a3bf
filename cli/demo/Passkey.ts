import { p256 } from '@noble/curves/nist.js'
import { bytesToHex, type Hex, stringToBytes } from 'viem'
import { type Assertion, createAuthenticator } from '../../devnet/index.ts'
import { encodeWebAuthnSignature, type Signer } from '../../protocol/index.ts'

/** A signer whose key never leaves its authenticator. */
export type Passkey = { signer: Signer; sign(digest: Hex): Hex }

/** Creates a passkey on a software authenticator, for the demo's imaginary wallet. */
export function createPasskey(): Passkey {
  const authenticator = createAuthenticator('https://wallet.example')
  return {
    signer: { scheme: 3, key: authenticator.publicKey },
    sign: (digest) => assertionToSignature(authenticator.getAssertion(digest)),
  }
}

function assertionToSignature({ authenticatorData, clientDataJSON, signature }: Assertion): Hex {
  const head = stringToBytes('{"type":"webauthn.get","challenge":"').length + 43
  return encodeWebAuthnSignature({
    authenticatorData: bytesToHex(authenticatorData),
    clientDataTail: bytesToHex(clientDataJSON.subarray(head)),
    rs: bytesToHex(p256.Signature.fromBytes(signature, 'der').toBytes('compact')),
  })
}
