import { decodeStored, encodeStored } from './Brotli.ts'
import { concat } from './bytes.ts'
import { KeyrollError } from './errors.ts'
import { decodeRlpAt, encodeRlp, rlpToBytes } from './Rlp.ts'

/** The channel version byte that announces brotli (OP Stack, Fjord). */
const BROTLI_VERSION = 0x01

/** Encodes encoded batches as a channel: `0x01 ‖ brotli(rlp(batch) ‖ rlp(batch) ‖ ...)`, uncompressed (protocol.md §6). */
export function encodeChannel(batches: readonly Uint8Array[]): Uint8Array {
  return concat(
    Uint8Array.of(BROTLI_VERSION),
    encodeStored(concat(...batches.map((batch) => encodeRlp(batch)))),
  )
}

/**
 * Decodes a channel into its encoded batches.
 *
 * @throws {ChannelError} when the version byte is not brotli's.
 * @throws {BrotliError} when the stream is not made of uncompressed metablocks.
 * @throws {RlpError} when its content is not a sequence of canonical RLP strings.
 */
export function decodeChannel(channel: Uint8Array): Uint8Array[] {
  if (channel[0] !== BROTLI_VERSION) {
    throw new ChannelError(`got channel version ${channel[0]}, expected ${BROTLI_VERSION} (brotli)`)
  }
  const content = decodeStored(channel.subarray(1))
  const batches: Uint8Array[] = []
  for (let offset = 0; offset < content.length; ) {
    const { item, end } = decodeRlpAt(content, offset)
    batches.push(rlpToBytes(item))
    offset = end
  }
  return batches
}

/** Reports a channel that is not brotli. */
export class ChannelError extends KeyrollError {
  override readonly name = 'ChannelError'
}
