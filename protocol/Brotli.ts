import { concat } from './bytes.ts'
import { KeyrollError } from './errors.ts'

const MAX_BLOCK_BYTES = 65_536
const END = Uint8Array.of(0x03)
/** A window size (one bit, 0) and a last, empty metablock: the encoding of nothing. */
const EMPTY_STREAM = Uint8Array.of(0x06)

/**
 * Encodes bytes as a brotli stream (RFC 7932) that compresses nothing: uncompressed metablocks of up to 65,536 bytes
 * and an empty last one.
 */
export function encodeStored(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0) return EMPTY_STREAM
  const parts: Uint8Array[] = []
  for (let start = 0; start < bytes.length; start += MAX_BLOCK_BYTES) {
    const block = bytes.subarray(start, start + MAX_BLOCK_BYTES)
    // From the lowest bit on: in the first block the window size (0 = 16); then ISLAST 0, MNIBBLES 0 (four nibbles),
    // MLEN - 1 in 16 bits, ISUNCOMPRESSED 1, and zeros up to the byte's end.
    const windowBits = start === 0 ? 1 : 0
    const head = ((block.length - 1) << (3 + windowBits)) | (1 << (19 + windowBits))
    parts.push(Uint8Array.of(head & 0xff, (head >> 8) & 0xff, head >> 16), block)
  }
  return concat(...parts, END)
}

/**
 * Decodes a brotli stream (RFC 7932) made of uncompressed metablocks and one empty last one, with any window size and
 * block lengths. What comes out is shorter than what goes in, so garbage cannot unpack into more than it is.
 *
 * @throws {BrotliError} for compressed and metadata blocks, padding that is not zero, a truncated stream or bytes after it.
 */
export function decodeStored(stream: Uint8Array): Uint8Array {
  const bits = new BitReader(stream)
  readWindowSize(bits)
  // Filled block by block: a stream may have as many blocks as it has bytes to spare, too many to be one call's arguments.
  const content = new Uint8Array(stream.length)
  let filled = 0
  while (bits.read(1) === 0) {
    const length = readBlockLength(bits)
    if (bits.read(1) === 0) throw new BrotliError('got a compressed metablock, expected an uncompressed one')
    content.set(bits.readBytes(length), filled)
    filled += length
  }
  if (bits.read(1) === 0) throw new BrotliError('got a last metablock with content, expected an empty one')
  bits.expectEnd()
  return content.subarray(0, filled)
}

/** Reads past WBITS (RFC 7932 §9.1): uncompressed blocks refer to nothing, so any window will do. */
function readWindowSize(bits: BitReader): void {
  if (bits.read(1) === 0) return
  if (bits.read(3) !== 0) return
  if (bits.read(3) === 1) throw new BrotliError('got the invalid window size 0010001')
}

/** Reads MNIBBLES and MLEN (RFC 7932 §9.2). */
function readBlockLength(bits: BitReader): number {
  const nibbles = 4 + bits.read(2)
  if (nibbles === 7) throw new BrotliError('got a metadata block, expected an uncompressed one')
  const length = bits.read(4 * nibbles)
  if (nibbles > 4 && length >> (4 * (nibbles - 1)) === 0) {
    throw new BrotliError('got a block length with a leading zero nibble, expected its shortest form')
  }
  return length + 1
}

class BitReader {
  readonly #bytes: Uint8Array
  #position = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  read(count: number): number {
    let value = 0
    for (let i = 0; i < count; i++, this.#position++) {
      const byte = this.#bytes[this.#position >> 3]
      if (byte === undefined) throw new BrotliError(TRUNCATED)
      value |= ((byte >> (this.#position & 7)) & 1) << i
    }
    return value
  }

  readBytes(length: number): Uint8Array {
    this.#align()
    const start = this.#position >> 3
    if (start + length > this.#bytes.length) throw new BrotliError(TRUNCATED)
    this.#position += 8 * length
    return this.#bytes.subarray(start, start + length)
  }

  expectEnd(): void {
    this.#align()
    const left = this.#bytes.length - (this.#position >> 3)
    if (left !== 0) throw new BrotliError(`got ${left} bytes after the stream, expected none`)
  }

  #align(): void {
    if (this.read(-this.#position & 7) !== 0) throw new BrotliError('got padding bits that are not zero')
  }
}

const TRUNCATED = 'got a stream that ends early, expected uncompressed metablocks and an empty last one'

/** Reports a stream that is not brotli made of uncompressed metablocks. */
export class BrotliError extends KeyrollError {
  override readonly name = 'BrotliError'
}
