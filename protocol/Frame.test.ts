import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { parseTransaction } from 'viem'
import { describe, expect, it } from 'vitest'
import vectors from '../test/vectors/frames_brotli_singular.json' with { type: 'json' }
import opMainnet from '../test/vectors/op_mainnet_batcher_tx.expected.json' with { type: 'json' }
import { concat, fromHex, keccakHex, toHex } from './bytes.ts'
import { type Frame, FrameError, framesFromBytes, frameToBytes, MAX_FRAME_DATA_BYTES } from './Frame.ts'

const frame: fc.Arbitrary<Frame> = fc.record({
  channelId: fc.uint8Array({ minLength: 16, maxLength: 16 }).map(toHex),
  number: fc.nat(0xffff),
  data: fc.uint8Array({ maxLength: 100 }),
  isLast: fc.boolean(),
})

describe('frames', () => {
  it('are read and written as kona does', () => {
    for (const vector of vectors.frames) {
      const bytes = fromHex(vector.raw as `0x${string}`)
      const [read, ...more] = framesFromBytes(bytes)
      expect(more).toEqual([])
      expect(read).toEqual({
        channelId: vector.id,
        number: vector.frame_number,
        data: fromHex(vector.frame_data as `0x${string}`),
        isLast: vector.is_last === 1,
      })
      expect(frameToBytes(read as Frame)).toEqual(bytes)
    }
  })

  it('are found in a real OP Mainnet batcher transaction', () => {
    const raw = gunzipSync(
      readFileSync(new URL('../test/vectors/op_mainnet_batcher_tx.bin.gz', import.meta.url)),
    )
    expect(keccakHex(raw)).toBe(opMainnet.expected.tx_hash)
    const calldata = fromHex(parseTransaction(toHex(raw)).data as `0x${string}`)
    expect(calldata.length).toBe(opMainnet.expected.calldata_len)
    const frames = framesFromBytes(calldata.subarray(1))
    expect(frames.map(({ data, ...rest }) => ({ ...rest, length: data.length }))).toEqual([
      {
        channelId: opMainnet.expected.channel_id,
        number: opMainnet.expected.frame_number,
        isLast: opMainnet.expected.is_last === 1,
        length: opMainnet.expected.frame_data_length,
      },
    ])
  })

  it('come back from their bytes in their order', () => {
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: 5 }), (frames) => {
        expect(framesFromBytes(concat(...frames.map(frameToBytes)))).toEqual(frames)
      }),
    )
  })

  it('are refused when anything is missing, too long or left over', () => {
    const bytes = frameToBytes({
      channelId: `0x${'11'.repeat(16)}`,
      number: 0,
      data: new Uint8Array(5),
      isLast: true,
    })
    for (let length = 0; length < bytes.length; length++) {
      expect(() => framesFromBytes(bytes.subarray(0, length))).toThrow(FrameError)
    }
    expect(() => framesFromBytes(concat(bytes, Uint8Array.of(0)))).toThrow(FrameError)
    expect(() => framesFromBytes(bytes.with(-1, 2))).toThrow(FrameError)
    const long = new Uint8Array(MAX_FRAME_DATA_BYTES + 24)
    new DataView(long.buffer).setUint32(18, MAX_FRAME_DATA_BYTES + 1)
    expect(() => framesFromBytes(long)).toThrow(FrameError)
  })

  it('hold a million bytes of data, as in the OP Stack', () => {
    const full = {
      channelId: toHex(new Uint8Array(16)),
      number: 0,
      data: new Uint8Array(1_000_000),
      isLast: true,
    }
    const [read, ...more] = framesFromBytes(frameToBytes(full))
    expect(more).toEqual([])
    expect(read?.data.length).toBe(1_000_000)
    expect(MAX_FRAME_DATA_BYTES).toBe(1_000_000)
  })

  it('are not written with more data than may be read', () => {
    const data = new Uint8Array(MAX_FRAME_DATA_BYTES + 1)
    expect(() => frameToBytes({ channelId: `0x${'11'.repeat(16)}`, number: 0, data, isLast: true })).toThrow(
      FrameError,
    )
  })
})
