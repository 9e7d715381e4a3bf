import type { Database, Write } from './Database.ts'
import { DamagedDatabaseError } from './storeErrors.ts'

const POSITION_BYTES = 6

/** Makes the write that tells under a key where a record stands. */
export function positionWrite(key: Uint8Array, position: number): Write {
  const value = Buffer.allocUnsafe(POSITION_BYTES)
  value.writeUIntBE(position, 0, POSITION_BYTES)
  return { key, value }
}

/**
 * Gets the position under a key; undefined when nothing stands there.
 *
 * @throws {DamagedDatabaseError} when it is none.
 */
export function positionUnder(database: Pick<Database, 'get'>, key: Uint8Array): number | undefined {
  const bytes = database.get(key)
  if (bytes === undefined) return undefined
  if (bytes.length !== POSITION_BYTES) throw new DamagedDatabaseError('a position')
  return Buffer.from(bytes.buffer, bytes.byteOffset).readUIntBE(0, POSITION_BYTES)
}

/** Appends a record, and makes the write that tells under a key where it stands. */
export function recordWrite(database: Pick<Database, 'append'>, key: Uint8Array, record: Uint8Array): Write {
  return positionWrite(key, database.append(record))
}

/**
 * Gets the record whose position stands under a key; undefined when none does.
 *
 * @throws {DamagedDatabaseError} when the log lacks it: who takes that for nothing would say of what happened that it did not.
 */
export function recordUnder(
  database: Pick<Database, 'get' | 'record'>,
  key: Uint8Array,
): Uint8Array | undefined {
  const position = positionUnder(database, key)
  if (position === undefined) return undefined
  const record = database.record(position)
  if (record === undefined) throw new DamagedDatabaseError(`the record at ${position}`)
  return record
}
