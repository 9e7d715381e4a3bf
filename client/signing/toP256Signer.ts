import { fromHex } from '../../protocol/index.ts'
import type { ConfigSigner } from './ConfigSigner.ts'
import { type P256SignatureForm, toLowS, toP256Key } from './p256.ts'

/** A P-256 key in a device. */
export type P256Device = {
  /** As `toP256Key` takes it. */
  publicKey: Uint8Array
  /**
   * Signs SHA-256 of the message. With WebCrypto:
   * `(message) => crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, privateKey, message)`.
   */
  sign(message: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer | Uint8Array>
  /** `compact` by default. */
  form?: P256SignatureForm
}

/**
 * Takes a P-256 device for a signer of scheme 2.
 *
 * @throws {SignerError} when the public key is none.
 */
export function toP256Signer({ publicKey, sign, form = 'compact' }: P256Device): ConfigSigner {
  return {
    scheme: 2,
    key: toP256Key(publicKey),
    async sign({ digest }) {
      const signature = await sign(new Uint8Array(fromHex(digest)))
      return toLowS(new Uint8Array(signature), form)
    },
  }
}
