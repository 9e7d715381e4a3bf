import { createHash } from 'node:crypto'
import { bytesToHex, concat, type Hex, hexToBytes, stringToBytes } from 'viem'
import { describe, expect, it } from 'vitest'
import { type SigningRequest, toWebAuthnSigner } from '../client/index.ts'
import { verifySignature } from '../protocol/index.ts'
import { createAuthenticator } from './Authenticator.ts'

const DIGEST: Hex = `0x${'5a'.repeat(32)}`
const REQUEST: SigningRequest = {
  digest: DIGEST,
  // An authenticator never sees it.
  typedData: { domain: {}, types: {}, primaryType: 'EIP712Domain', message: {} },
}
const ORIGIN = 'https://wallet.example'

describe('createAuthenticator', () => {
  it('makes assertions that the protocol accepts over the challenge, and over no other', async () => {
    const signer = toWebAuthnSigner(createAuthenticator(ORIGIN))
    for (let i = 0; i < 16; i++) {
      const signature = await signer.sign(REQUEST)
      expect(verifySignature(3, signer.key, DIGEST, signature)).toBe(true)
      expect(verifySignature(3, signer.key, `0x${'5b'.repeat(32)}`, signature)).toBe(false)
    }
  })

  it('holds a key of its own each time', async () => {
    const [one, other] = [createAuthenticator(ORIGIN), createAuthenticator(ORIGIN)].map(toWebAuthnSigner)
    if (!one || !other) expect.unreachable()
    expect(verifySignature(3, other.key, DIGEST, await one.sign(REQUEST))).toBe(false)
  })

  it('serializes client data as browsers do (WebAuthn level 2, §5.8.1.1)', () => {
    const { clientDataJSON } = createAuthenticator(ORIGIN).getAssertion(hexToBytes(DIGEST))
    const challenge = Buffer.alloc(32, 0x5a).toString('base64url')
    expect(new TextDecoder().decode(clientDataJSON)).toBe(
      `{"type":"webauthn.get","challenge":"${challenge}","origin":"${ORIGIN}","crossOrigin":false}`,
    )
  })

  it('names the relying party, says that a verified user is present, and counts (§6.1)', () => {
    const authenticator = createAuthenticator(ORIGIN)
    const rpIdHash = createHash('sha256').update(stringToBytes('wallet.example')).digest()
    for (const count of [1, 2]) {
      const { authenticatorData } = authenticator.getAssertion(hexToBytes(DIGEST))
      const expected = concat([rpIdHash, Uint8Array.of(0x05, 0, 0, 0, count)])
      expect(bytesToHex(authenticatorData)).toBe(bytesToHex(expected))
    }
  })
})
