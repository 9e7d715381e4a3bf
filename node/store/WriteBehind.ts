import type { Database, Write } from './Database.ts'

/** A database that can be written to without waiting for the disk. */
export interface WriteBehind extends Database {
  /**
   * Hands a write over: reads see it when this resolves, which is when the one before is on disk. So at most one write is under
   * way, a crash loses that one at most, and the next `write` is on disk only after it.
   *
   * @throws what made an earlier one fail; from then on nothing is written.
   */
  writeBehind(writes: readonly Write[]): Promise<void>
  /**
   * Resolves when no write is under way.
   *
   * @throws what made one fail.
   */
  flush(): Promise<void>
}

/** Makes one of a database that is always waited for. */
export function createWriteBehind(database: Database): WriteBehind {
  let onDisk: Promise<void> = Promise.resolve()
  let underWay: { get(key: Uint8Array): Write | undefined } | undefined
  let failure: { cause: unknown } | undefined

  /** Waits for the write under way. Others may have waited for it too: who comes first hands over the next one. */
  async function settle(): Promise<void> {
    await onDisk
    // What comes after a write that failed would leave a hole.
    if (failure !== undefined) throw failure.cause
  }

  return {
    append: database.append,
    record: database.record,
    get(key) {
      const write = underWay?.get(key)
      return write === undefined ? database.get(key) : write.value
    },
    async write(writes) {
      while (underWay !== undefined) await settle()
      await database.write(writes)
    },
    async writeBehind(writes) {
      while (underWay !== undefined) await settle()
      onDisk = database.write(writes).then(
        () => {
          underWay = undefined
        },
        (cause: unknown) => {
          failure = { cause }
        },
      )
      underWay = indexWrites(writes)
    },
    async flush() {
      while (underWay !== undefined) await settle()
    },
    async *entries(from, until) {
      while (underWay !== undefined) await settle()
      yield* database.entries(from, until)
    },
    async close() {
      await onDisk
      await database.close()
    },
  }
}

const TAIL_BYTES = 6

/** Finds writes by their keys, of which the ends differ nearly always: they are hashes or numbers. */
function indexWrites(writes: readonly Write[]) {
  const last = new Map<number, number>()
  // For each write, the one before it whose key ends alike.
  const before = writes.map(({ key }, i) => {
    const tail = tailOf(key)
    const other = last.get(tail)
    last.set(tail, i)
    return other
  })
  return {
    get(key: Uint8Array): Write | undefined {
      for (let i = last.get(tailOf(key)); i !== undefined; i = before[i]) {
        const write = writes[i]
        if (write !== undefined && Buffer.compare(write.key, key) === 0) return write
      }
      return undefined
    },
  }
}

function tailOf(key: Uint8Array): number {
  let tail = 0
  for (let i = Math.max(0, key.length - TAIL_BYTES); i < key.length; i++)
    tail = tail * 256 + (key[i] as number)
  return tail
}
