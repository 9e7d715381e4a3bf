import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { Level } from 'level'
import { KeyrollError, toHex } from '../../protocol/index.ts'
import { syncDirectory } from '../syncDirectory.ts'
import { checkLevelFiles, RECORDS_FILE } from './checkLevelFiles.ts'
import { createDirectorySync } from './createDirectorySync.ts'
import { createGroupCommit } from './GroupCommit.ts'
import { makeDirectory } from './makeDirectory.ts'
import { createMemoryRecordLog, openRecordLog, type RecordLog } from './RecordLog.ts'
import { DamagedDatabaseError } from './storeErrors.ts'

/** One put (`value` given) or delete (`value` undefined) of a batch. */
export type Write = { key: Uint8Array; value: Uint8Array | undefined }

/**
 * An ordered map from bytes to bytes, and beside it a log of records for what is large or need not be found by a key of its own:
 * synchronous reads, atomic writes that are on disk when they resolve.
 */
export interface Database {
  /** @throws {DamagedDatabaseError} when what stands there is not what was written. */
  get(key: Uint8Array): Uint8Array | undefined
  /** Adds a record to the log and tells its position. It can be read at once, and is on disk with the next write: before it, as that may refer to it. */
  append: RecordLog['append']
  /** Gets the record at a position; undefined when no whole record stands there. */
  record: RecordLog['read']
  /** Makes the writes in the order of the calls, and after one that failed none, until the database is opened again. */
  write(writes: readonly Write[]): Promise<void>
  /**
   * Iterates from `from` (inclusive) to `until` (exclusive) in the byte order of the keys. Who stops before the end may have been
   * given too few.
   *
   * @throws {DamagedDatabaseError} when what stands there is not what was written.
   */
  entries(from: Uint8Array, until: Uint8Array): AsyncIterable<[key: Uint8Array, value: Uint8Array]>
  /** Closes it when all writes that were asked for are done. */
  close(): Promise<void>
}

/** LevelDB maps each open file, of 2 MiB, into memory: with its default of 1,000 the process seems to grow with the chain. */
const OPEN_FILES = 200
/** Each compaction touches all of its level where keys are hashes: fewer and larger ones save a seventh of a derivation's CPU. */
const WRITE_BUFFER_BYTES = 32 * 1_048_576
const CACHE_BYTES = 32 * 1_048_576
/** Nothing is ever written under it. */
const NO_KEY = Uint8Array.of(255)
/** Stands behind every value in LevelDB. */
const CHECKSUM_BYTES = 4

/**
 * Opens a LevelDB directory with its log of records, creating both where there is none. Writes are made in the order of the calls.
 *
 * @throws {DatabaseUnavailableError} when another process holds it, or the directory cannot be opened.
 * @throws {DamagedDatabaseError} when files of it, or writes in LevelDB's log, are lost.
 * @throws {DirectoryError} when the directory cannot be made.
 */
export async function openLevelDatabase(path: string, sync = syncDirectory): Promise<Database> {
  makeDirectory(path)
  const { level, log } = await openFiles(path)
  const syncNames = createDirectorySync(path, sync)
  const write = createGroupCommit<Write>(async (writes) => {
    await log.sync()
    // A chained batch is as atomic as an array, and takes a fifth of its time.
    const batch = level.batch()
    for (const { key, value } of writes) {
      if (value === undefined) batch.del(key)
      else batch.put(key, seal(key, value))
    }
    await batch.write({ sync: true })
    await syncNames()
  })

  return {
    append: log.append,
    record: log.read,
    get(key) {
      const sealed = level.getSync(key)
      return sealed === undefined ? undefined : unseal(key, sealed)
    },
    write,
    async *entries(gte, lt) {
      for await (const [key, sealed] of level.iterator({ gte, lt }))
        yield [plainBytes(key), unseal(key, sealed)]
    },
    async close() {
      // Behind it, a garbled write is not the last of LevelDB's log, and does not look like one that a crash left.
      await write([{ key: NO_KEY, value: undefined }]).catch(() => undefined)
      // LevelDB's lock is that of the log too, and is given back last.
      await log.close()
      await level.close()
    },
  }
}

async function openFiles(path: string) {
  let level: Level<Uint8Array, Uint8Array> | undefined
  try {
    // It opens itself as soon as it is made.
    await checkLevelFiles(path)
    level = new Level<Uint8Array, Uint8Array>(path, {
      keyEncoding: 'view',
      valueEncoding: 'view',
      maxOpenFiles: OPEN_FILES,
      writeBufferSize: WRITE_BUFFER_BYTES,
      cacheSize: CACHE_BYTES,
    })
    // Who has opened LevelDB holds its lock, and with it the log.
    await level.open()
    return { level, log: await openRecordLog(join(path, RECORDS_FILE)) }
  } catch (cause) {
    await level?.close()
    throw cause instanceof DamagedDatabaseError ? cause : new DatabaseUnavailableError(path, { cause })
  }
}

/** Lays out a value as `value ‖ checksum`: LevelDB does not look at its own when it reads. */
function seal(key: Uint8Array, value: Uint8Array): Uint8Array {
  const sealed = Buffer.allocUnsafe(value.length + CHECKSUM_BYTES)
  sealed.set(value)
  sealed.writeUInt32BE(checksumOf(key, value), value.length)
  return sealed
}

/** Gets the value out of what {@link seal} made. */
function unseal(key: Uint8Array, sealed: Uint8Array): Uint8Array {
  const length = sealed.length - CHECKSUM_BYTES
  if (length >= 0) {
    const value = plainBytes(sealed, length)
    const checksum = new DataView(sealed.buffer, sealed.byteOffset + length).getUint32(0)
    if (checksum === checksumOf(key, value)) return value
  }
  throw new DamagedDatabaseError(`what was written under ${toHex(key)}`)
}

/** Of the key too, so that no other value is taken for the one that is asked for. */
function checksumOf(key: Uint8Array, value: Uint8Array): number {
  return crc32(value, crc32(key))
}

/** LevelDB gives Buffers, whose methods differ in places (subarray, JSON). */
function plainBytes(bytes: Uint8Array, length = bytes.length): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, length)
}

/** Makes a database that lives as long as the process, for tests and throw-away nodes. */
export function createMemoryDatabase(): Database {
  const values = new Map<string, Uint8Array>()
  const toText = (key: Uint8Array) => Buffer.from(key).toString('latin1')
  const log = createMemoryRecordLog()
  return {
    append: log.append,
    record: log.read,
    get: (key) => values.get(toText(key)),
    async write(writes) {
      for (const { key, value } of writes) {
        if (value === undefined) values.delete(toText(key))
        else values.set(toText(key), value)
      }
    },
    async *entries(from, until) {
      // Latin-1 text compares as its bytes do.
      const keys = [...values.keys()].filter((key) => key >= toText(from) && key < toText(until)).sort()
      for (const key of keys) {
        const value = values.get(key)
        if (value !== undefined) yield [Uint8Array.from(Buffer.from(key, 'latin1')), value]
      }
    },
    async close() {},
  }
}

/** Reports a database directory that cannot be opened. */
export class DatabaseUnavailableError extends KeyrollError {
  override readonly name = 'DatabaseUnavailableError'
  /** Whether somebody else has it open. */
  readonly isLocked: boolean
  constructor(path: string, options: ErrorOptions) {
    const reason = innermost(options.cause)
    const isLocked = reason instanceof Error && 'code' in reason && reason.code === 'LEVEL_LOCKED'
    const text = reason instanceof Error ? reason.message : reason
    super(`cannot open the database at ${path}: ${isLocked ? 'another process is using it' : text}`, options)
    this.isLocked = isLocked
  }
}

/** LevelDB says first that it failed, and why at the bottom. */
function innermost(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? innermost(error.cause) : error
}
