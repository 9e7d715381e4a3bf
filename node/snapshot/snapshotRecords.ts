import { createHash } from 'node:crypto'
import { compareBytes } from '../../protocol/index.ts'
import { MAX_PAYLOAD_BYTES, RECORD_PREFIX_BYTES, SNAPSHOT_MAGIC, SnapshotRecordKind } from './Snapshot.ts'
import { MalformedSnapshotError } from './snapshotErrors.ts'

/** Kinds count from 1. */
const KINDS: readonly SnapshotRecordKind[] = Object.values(SnapshotRecordKind)

/** One record of a snapshot. */
export type SnapshotRecord = { kind: SnapshotRecordKind; payload: Uint8Array }

/** Takes a snapshot's bytes apart, holding no more of them than one chunk and one record. */
export interface SnapshotRecords {
  /**
   * Gets the next record without taking it; undefined at the end of the bytes.
   *
   * @throws {MalformedSnapshotError} when there is no whole record.
   */
  peek(): Promise<SnapshotRecord | undefined>
  /** Gets the next record without taking it where it is here already. */
  peekHere(): SnapshotRecord | undefined
  /** Takes the record that was looked at. */
  take(): void
  /** Computes the SHA-256 of all bytes before the record that was looked at. */
  checksum(): Uint8Array
  /** Counts the bytes taken. */
  offset(): number
}

/**
 * Begins to read records.
 *
 * @throws {MalformedSnapshotError} when the bytes do not begin as a snapshot's.
 */
export async function createSnapshotRecords(chunks: AsyncIterable<Uint8Array>): Promise<SnapshotRecords> {
  const iterator = chunks[Symbol.asyncIterator]()
  const digest = createHash('sha256')
  let buffer: Uint8Array = new Uint8Array()
  let at = 0
  let hashed = 0
  let before = 0
  let next: SnapshotRecord | undefined

  function hashTaken(): void {
    digest.update(buffer.subarray(hashed, at))
    hashed = at
  }

  /** Reads until there are `count` bytes; false when there are fewer. */
  async function fill(count: number): Promise<boolean> {
    if (buffer.length - at >= count) return true
    hashTaken()
    const parts = [buffer.subarray(at)]
    let length = buffer.length - at
    let isWhole = true
    while (length < count && isWhole) {
      const { done, value } = await iterator.next()
      isWhole = done !== true
      if (done === true) break
      parts.push(value)
      length += value.length
    }
    before += at
    buffer = Buffer.concat(parts, length)
    at = 0
    hashed = 0
    return isWhole
  }

  function peekHere(): SnapshotRecord | undefined {
    if (next !== undefined || buffer.length - at < RECORD_PREFIX_BYTES) return next
    const { kind, length } = readPrefix()
    const from = at + RECORD_PREFIX_BYTES
    if (buffer.length - from < length) return undefined
    next = { kind, payload: new Uint8Array(buffer.buffer, buffer.byteOffset + from, length) }
    return next
  }

  function readPrefix(): { kind: SnapshotRecordKind; length: number } {
    const kind = toKind(buffer[at])
    const length = new DataView(buffer.buffer, buffer.byteOffset + at + 1).getUint32(0)
    if (kind === undefined) throw malformed(`got a record of kind ${buffer[at]}`)
    if (length <= MAX_PAYLOAD_BYTES[kind]) return { kind, length }
    throw malformed(`got a record of ${length} bytes, expected at most ${MAX_PAYLOAD_BYTES[kind]}`)
  }

  function malformed(details: string): MalformedSnapshotError {
    return new MalformedSnapshotError(`${details} at byte ${before + at}`)
  }

  await fill(SNAPSHOT_MAGIC.length)
  if (compareBytes(buffer.subarray(0, SNAPSHOT_MAGIC.length), SNAPSHOT_MAGIC) !== 0) {
    throw malformed('got something else than the first bytes of a snapshot of version 1')
  }
  at = SNAPSHOT_MAGIC.length

  return {
    async peek() {
      if (peekHere() !== undefined) return next
      if (!(await fill(RECORD_PREFIX_BYTES))) {
        if (buffer.length === at) return undefined
        throw malformed('got the beginning of a record')
      }
      const { length } = readPrefix()
      if (!(await fill(RECORD_PREFIX_BYTES + length))) throw malformed('got the beginning of a record')
      return peekHere()
    },
    peekHere,
    take() {
      if (next !== undefined) at += RECORD_PREFIX_BYTES + next.payload.length
      next = undefined
    },
    checksum() {
      hashTaken()
      return digest.copy().digest()
    },
    offset: () => before + at,
  }
}

function toKind(byte: number | undefined): SnapshotRecordKind | undefined {
  return byte === undefined ? undefined : KINDS[byte - 1]
}
