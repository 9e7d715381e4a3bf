import { createHash } from 'node:crypto'
import { p256 } from '@noble/curves/nist.js'
import { bytesToHex, concat, type Hex, stringToBytes } from 'viem'
import { describe, expect, it } from 'vitest'
import { encodeWebAuthnSignature, verifySignature } from '../protocol/index.ts'
import { type Assertion, createAuthenticator } from './Authenticator.ts'

const DIGEST: Hex = `0x${'5a'.repeat(32)}`
const ORIGIN = 'https://wallet.example'

/** As a wallet does it: cut the client data behind the challenge, turn DER into r ‖ s with low s. */
function toSignature({ authenticatorData, clientDataJSON, signature }: Assertion): Hex {
  const tail = clientDataJSON.subarray('{"type":"webauthn.get","challenge":"'.length + 43)
  const parsed = p256.Signature.fromBytes(signature, 'der')
  const low = parsed.hasHighS() ? new p256.Signature(parsed.r, p256.Point.Fn.ORDER - parsed.s) : parsed
  return encodeWebAuthnSignature({
    authenticatorData: bytesToHex(authenticatorData),
    clientDataTail: bytesToHex(tail),
    rs: bytesToHex(low.toBytes('compact')),
  })
}

describe('createAuthenticator', () => {
  it('makes assertions that the protocol accepts over the challenge, and over no other', () => {
    const authenticator = createAuthenticator(ORIGIN)
    for (let i = 0; i < 16; i++) {
      const signature = toSignature(authenticator.getAssertion(DIGEST))
      expect(verifySignature(3, authenticator.publicKey, DIGEST, signature)).toBe(true)
      expect(verifySignature(3, authenticator.publicKey, `0x${'5b'.repeat(32)}`, signature)).toBe(false)
    }
  })

  it('holds a key of its own each time', () => {
    const [one, other] = [createAuthenticator(ORIGIN), createAuthenticator(ORIGIN)]
    const signature = toSignature(one.getAssertion(DIGEST))
    expect(verifySignature(3, other.publicKey, DIGEST, signature)).toBe(false)
  })

  it('serializes client data as browsers do (WebAuthn level 2, §5.8.1.1)', () => {
    const { clientDataJSON } = createAuthenticator(ORIGIN).getAssertion(DIGEST)
    const challenge = Buffer.alloc(32, 0x5a).toString('base64url')
    expect(new TextDecoder().decode(clientDataJSON)).toBe(
      `{"type":"webauthn.get","challenge":"${challenge}","origin":"${ORIGIN}","crossOrigin":false}`,
    )
  })

  it('names the relying party, says that a verified user is present, and counts (§6.1)', () => {
    const authenticator = createAuthenticator(ORIGIN)
    const rpIdHash = createHash('sha256').update(stringToBytes('wallet.example')).digest()
    for (const count of [1, 2]) {
      const { authenticatorData } = authenticator.getAssertion(DIGEST)
      const expected = concat([rpIdHash, Uint8Array.of(0x05, 0, 0, 0, count)])
      expect(bytesToHex(authenticatorData)).toBe(bytesToHex(expected))
    }
  })
})
