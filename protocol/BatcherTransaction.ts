import { batchToBytes, type SingularBatch } from './Batch.ts'
import { BrotliError } from './Brotli.ts'
import { concat, keccak, toHex } from './bytes.ts'
import { ChannelError, decodeChannel, encodeChannel } from './Channel.ts'
import { type Frame, FrameError, framesFromBytes, frameToBytes } from './Frame.ts'
import { RlpError } from './Rlp.ts'

/** The version byte before a batcher transaction's frames (OP Stack, derivation). */
const DERIVATION_VERSION = 0x00
const CHANNEL_ID_BYTES = 16

/** Why a batcher datum is dropped (protocol.md §6). */
export type BatcherDataFlaw =
  | 'UNKNOWN_DERIVATION_VERSION'
  | 'MALFORMED_FRAME'
  | 'NOT_ONE_WHOLE_CHANNEL'
  | 'UNKNOWN_CHANNEL_VERSION'
  | 'NOT_STORED_BROTLI'
  | 'MALFORMED_CHANNEL'

/** A batcher datum: the encoded batches in it, or why it is dropped. */
export type BatcherData =
  | { ok: true; batches: readonly Uint8Array[] }
  | { ok: false; reason: BatcherDataFlaw }

/**
 * Encodes batches as one batcher datum, for calldata or a blob: `0x00 ‖ frame`, the frame a whole channel (protocol.md §6).
 * The channel's id is taken from its hash, so that the same batches are the same bytes.
 *
 * @throws {FrameError} when the batches do not fit one frame.
 */
export function encodeBatcherData(batches: readonly SingularBatch[]): Uint8Array {
  const data = encodeChannel(batches.map(batchToBytes))
  const channelId = toHex(keccak(data).subarray(0, CHANNEL_ID_BYTES))
  return concat(Uint8Array.of(DERIVATION_VERSION), frameToBytes({ channelId, number: 0, data, isLast: true }))
}

/** Decodes a batcher datum, calldata or the content of a blob, by the one-frame rule (protocol.md §6). */
export function decodeBatcherData(bytes: Uint8Array): BatcherData {
  if (bytes[0] !== DERIVATION_VERSION) return { ok: false, reason: 'UNKNOWN_DERIVATION_VERSION' }
  try {
    const [frame, ...more] = framesFromBytes(bytes.subarray(1))
    if (more.length > 0 || !isWholeChannel(frame)) return { ok: false, reason: 'NOT_ONE_WHOLE_CHANNEL' }
    return { ok: true, batches: decodeChannel(frame.data) }
  } catch (error) {
    return { ok: false, reason: flawOf(error) }
  }
}

function isWholeChannel(frame: Frame | undefined): frame is Frame {
  return frame !== undefined && frame.number === 0 && frame.isLast
}

function flawOf(error: unknown): BatcherDataFlaw {
  if (error instanceof FrameError) return 'MALFORMED_FRAME'
  if (error instanceof ChannelError) return 'UNKNOWN_CHANNEL_VERSION'
  if (error instanceof BrotliError) return 'NOT_STORED_BROTLI'
  if (error instanceof RlpError) return 'MALFORMED_CHANNEL'
  throw error
}
