import { constants, readSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import { KeyrollError } from '../../protocol/index.ts'
import { syncDirectory } from '../syncDirectory.ts'

/**
 * Records, one behind the other, that never change and are found by their positions alone (ADR 25). It is no database: a record
 * that nothing refers to might as well not be there, and so may whatever a crash leaves at the end.
 */
export interface RecordLog {
  /**
   * Adds a record and tells its position, below 2^48. It can be read at once, and is on disk after the next {@link RecordLog.sync}.
   *
   * @throws {RecordTooLongError} when it has more than {@link MAX_RECORD_BYTES}.
   */
  append(record: Uint8Array): number
  /** Gets the record at a position; undefined when no whole record stands there. At a position that `append` did not tell, it may be any bytes. */
  read(position: number): Uint8Array | undefined
  /**
   * Resolves when all records that were appended before are on disk.
   *
   * @throws the system's error when they, or any before, could not be written: the log is then at its end.
   */
  sync(): Promise<void>
  /** Closes the file; what was not synced is lost. */
  close(): Promise<void>
}

/** Far more than a block takes that L1 has room for. What claims to be longer was garbled, and nobody makes room for it. */
export const MAX_RECORD_BYTES = 2 ** 28
/** A record stands behind its length and its checksum. */
const PREFIX_BYTES = 8
const CHECKSUM_AT = 4
/** Nearly all records that are read alone are trie nodes, which are shorter. */
const READ_BYTES = 1_024
const FIRST_CAPACITY = 65_536
/** A full block takes about half a megabyte, and several may be synced together. */
const KEPT_CAPACITY = 8 * 1_048_576

/**
 * Opens the log in a file, which is made where there is none. One process at a time.
 *
 * @throws the system's error when it cannot be opened.
 */
export async function openRecordLog(path: string): Promise<RecordLog> {
  const { handle, size } = await openFile(path)
  // What a crash left there unfinished nobody refers to.
  let end = size
  let writing = createRecords()
  let pending = createRecords()
  let synced: Promise<void> = Promise.resolve()

  async function writePending(): Promise<void> {
    if (pending.length() === 0) return
    ;[writing, pending] = [pending, writing]
    await writeAll(handle, writing.bytes(), end)
    await handle.datasync()
    end += writing.length()
    writing.clear()
  }

  return {
    append: (record) => end + writing.length() + pending.append(record),
    read(position) {
      if (position < end) return readRecord(handle.fd, position, end)
      const at = position - end
      return at < writing.length() ? writing.read(at) : pending.read(at - writing.length())
    },
    sync() {
      // After a failure nothing more is written, for what follows would leave a hole.
      if (pending.length() > 0) synced = synced.then(writePending)
      return synced
    },
    close: () => handle.close(),
  }
}

/** Makes a log that lives as long as the process. */
export function createMemoryRecordLog(): RecordLog {
  const records = createRecords()
  return {
    append: records.append,
    read: records.read,
    async sync() {},
    async close() {},
  }
}

async function openFile(path: string): Promise<{ handle: FileHandle; size: number }> {
  const handle = await open(path, constants.O_RDWR | constants.O_CREAT)
  try {
    // Also where the file was there: whoever made it may have been killed before this.
    await syncDirectory(dirname(path))
    const { size } = await handle.stat()
    return { handle, size }
  } catch (error) {
    await handle.close()
    throw error
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done)
    done += bytesWritten
  }
}

const READ_BUFFER = Buffer.allocUnsafeSlow(READ_BYTES)

function readRecord(file: number, position: number, end: number): Uint8Array | undefined {
  const count = readSync(file, READ_BUFFER, 0, READ_BYTES, position)
  if (count < PREFIX_BYTES) return undefined
  const length = READ_BUFFER.readUInt32BE(0)
  const checksum = READ_BUFFER.readUInt32BE(CHECKSUM_AT)
  const from = position + PREFIX_BYTES
  if (length > MAX_RECORD_BYTES || from + length > end) return undefined
  const record = new Uint8Array(length)
  record.set(READ_BUFFER.subarray(PREFIX_BYTES, Math.min(count, PREFIX_BYTES + length)))
  for (let done = count - PREFIX_BYTES; done < length; ) {
    const more = readSync(file, record, done, length - done, from + done)
    if (more === 0) return undefined
    done += more
  }
  return checksumOf(record) === checksum ? record : undefined
}

/** Begins with 1, for 0 is the checksum of nothing: bytes that a crash left zero would be a record without bytes. */
function checksumOf(record: Uint8Array): number {
  return crc32(record, 1)
}

/** Records in memory, as they stand in the file. */
function createRecords() {
  let buffer = Buffer.allocUnsafeSlow(FIRST_CAPACITY)
  let length = 0
  return {
    length: () => length,
    bytes: (): Uint8Array => buffer.subarray(0, length),
    /** Adds a record and tells where it stands. */
    append(record: Uint8Array): number {
      if (record.length > MAX_RECORD_BYTES) throw new RecordTooLongError(record.length)
      const at = length
      length += PREFIX_BYTES + record.length
      if (length > buffer.length) {
        const larger = Buffer.allocUnsafeSlow(2 * length)
        larger.set(buffer.subarray(0, at))
        buffer = larger
      }
      buffer.writeUInt32BE(record.length, at)
      buffer.writeUInt32BE(checksumOf(record), at + CHECKSUM_AT)
      buffer.set(record, at + PREFIX_BYTES)
      return at
    },
    read(at: number): Uint8Array | undefined {
      const from = at + PREFIX_BYTES
      if (from > length) return undefined
      const to = from + buffer.readUInt32BE(at)
      return to > length ? undefined : new Uint8Array(buffer.subarray(from, to))
    },
    clear(): void {
      if (buffer.length > KEPT_CAPACITY) buffer = Buffer.allocUnsafeSlow(FIRST_CAPACITY)
      length = 0
    },
  }
}

/** Reports a record that no block can need. */
export class RecordTooLongError extends KeyrollError {
  override readonly name = 'RecordTooLongError'
  constructor(length: number) {
    super(`got a record of ${length} bytes, expected at most ${MAX_RECORD_BYTES}`)
  }
}
