import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import vectors from '../test/vectors/blob_codec.json' with { type: 'json' }
import { BLOB_BYTES, BlobError, decodeBlob, encodeBlob, MAX_BLOB_DATA_BYTES } from './Blob.ts'
import { asciiToBytes, fromHex } from './bytes.ts'

// toEqual looks at long arrays element by element, slowly.
const isSameAs = (expected: Uint8Array) => (got: Uint8Array) => Buffer.compare(got, expected) === 0

describe('the blob codec', () => {
  it('encodes the vectors of op-service', () => {
    for (const { input, output, err } of vectors.encode as Vector[]) {
      if (err === undefined) expect(encodeBlob(bytesOf(input))).toSatisfy(isSameAs(blobOf(output as string)))
      else expect(() => encodeBlob(bytesOf(input))).toThrow(BlobError)
    }
  })

  it('decodes the vectors of op-service, and refuses those it refuses', () => {
    for (const { input, output, err } of vectors.decode as Vector[]) {
      const blob = blobOf(input as string)
      if (err === undefined) expect(decodeBlob(blob)).toSatisfy(isSameAs(bytesOf(output as Bytes)))
      else expect(() => decodeBlob(blob)).toThrow(BlobError)
    }
  })

  it('gets back what was encoded', () => {
    for (const text of vectors.roundtrip_utf8) {
      expect(decodeBlob(encodeBlob(asciiToBytes(text)))).toEqual(asciiToBytes(text))
    }
    for (const length of [27, 28, 126, 127, 128, 254, 50_000, MAX_BLOB_DATA_BYTES]) {
      const data = new Uint8Array(length).map((_, i) => (i * 167) ^ (i >> 7) ^ 0xff)
      expect(decodeBlob(encodeBlob(data))).toSatisfy(isSameAs(data))
    }
  })

  it('reads each data from one blob only', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 400 }),
        fc.oneof(fc.nat(600), fc.nat(BLOB_BYTES - 1)),
        fc.integer({ min: 1, max: 255 }),
        (data, at, change) => {
          const blob = encodeBlob(data)
          blob[at] = (blob[at] as number) ^ change
          const decoded = tryDecode(blob)
          if (decoded !== undefined) expect(encodeBlob(decoded)).toSatisfy(isSameAs(blob))
        },
      ),
      { numRuns: 300 },
    )
  })

  it('refuses another version, another size and a first element with its top bits set', () => {
    const blob = encodeBlob(new Uint8Array(200).fill(0xff))
    expect(() => decodeBlob(blob.with(1, 1))).toThrow(BlobError)
    expect(() => decodeBlob(blob.subarray(1))).toThrow(BlobError)
    expect(() => decodeBlob(blob.with(0, (blob[0] as number) | 0x40))).toThrow(BlobError)
    expect(() => decodeBlob(blob.with(32, (blob[32] as number) | 0x80))).toThrow(BlobError)
  })
})

type Bytes = string | { zeros: number }
type Vector = { input: Bytes; output?: Bytes; err?: string }

function bytesOf(bytes: Bytes): Uint8Array {
  return typeof bytes === 'string' ? fromHex(bytes as `0x${string}`) : new Uint8Array(bytes.zeros)
}

function blobOf(prefix: string): Uint8Array {
  const blob = new Uint8Array(BLOB_BYTES)
  blob.set(fromHex(prefix as `0x${string}`))
  return blob
}

function tryDecode(blob: Uint8Array): Uint8Array | undefined {
  try {
    return decodeBlob(blob)
  } catch (error) {
    expect(error).toBeInstanceOf(BlobError)
    return undefined
  }
}
