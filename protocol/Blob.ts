import { KeyrollError } from './errors.ts'

/** Bytes of an EIP-4844 blob: 4096 field elements of 32. */
export const BLOB_BYTES = 131_072

/** Most data bytes in one blob: 127 in each group of four field elements, less version and length. */
export const MAX_BLOB_DATA_BYTES = 130_044

// Of each 32-byte field element the first byte carries 6 bits and the others 8. Four elements make a group: their 31-byte
// tails carry 124 bytes, and the four 6-bit heads carry three more, x, y and z, which stand between the tails:
//   tail0 ‖ x ‖ tail1 ‖ y ‖ tail2 ‖ z ‖ tail3
//   head0 = x & 0x3f, head1 = (x >> 6) << 4 | y & 0x0f, head2 = z & 0x3f, head3 = (z >> 6) << 4 | y >> 4
// The content so spread is version (1 byte, 0) ‖ length (uint24) ‖ data ‖ zeros.
const ENCODING_VERSION = 0
const HEAD_BYTES = 4
const GROUPS = 1024
const GROUP_CONTENT = 127
const GROUP_BLOB = 128

/**
 * Encodes data as a blob (OP Stack, derivation, blob encoding).
 *
 * @throws {BlobError} when there are more than {@link MAX_BLOB_DATA_BYTES}.
 */
export function encodeBlob(data: Uint8Array): Uint8Array {
  if (data.length > MAX_BLOB_DATA_BYTES) {
    throw new BlobError(`got ${data.length} bytes, expected at most ${MAX_BLOB_DATA_BYTES}`)
  }
  const content = new Uint8Array(GROUPS * GROUP_CONTENT)
  content.set([ENCODING_VERSION, data.length >> 16, (data.length >> 8) & 0xff, data.length & 0xff])
  content.set(data, HEAD_BYTES)
  const blob = new Uint8Array(BLOB_BYTES)
  for (let group = 0; group * GROUP_CONTENT < HEAD_BYTES + data.length; group++) {
    const from = group * GROUP_CONTENT
    const to = group * GROUP_BLOB
    for (let i = 0; i < 4; i++) blob.set(content.subarray(from + 32 * i, from + 32 * i + 31), to + 32 * i + 1)
    const [x, y, z] = [31, 63, 95].map((at) => content[from + at] as number) as [number, number, number]
    blob[to] = x & 0x3f
    blob[to + 32] = ((x & 0xc0) >> 2) | (y & 0x0f)
    blob[to + 64] = z & 0x3f
    blob[to + 96] = ((z & 0xc0) >> 2) | (y >> 4)
  }
  return blob
}

/**
 * Decodes a blob's data (OP Stack, derivation, blob encoding). As that text says, and unlike its clients, it insists on two
 * zero bits at the top of every field element, the first one too.
 *
 * @throws {BlobError} when the blob is not the one that {@link encodeBlob} makes of the data.
 */
export function decodeBlob(blob: Uint8Array): Uint8Array {
  if (blob.length !== BLOB_BYTES) throw new BlobError(`got ${blob.length} bytes, expected ${BLOB_BYTES}`)
  const content = new Uint8Array(GROUPS * GROUP_CONTENT)
  for (let group = 0; group < GROUPS; group++) {
    const from = group * GROUP_BLOB
    const to = group * GROUP_CONTENT
    const heads = [0, 32, 64, 96].map((at) => blob[from + at] as number) as [number, number, number, number]
    if (heads.some((head) => head > 0x3f)) {
      throw new BlobError(
        `got a field element above 254 bits in group ${group}, expected its two top bits zero`,
      )
    }
    for (let i = 0; i < 4; i++) content.set(blob.subarray(from + 32 * i + 1, from + 32 * i + 32), to + 32 * i)
    content[to + 31] = heads[0] | ((heads[1] & 0x30) << 2)
    content[to + 63] = (heads[1] & 0x0f) | ((heads[3] & 0x0f) << 4)
    content[to + 95] = heads[2] | ((heads[3] & 0x30) << 2)
  }
  const [version, high, middle, low] = content as unknown as [number, number, number, number]
  if (version !== ENCODING_VERSION)
    throw new BlobError(`got version ${version}, expected ${ENCODING_VERSION}`)
  const length = (high << 16) | (middle << 8) | low
  if (length > MAX_BLOB_DATA_BYTES) {
    throw new BlobError(`got length ${length}, expected at most ${MAX_BLOB_DATA_BYTES}`)
  }
  const end = HEAD_BYTES + length
  if (content.subarray(end).some((byte) => byte !== 0)) {
    throw new BlobError(`got bytes after the ${length} of the data, expected zeros`)
  }
  return content.subarray(HEAD_BYTES, end)
}

/** Reports data that no blob holds, or a blob that holds no data. */
export class BlobError extends KeyrollError {
  override readonly name = 'BlobError'
}
