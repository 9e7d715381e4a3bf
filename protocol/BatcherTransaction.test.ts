import { brotliCompressSync, deflateSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import vectors from '../test/vectors/frames_brotli_singular.json' with { type: 'json' }
import { batchFromBytes, batchToBytes, type SingularBatch } from './Batch.ts'
import { type BatcherDataFlaw, decodeBatcherData, encodeBatcherData } from './BatcherTransaction.ts'
import { encodeStored } from './Brotli.ts'
import { concat, fromHex, toHex } from './bytes.ts'
import { decodeChannel, encodeChannel } from './Channel.ts'
import { type Frame, frameToBytes } from './Frame.ts'
import { encodeRlp, RlpError } from './Rlp.ts'

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(toHex)
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const batch: fc.Arbitrary<SingularBatch> = fc.record({
  parentHash: hash,
  epochNumber: uint64,
  epochHash: hash,
  timestamp: uint64,
  transactions: fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 4 }),
})

describe('a singular batch', () => {
  it('is read and written as kona does', () => {
    const bytes = fromHex(vectors.decompressed as `0x${string}`)
    const read = batchFromBytes(bytes)
    expect(read.epochNumber).toBe(1n)
    expect(read.timestamp).toBe(1n)
    expect(read.transactions.map(toHex)).toEqual(vectors.computed.rlp[4])
    expect(batchToBytes(read)).toEqual(bytes)
  })

  it('comes back from its bytes', () => {
    fc.assert(
      fc.property(batch, (value) => {
        expect(batchFromBytes(batchToBytes(value))).toEqual(value)
      }),
    )
  })

  it.each<[string, Uint8Array]>([
    ['no bytes', Uint8Array.of()],
    ['a span batch', Uint8Array.of(1, 0xc0)],
    ['too few fields', concat(Uint8Array.of(0), encodeRlp([]))],
    ['a string', concat(Uint8Array.of(0), encodeRlp(Uint8Array.of()))],
    ['bytes after it', concat(fromHex(vectors.decompressed as `0x${string}`), Uint8Array.of(0))],
  ])('is refused when it is %s', (_name, bytes) => {
    expect(() => batchFromBytes(bytes)).toThrow(RlpError)
  })
})

describe('batcher data', () => {
  it('come back from their bytes, which are the same each time', () => {
    fc.assert(
      fc.property(fc.array(batch, { maxLength: 5 }), (batches) => {
        const data = encodeBatcherData(batches)
        expect(encodeBatcherData(batches)).toEqual(data)
        const decoded = decodeBatcherData(data)
        expect(decoded).toEqual({ ok: true, batches: batches.map(batchToBytes) })
      }),
    )
  })

  const channel = encodeChannel([batchToBytes(someBatch())])
  const framed = (frame: Partial<Frame>) =>
    frameToBytes({ channelId: `0x${'ab'.repeat(16)}`, number: 0, data: channel, isLast: true, ...frame })
  const datum = (...frames: Uint8Array[]) => concat(Uint8Array.of(0), ...frames)
  const ofContent = (content: Uint8Array) =>
    datum(framed({ data: concat(Uint8Array.of(1), encodeStored(content)) }))

  it.each<[string, Uint8Array, BatcherDataFlaw]>([
    ['no bytes', Uint8Array.of(), 'UNKNOWN_DERIVATION_VERSION'],
    ['another version', concat(Uint8Array.of(1), framed({})), 'UNKNOWN_DERIVATION_VERSION'],
    ['no frame', Uint8Array.of(0), 'MALFORMED_FRAME'],
    ['half a frame', datum(framed({})).slice(0, -2), 'MALFORMED_FRAME'],
    ['a byte after the frame', datum(framed({}), Uint8Array.of(0)), 'MALFORMED_FRAME'],
    ['two frames', datum(framed({}), framed({})), 'NOT_ONE_WHOLE_CHANNEL'],
    ['a later frame', datum(framed({ number: 1 })), 'NOT_ONE_WHOLE_CHANNEL'],
    ['a frame that is not the last', datum(framed({ isLast: false })), 'NOT_ONE_WHOLE_CHANNEL'],
    ['an empty channel', datum(framed({ data: Uint8Array.of() })), 'UNKNOWN_CHANNEL_VERSION'],
    ['a zlib channel', datum(framed({ data: deflateSync(channel) })), 'UNKNOWN_CHANNEL_VERSION'],
    [
      'compressed brotli',
      datum(framed({ data: concat(Uint8Array.of(1), brotliCompressSync(channel)) })),
      'NOT_STORED_BROTLI',
    ],
    ['an RLP list among the batches', ofContent(encodeRlp([])), 'MALFORMED_CHANNEL'],
    ['half a batch', ofContent(encodeRlp(batchToBytes(someBatch())).slice(0, -1)), 'MALFORMED_CHANNEL'],
  ])('of %s are dropped', (_name, bytes, reason) => {
    expect(decodeBatcherData(bytes)).toEqual({ ok: false, reason })
  })

  it('never throw, whatever byte changes', () => {
    const data = encodeBatcherData([someBatch(), someBatch()])
    fc.assert(
      fc.property(fc.nat(data.length - 1), fc.nat(255), (at, byte) => {
        decodeBatcherData(data.with(at, byte))
      }),
      { numRuns: 2_000 },
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        decodeBatcherData(concat(Uint8Array.of(0), bytes))
      }),
    )
  })

  it('may hold an empty channel', () => {
    expect(decodeBatcherData(encodeBatcherData([]))).toEqual({ ok: true, batches: [] })
    expect(decodeChannel(encodeChannel([]))).toEqual([])
  })
})

function someBatch(): SingularBatch {
  return {
    parentHash: `0x${'01'.repeat(32)}`,
    epochNumber: 7n,
    epochHash: `0x${'02'.repeat(32)}`,
    timestamp: 12n,
    transactions: [Uint8Array.of(0x4b, 0xc0)],
  }
}
