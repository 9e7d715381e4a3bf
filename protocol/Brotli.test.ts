import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import kona from '../test/vectors/brotli.json' with { type: 'json' }
import stored from '../test/vectors/stored_blocks.json' with { type: 'json' }
import { BrotliError, decodeStored, encodeStored } from './Brotli.ts'
import { fromHex, sha256, toHex } from './bytes.ts'

const ofLength = (length: number) => new Uint8Array(length).map((_, i) => i * 31)

// toEqual looks at long arrays element by element, slowly.
const isSameAs = (expected: Uint8Array) => (got: Uint8Array) => Buffer.compare(got, expected) === 0

describe('encodeStored', () => {
  it('writes exactly the vectors', () => {
    for (const { plain, brotli_stored: expected } of stored.cases) {
      const bytes =
        typeof plain === 'string'
          ? fromHex(plain as `0x${string}`)
          : new Uint8Array(plain.length).fill(plain.repeat_byte)
      const stream = encodeStored(bytes)
      if (typeof expected === 'string') expect(toHex(stream)).toBe(expected)
      else {
        expect(stream.length).toBe(expected.length)
        expect(toHex(sha256(stream))).toBe(`0x${expected.sha256}`)
      }
    }
  })

  it.each([0, 1, 2, 65_535, 65_536, 65_537, 131_072, 200_000])(
    'writes %i bytes that node:zlib and decodeStored read',
    (length) => {
      const stream = encodeStored(ofLength(length))
      expect(ofLength(length)).toSatisfy(isSameAs(brotliDecompressSync(stream)))
      expect(decodeStored(stream)).toSatisfy(isSameAs(ofLength(length)))
    },
  )
})

describe('decodeStored', () => {
  it("reads kona's uncompressed stream and refuses its compressed one", () => {
    const [uncompressed, compressed] = kona.cases
    expect(toHex(decodeStored(fromHex(`0x${uncompressed?.compressed}`)))).toBe(
      `0x${uncompressed?.decompressed}`,
    )
    expect(() => decodeStored(fromHex(`0x${compressed?.compressed}`))).toThrow(BrotliError)
  })

  it('reads every window size that RFC 7932 has', () => {
    // WBITS codes from the lowest bit: value and number of bits.
    const codes: [number, number][] = [[0, 1]]
    for (let n = 1; n <= 7; n++) codes.push([1 | (n << 1), 4])
    for (const m of [0, 2, 3, 4, 5, 6, 7]) codes.push([1 | (m << 4), 7])
    for (const [code, width] of codes) {
      const stream = Uint8Array.from(
        packBits([
          [code, width],
          [0b11, 2],
        ]),
      )
      expect(brotliDecompressSync(stream)).toHaveLength(0)
      expect(decodeStored(stream)).toHaveLength(0)
    }
    expect(() =>
      decodeStored(
        Uint8Array.from(
          packBits([
            [0b0010001, 7],
            [0b11, 2],
          ]),
        ),
      ),
    ).toThrow(BrotliError)
  })

  it('reads blocks of any length, such as one of five or six nibbles', () => {
    for (const [nibbles, length] of [
      [4, 3],
      [5, 70_000],
      [6, 1_100_000],
    ] as const) {
      const stream = streamOf(nibbles, length)
      expect(ofLength(length)).toSatisfy(isSameAs(brotliDecompressSync(stream)))
      expect(decodeStored(stream)).toSatisfy(isSameAs(ofLength(length)))
    }
  })

  it('reads as many blocks as fit the largest frame', () => {
    const count = 249_000
    const blocks = Array.from({ length: count }, (_, i) => {
      const head = (i === 0 ? 2 : 1) << 19
      return [head & 0xff, (head >> 8) & 0xff, head >> 16, i & 0xff]
    })
    const stream = Uint8Array.from([...blocks.flat(), 0x03])
    const plain = new Uint8Array(count).map((_, i) => i)
    expect(plain).toSatisfy(isSameAs(brotliDecompressSync(stream)))
    expect(decodeStored(stream)).toSatisfy(isSameAs(plain))
  })

  it('never reads anything else than node:zlib does, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(), fc.nat(255), (plain, at, byte) => {
        const stream = encodeStored(plain)
        const mutated = stream.with(at % stream.length, byte)
        const decoded = tryDecode(mutated)
        if (decoded !== undefined) expect(new Uint8Array(brotliDecompressSync(mutated))).toEqual(decoded)
      }),
      { numRuns: 3_000 },
    )
  })

  it('survives random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
        tryDecode(bytes)
      }),
      { numRuns: 2_000 },
    )
  })

  it.each<[string, Uint8Array]>([
    ['nothing', Uint8Array.of()],
    ['a compressed stream', new Uint8Array(brotliCompressSync(ofLength(500)))],
    ['what node stores at quality 0 when it adds compressed blocks', compressedAtLowest()],
    [
      'a metadata block',
      Uint8Array.from(
        packBits([
          [0, 1],
          [0, 1],
          [3, 2],
          [0, 1],
          [0, 2],
          [0, 1],
          [0b11, 2],
        ]),
      ),
    ],
    ['a length with a leading zero nibble', streamOf(5, 3)],
    ['padding that is not zero before a block', Uint8Array.of(0x90, 0x00, 0x30, ...ofLength(10), 0x03)],
    ['padding that is not zero at the end', Uint8Array.of(0x06 | 0x08)],
    ['a last block with content', Uint8Array.of(0x02, 0x00)],
    ['a stream without its end', encodeStored(ofLength(10)).slice(0, -1)],
    ['a block cut short', encodeStored(ofLength(10)).slice(0, 8)],
    ['bytes after the stream', Uint8Array.of(...encodeStored(ofLength(10)), 0)],
  ])('refuses %s', (_name, stream) => {
    expect(() => decodeStored(stream)).toThrow(BrotliError)
  })
})

function compressedAtLowest(): Uint8Array {
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 0 } }
  return new Uint8Array(brotliCompressSync(new Uint8Array(1_000), quality))
}

function streamOf(nibbles: 4 | 5 | 6, length: number): Uint8Array {
  const head = packBits([
    [0, 1],
    [0, 1],
    [nibbles - 4, 2],
    [length - 1, 4 * nibbles],
    [1, 1],
  ])
  const plain = ofLength(length)
  const stream = new Uint8Array(head.length + length + 1)
  stream.set(head)
  stream.set(plain, head.length)
  stream[stream.length - 1] = 0x03
  return stream
}

function packBits(fields: readonly (readonly [value: number, width: number])[]): number[] {
  const bits = fields.flatMap(([value, width]) => Array.from({ length: width }, (_, i) => (value >> i) & 1))
  return Array.from({ length: Math.ceil(bits.length / 8) }, (_, at) =>
    bits.slice(8 * at, 8 * at + 8).reduce((byte, bit, i) => byte | (bit << i), 0),
  )
}

function tryDecode(stream: Uint8Array): Uint8Array | undefined {
  try {
    return decodeStored(stream)
  } catch (error) {
    expect(error).toBeInstanceOf(BrotliError)
    return undefined
  }
}
