import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { batchFromBytes, batchToBytes, type SingularBatch } from './Batch.ts'
import { type BatcherDataFlaw, decodeBatcherData, encodeBatcherData } from './BatcherTransaction.ts'
import { BLOB_BYTES, BlobError, decodeBlob, encodeBlob, MAX_BLOB_DATA_BYTES } from './Blob.ts'
import { BrotliError, decodeStored, encodeStored } from './Brotli.ts'
import { concat, toHex } from './bytes.ts'
import { ChannelError, decodeChannel, encodeChannel } from './Channel.ts'
import { type Frame, FrameError, framesFromBytes, frameToBytes, MAX_FRAME_DATA_BYTES } from './Frame.ts'
import { encodeRlp, RlpError, uintToRlp } from './Rlp.ts'

// Whoever pays for L1 writes what these codecs read. Each is given arbitrary bytes, its own output damaged in every way, and
// the largest inputs there can be: it answers, or refuses by its own error, and never anything else.

const bytes = (maxLength: number) => fc.uint8Array({ maxLength })
const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(toHex)
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const frame: fc.Arbitrary<Frame> = fc.record({
  channelId: fc.uint8Array({ minLength: 16, maxLength: 16 }).map(toHex),
  number: fc.nat(0xffff),
  data: bytes(80),
  isLast: fc.boolean(),
})
const batch: fc.Arbitrary<SingularBatch> = fc.record({
  parentHash: hash,
  epochNumber: uint64,
  epochHash: hash,
  timestamp: uint64,
  transactions: fc.array(bytes(70), { maxLength: 4 }),
})

type Damage = (input: Uint8Array) => Uint8Array

/** One way to damage bytes; places are taken modulo the length. */
const damage: fc.Arbitrary<Damage> = fc.oneof(
  fc.tuple(fc.nat(), fc.nat(7)).map(
    ([at, bit]): Damage =>
      (input) => {
        const place = at % Math.max(input.length, 1)
        return input.map((byte, i) => (i === place ? byte ^ (1 << bit) : byte))
      },
  ),
  fc.tuple(fc.nat(), fc.nat(255)).map(
    ([at, byte]): Damage =>
      (input) => {
        const place = at % Math.max(input.length, 1)
        return input.map((old, i) => (i === place ? byte : old))
      },
  ),
  fc.nat().map(
    (at): Damage =>
      (input) =>
        input.slice(0, at % (input.length + 1)),
  ),
  fc.nat().map(
    (at): Damage =>
      (input) =>
        input.slice(at % (input.length + 1)),
  ),
  fc.tuple(fc.nat(), bytes(8)).map(
    ([at, more]): Damage =>
      (input) => {
        const place = at % (input.length + 1)
        return concat(input.slice(0, place), more, input.slice(place))
      },
  ),
  fc.tuple(fc.nat(), fc.nat(9)).map(
    ([at, count]): Damage =>
      (input) => {
        const place = at % (input.length + 1)
        return concat(input.slice(0, place), input.slice(place + count))
      },
  ),
  bytes(40).map(
    (more): Damage =>
      (input) =>
        concat(input, more),
  ),
  fc.constant<Damage>((input) => concat(input, input)),
)

/** Valid bytes, damaged never to thrice; and bytes that never were anything. */
const damaged = (valid: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    { weight: 1, arbitrary: bytes(300) },
    {
      weight: 5,
      arbitrary: fc
        .tuple(valid, fc.array(damage, { maxLength: 3 }))
        .map(([input, damages]) => damages.reduce((result, apply) => apply(result), input)),
    },
  )

/** Runs a decoder; undefined when it refuses by one of its errors, and nothing else is let through. */
function attempt<T>(decode: () => T, ...errors: (new (message: string) => Error)[]): T | undefined {
  try {
    return decode()
  } catch (error) {
    if (errors.some((each) => error instanceof each)) return undefined
    throw error
  }
}

const isSameAs = (expected: Uint8Array) => (got: Uint8Array) => Buffer.compare(got, expected) === 0
const RUNS = { numRuns: 2_000 }

describe('frames', () => {
  const encoded = fc
    .array(frame, { minLength: 1, maxLength: 4 })
    .map((all) => concat(...all.map(frameToBytes)))

  it('are read from exactly the bytes that they are written as', () => {
    let accepted = 0
    fc.assert(
      fc.property(damaged(encoded), (input) => {
        const frames = attempt(() => framesFromBytes(input), FrameError)
        if (frames === undefined) return
        accepted++
        expect(concat(...frames.map(frameToBytes))).toEqual(input)
      }),
      RUNS,
    )
    expect(accepted).toBeGreaterThan(100)
  })

  it('read side by side are those of both parts', () => {
    fc.assert(
      fc.property(encoded, encoded, (a, b) => {
        expect(framesFromBytes(concat(a, b))).toEqual([...framesFromBytes(a), ...framesFromBytes(b)])
      }),
    )
  })

  it('are refused when their length says more than is there, whatever it says', () => {
    fc.assert(
      fc.property(frame, fc.integer({ min: 1, max: 2 ** 32 - 1 }), (value, more) => {
        const input = frameToBytes(value)
        const length = value.data.length + more
        if (length >= 2 ** 32) return
        new DataView(input.buffer).setUint32(18, length)
        expect(() => framesFromBytes(input)).toThrow(FrameError)
      }),
    )
  })

  it('are read by the hundred thousand', () => {
    const one = frameToBytes({
      channelId: `0x${'00'.repeat(16)}`,
      number: 0,
      data: new Uint8Array(),
      isLast: false,
    })
    const input = new Uint8Array(100_000 * one.length)
    for (let i = 0; i < 100_000; i++) input.set(one, i * one.length)
    expect(framesFromBytes(input)).toHaveLength(100_000)
    expect(decodeBatcherData(concat(Uint8Array.of(0), input))).toEqual({
      ok: false,
      reason: 'NOT_ONE_WHOLE_CHANNEL',
    })
  })
})

describe('singular batches', () => {
  it('are read from exactly the bytes that they are written as', () => {
    let accepted = 0
    fc.assert(
      fc.property(damaged(batch.map(batchToBytes)), (input) => {
        const read = attempt(() => batchFromBytes(input), RlpError)
        if (read === undefined) return
        accepted++
        expect(batchToBytes(read)).toEqual(input)
      }),
      RUNS,
    )
    expect(accepted).toBeGreaterThan(100)
  })

  it('are refused with an epoch or a timestamp of 2^64', () => {
    const encode = (epoch: bigint, timestamp: bigint) => {
      const fields = [new Uint8Array(32), uintToRlp(epoch), new Uint8Array(32), uintToRlp(timestamp), []]
      return concat(Uint8Array.of(0), encodeRlp(fields))
    }
    const most = 2n ** 64n - 1n
    expect(batchFromBytes(encode(most, most))).toMatchObject({ epochNumber: most, timestamp: most })
    expect(() => batchFromBytes(encode(most + 1n, 0n))).toThrow(RlpError)
    expect(() => batchFromBytes(encode(0n, most + 1n))).toThrow(RlpError)
  })

  it('are refused with a list that nests deeper than any stack, and a length beyond any memory', () => {
    const nested = new Uint8Array(100_000).fill(0xc1)
    const huge = Uint8Array.of(0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
    for (const input of [
      concat(Uint8Array.of(0), nested),
      huge,
      Uint8Array.of(0, 0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
    ]) {
      expect(() => batchFromBytes(input)).toThrow(RlpError)
    }
    let lists = encodeRlp([])
    for (let depth = 0; depth < 40; depth++) lists = encodeRlpHead(lists)
    expect(() => batchFromBytes(concat(Uint8Array.of(0), lists))).toThrow(RlpError)
  })
})

describe('stored brotli', () => {
  it('is read as node:zlib reads it, or refused', () => {
    let accepted = 0
    fc.assert(
      fc.property(damaged(bytes(200).map(encodeStored)), (input) => {
        const content = attempt(() => decodeStored(input), BrotliError)
        if (content === undefined) return
        accepted++
        // Whatever was refused may be brotli all the same; whatever was read is, and is that.
        expect(content).toSatisfy(isSameAs(brotliDecompressSync(input)))
        expect(content.length).toBeLessThan(input.length)
        expect(decodeStored(encodeStored(content))).toSatisfy(isSameAs(content))
      }),
      RUNS,
    )
    expect(accepted).toBeGreaterThan(100)
  })

  it('does not unpack a bomb', () => {
    const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }
    const bomb = brotliCompressSync(new Uint8Array(16 * 1024 * 1024), quality)
    expect(bomb.length).toBeLessThan(1_000)
    expect(() => decodeStored(bomb)).toThrow(BrotliError)
    // A block of 16 MiB that is announced and not there.
    const announced = Uint8Array.of(0x0c, 0xf0, 0xff, 0xff, 0x1f)
    expect(() => decodeStored(announced)).toThrow(BrotliError)
  })
})

describe('channels', () => {
  it('are read as the batches that they hold, or refused', () => {
    let accepted = 0
    fc.assert(
      fc.property(damaged(fc.array(bytes(60), { maxLength: 5 }).map(encodeChannel)), (input) => {
        const batches = attempt(() => decodeChannel(input), ChannelError, BrotliError, RlpError)
        if (batches === undefined) return
        accepted++
        const content = concat(...batches.map((each) => encodeRlp(each)))
        expect(decodeStored(input.subarray(1))).toEqual(content)
        expect(decodeChannel(encodeChannel(batches))).toEqual(batches)
      }),
      RUNS,
    )
    expect(accepted).toBeGreaterThan(100)
  })
})

describe('blobs', () => {
  it('are read from exactly the field elements that they are written as', () => {
    const place = fc.oneof(fc.nat(400), fc.nat(BLOB_BYTES - 1))
    const change = fc.tuple(place, fc.nat(255))
    let accepted = 0
    fc.assert(
      fc.property(bytes(300), fc.array(change, { maxLength: 2 }), (data, changes) => {
        const blob = encodeBlob(data)
        for (const [at, byte] of changes) blob[at] = byte
        const read = attempt(() => decodeBlob(blob), BlobError)
        if (read === undefined) return
        accepted++
        expect(encodeBlob(read)).toSatisfy(isSameAs(blob))
        if (changes.length === 0) expect(read).toEqual(data)
      }),
      { numRuns: 400 },
    )
    expect(accepted).toBeGreaterThan(20)
  })

  it('are refused when they are noise, or of another length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), fc.nat(200), (seed, length) => {
        const noise = new Uint8Array(BLOB_BYTES).map(
          (_, i) => ((seed[i % seed.length] as number) * (i + 1)) ^ (i >> 3),
        )
        const read = attempt(() => decodeBlob(noise), BlobError)
        if (read !== undefined) expect(encodeBlob(read)).toSatisfy(isSameAs(noise))
        expect(() => decodeBlob(noise.subarray(0, length))).toThrow(BlobError)
      }),
      { numRuns: 100 },
    )
  })

  it('hold any data up to the most they can', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.integer({ min: MAX_BLOB_DATA_BYTES - 200, max: MAX_BLOB_DATA_BYTES }),
          fc.nat(MAX_BLOB_DATA_BYTES),
        ),
        fc.nat(255),
        (length, salt) => {
          const data = new Uint8Array(length).map((_, i) => (i * 167) ^ (i >> 7) ^ salt)
          const blob = encodeBlob(data)
          expect(decodeBlob(blob)).toSatisfy(isSameAs(data))
          expect(blob.every((byte, i) => i % 32 !== 0 || byte < 0x40)).toBe(true)
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('batcher data', () => {
  const FLAWS: readonly BatcherDataFlaw[] = [
    'UNKNOWN_DERIVATION_VERSION',
    'MALFORMED_FRAME',
    'NOT_ONE_WHOLE_CHANNEL',
    'UNKNOWN_CHANNEL_VERSION',
    'NOT_STORED_BROTLI',
    'MALFORMED_CHANNEL',
  ]
  const data = fc.array(batch, { maxLength: 4 }).map(encodeBatcherData)

  it('are batches that are no more than what came in, or are dropped for a reason of the list', () => {
    const seen = new Set<string>()
    fc.assert(
      fc.property(damaged(data), (input) => {
        const decoded = decodeBatcherData(input)
        seen.add(decoded.ok ? 'ok' : decoded.reason)
        if (decoded.ok) {
          const size = decoded.batches.reduce((sum, each) => sum + each.length, 0)
          expect(size).toBeLessThan(input.length)
          for (const each of decoded.batches) attempt(() => batchFromBytes(each), RlpError)
        } else expect(FLAWS).toContain(decoded.reason)
      }),
      { numRuns: 5_000 },
    )
    expect(seen).toEqual(new Set(['ok', ...FLAWS]))
  })

  it('never mean something else when they are cut short or something follows', () => {
    fc.assert(
      fc.property(data, fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 9 }), (input, at, more) => {
        expect(decodeBatcherData(input.subarray(0, at % input.length)).ok).toBe(false)
        expect(decodeBatcherData(concat(input, more)).ok).toBe(false)
        expect(decodeBatcherData(concat(input, input.subarray(1))).ok).toBe(false)
      }),
    )
  })

  it('of the largest frame are read, whatever fills it', () => {
    const framed = (channel: Uint8Array) =>
      concat(
        Uint8Array.of(0),
        frameToBytes({ channelId: `0x${'00'.repeat(16)}`, number: 0, data: channel, isLast: true }),
      )
    const fillings: [Uint8Array, boolean][] = [
      [encodeRlp(new Uint8Array(999_000)), true],
      // Each zero byte is a batch of its own.
      [new Uint8Array(999_000), true],
      [new Uint8Array(999_000).fill(0x80), true],
      [new Uint8Array(999_000).fill(0xc0), false],
      [new Uint8Array(999_000).fill(0xff), false],
    ]
    for (const [content, ok] of fillings) {
      const decoded = decodeBatcherData(framed(concat(Uint8Array.of(1), encodeStored(content))))
      expect(decoded.ok).toBe(ok)
    }
    expect(decodeBatcherData(framed(new Uint8Array(MAX_FRAME_DATA_BYTES).fill(1))).ok).toBe(false)
  })
})

/** Puts an encoded list into a list. */
function encodeRlpHead(payload: Uint8Array): Uint8Array {
  if (payload.length < 56) return concat(Uint8Array.of(0xc0 + payload.length), payload)
  return concat(Uint8Array.of(0xf8, payload.length), payload)
}
