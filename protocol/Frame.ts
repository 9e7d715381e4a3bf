import type { Hex } from 'viem'
import { concat, fromHex, toHex } from './bytes.ts'
import { KeyrollError } from './errors.ts'

/** A piece of a channel (OP Stack, derivation, frame format). */
export type Frame = {
  /** 16 bytes. */
  channelId: Hex
  number: number
  data: Uint8Array
  isLast: boolean
}

/** Largest `data` of a frame in bytes, as in the OP Stack. */
export const MAX_FRAME_DATA_BYTES = 1_000_000

// channel_id (16 bytes) ‖ frame_number (uint16) ‖ frame_data_length (uint32) ‖ frame_data ‖ is_last (1 byte)
const ID_BYTES = 16
const HEAD_BYTES = 22

/**
 * Encodes a frame.
 *
 * @throws {FrameError} when its data are longer than {@link MAX_FRAME_DATA_BYTES}.
 */
export function frameToBytes({ channelId, number, data, isLast }: Frame): Uint8Array {
  if (data.length > MAX_FRAME_DATA_BYTES) throw new FrameError(tooLong(data.length))
  const head = new Uint8Array(HEAD_BYTES)
  head.set(fromHex(channelId, ID_BYTES))
  const view = new DataView(head.buffer)
  view.setUint16(16, number)
  view.setUint32(18, data.length)
  return concat(head, data, Uint8Array.of(isLast ? 1 : 0))
}

/**
 * Decodes frames that stand one after the other, at least one, with nothing after the last.
 *
 * @throws {FrameError} when the bytes are anything else.
 */
export function framesFromBytes(bytes: Uint8Array): Frame[] {
  if (bytes.length === 0) throw new FrameError('got no bytes, expected at least one frame')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const frames: Frame[] = []
  for (let offset = 0; offset < bytes.length; ) {
    const dataStart = offset + HEAD_BYTES
    if (dataStart > bytes.length) throw new FrameError('got an input that ends inside a frame head')
    const length = view.getUint32(offset + 18)
    if (length > MAX_FRAME_DATA_BYTES) throw new FrameError(tooLong(length))
    const dataEnd = dataStart + length
    const last = bytes[dataEnd]
    if (last === undefined) throw new FrameError(`got a frame of ${length} data bytes in too short an input`)
    if (last > 1) throw new FrameError(`got is_last ${last}, expected 0 or 1`)
    frames.push({
      channelId: toHex(bytes.subarray(offset, offset + ID_BYTES)),
      number: view.getUint16(offset + 16),
      data: bytes.subarray(dataStart, dataEnd),
      isLast: last === 1,
    })
    offset = dataEnd + 1
  }
  return frames
}

function tooLong(length: number): string {
  return `got ${length} bytes of frame data, expected at most ${MAX_FRAME_DATA_BYTES}`
}

/** Reports bytes that are not frames. */
export class FrameError extends KeyrollError {
  override readonly name = 'FrameError'
}
