/** LevelDB's log is made of blocks; only the last may be shorter. */
const BLOCK_BYTES = 32_768
/** checksum (4) ‖ length of the data (2) ‖ type (1), little-endian; a block ends with zeros where none fits in. */
const HEADER_BYTES = 7
const LENGTH_AT = 4
const TYPE_AT = 6
/** A write is one fragment, FULL, or where a block ends within it several: FIRST, MIDDLE ..., LAST. */
const FULL = 1
const FIRST = 2
const LAST = 4

/**
 * Finds where LevelDB's write-ahead log lost a write that was on disk (doc/log_format.txt of LevelDB); undefined where none is missing.
 *
 * LevelDB itself drops the rest of a block that it cannot read, and makes the writes behind it, without a word. A crash leaves
 * something unreadable too, but only in the last write, for none is begun before the one before it is synced: where behind what
 * cannot be read nothing but whole writes stand, to the end of the log, it was damaged. Anybody can put what looks like a write
 * into a set-config, but never at the end of the write that carries it.
 *
 * @returns the place in bytes.
 */
export function findLogFault(log: Uint8Array): number | undefined {
  const bytes = Buffer.from(log.buffer, log.byteOffset, log.length)
  let fault: number | undefined
  let isFollowed = false
  let wholeUntil = 0
  for (let block = 0; block < bytes.length; block += BLOCK_BYTES) {
    const blockEnd = Math.min(block + BLOCK_BYTES, bytes.length)
    for (let at = block; at + HEADER_BYTES <= blockEnd; ) {
      const end = endOfFragment(bytes, at)
      if (end <= blockEnd && isWhole(bytes, at, end)) {
        isFollowed ||= fault !== undefined && isBeginning(bytes, at)
        at = wholeUntil = end
      } else {
        fault ??= at
        isFollowed = false
        // Its length may be what was garbled, so the next one may begin anywhere.
        at++
      }
    }
  }
  return isFollowed && wholeUntil === bytes.length ? fault : undefined
}

function endOfFragment(bytes: Buffer, at: number): number {
  return at + HEADER_BYTES + bytes.readUInt16LE(at + LENGTH_AT)
}

function isFragment(bytes: Buffer, at: number): boolean {
  const type = bytes[at + TYPE_AT] as number
  return type >= FULL && type <= LAST
}

function isBeginning(bytes: Buffer, at: number): boolean {
  const type = bytes[at + TYPE_AT]
  return type === FULL || type === FIRST
}

function isWhole(bytes: Buffer, at: number, end: number): boolean {
  if (!isFragment(bytes, at)) return false
  const checksum = crc32c(bytes, at + TYPE_AT, end)
  // Masked, as LevelDB does lest checksums be taken of checksums.
  return bytes.readUInt32LE(at) === (((checksum >>> 15) | (checksum << 17)) + 0xa282ead8) >>> 0
}

/** CRC-32C (RFC 3720, B.4) of each byte, reflected. */
const CRC_OF_BYTE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0)
  return crc
})

function crc32c(bytes: Uint8Array, from: number, to: number): number {
  let crc = -1
  for (let i = from; i < to; i++) {
    crc = (CRC_OF_BYTE[(crc ^ (bytes[i] as number)) & 0xff] as number) ^ (crc >>> 8)
  }
  return ~crc
}
