import { Level } from 'level'
import { KeyrollError } from '../../protocol/index.ts'
import { makeDirectory } from './makeDirectory.ts'

/** One put (`value` given) or delete (`value` undefined) of a batch. */
export type Write = { key: Uint8Array; value: Uint8Array | undefined }

/** An ordered map from bytes to bytes: synchronous reads, atomic writes that are on disk when they resolve. */
export interface Database {
  get(key: Uint8Array): Uint8Array | undefined
  write(writes: readonly Write[]): Promise<void>
  /** Iterates from `from` (inclusive) to `until` (exclusive) in the byte order of the keys. */
  entries(from: Uint8Array, until: Uint8Array): AsyncIterable<[key: Uint8Array, value: Uint8Array]>
  close(): Promise<void>
}

/** LevelDB maps each open file, of 2 MiB, into memory: with its default of 1,000 the process seems to grow with the chain. */
const OPEN_FILES = 200
/** Each compaction touches all of its level where keys are hashes: fewer and larger ones save a seventh of a derivation's CPU. */
const WRITE_BUFFER_BYTES = 32 * 1_048_576
const CACHE_BYTES = 32 * 1_048_576

/**
 * Opens a LevelDB directory, creating it where there is none.
 *
 * @throws {DatabaseUnavailableError} when another process holds it, or the directory cannot be opened.
 * @throws {DirectoryError} when the directory cannot be made.
 */
export async function openLevelDatabase(path: string): Promise<Database> {
  makeDirectory(path)
  const level = new Level<Uint8Array, Uint8Array>(path, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    maxOpenFiles: OPEN_FILES,
    writeBufferSize: WRITE_BUFFER_BYTES,
    cacheSize: CACHE_BYTES,
  })
  try {
    await level.open()
  } catch (cause) {
    throw new DatabaseUnavailableError(path, { cause })
  }
  return {
    get(key) {
      const value = level.getSync(key)
      return value === undefined ? undefined : plainBytes(value)
    },
    write(writes) {
      // A chained batch is as atomic as an array, and takes a fifth of its time.
      const batch = level.batch()
      for (const { key, value } of writes) {
        if (value === undefined) batch.del(key)
        else batch.put(key, value)
      }
      return batch.write({ sync: true })
    },
    async *entries(gte, lt) {
      for await (const [key, value] of level.iterator({ gte, lt })) yield [plainBytes(key), plainBytes(value)]
    },
    close: () => level.close(),
  }
}

/** LevelDB gives Buffers, whose methods differ in places (subarray, JSON). */
function plainBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** Makes a database that lives as long as the process, for tests and throw-away nodes. */
export function createMemoryDatabase(): Database {
  const values = new Map<string, Uint8Array>()
  const toText = (key: Uint8Array) => Buffer.from(key).toString('latin1')
  return {
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
  constructor(path: string, options: ErrorOptions) {
    super(`cannot open the database at ${path}: is another process using it, or is it not readable?`, options)
  }
}
