import type { Database, Write } from './Database.ts'

/** A database that can be written to without waiting for the disk. */
export interface WriteBehind extends Database {
  /**
   * Hands a write over: reads see it when this resolves, which is as soon as fewer than {@link MAX_BEHIND} are under way. A crash
   * loses the last of them, and a `write` that is asked for afterwards is on disk only after it.
   *
   * @throws what made an earlier one fail; from then on nothing is written.
   */
  writeBehind(writes: readonly Write[]): Promise<void>
  /**
   * Resolves when all writes that were handed over are on disk.
   *
   * @throws what made one fail.
   */
  flush(): Promise<void>
}

/**
 * So many writes may be under way. Those that come while others are being synced share the next sync, so that only a disk which
 * cannot keep up is waited for. What a full block changes takes about a megabyte until it is on disk.
 */
export const MAX_BEHIND = 32

/** A write that reads have to see though it may not be on disk yet. */
type UnderWay = { find: (key: Uint8Array, tail: number) => Write | undefined; over: Promise<void> }

/** Makes one of a database, which makes its writes in the order of the calls, and after one that failed no more. */
export function createWriteBehind(database: Database): WriteBehind {
  /** The oldest first. */
  const underWay: UnderWay[] = []
  let failure: { cause: unknown } | undefined

  async function flush(): Promise<void> {
    await underWay.at(-1)?.over
    if (failure !== undefined) throw failure.cause
  }

  return {
    append: database.append,
    record: database.record,
    get(key) {
      const tail = tailOf(key)
      for (let i = underWay.length - 1; i >= 0; i--) {
        const write = underWay[i]?.find(key, tail)
        if (write !== undefined) return write.value
      }
      return database.get(key)
    },
    write: database.write,
    async writeBehind(writes) {
      while (failure === undefined && underWay.length >= MAX_BEHIND) await underWay[0]?.over
      if (failure !== undefined) throw failure.cause
      const over = database.write(writes).then(
        () => {
          underWay.shift()
        },
        (cause: unknown) => {
          failure = { cause }
        },
      )
      underWay.push({ find: findByKey(writes), over })
    },
    flush,
    async *entries(from, until) {
      await flush()
      yield* database.entries(from, until)
    },
    close: database.close,
  }
}

const TAIL_BYTES = 6

/** Makes a function that finds the last write under a key. The ends of keys differ nearly always: they are hashes or numbers. */
function findByKey(writes: readonly Write[]): UnderWay['find'] {
  const last = new Map<number, number>()
  // For each write, the one before it whose key ends alike.
  const before: (number | undefined)[] = []
  for (const [i, { key }] of writes.entries()) {
    const tail = tailOf(key)
    before.push(last.get(tail))
    last.set(tail, i)
  }
  return (key, tail) => {
    for (let i = last.get(tail); i !== undefined; i = before[i]) {
      const write = writes[i]
      if (write !== undefined && Buffer.compare(write.key, key) === 0) return write
    }
    return undefined
  }
}

function tailOf(key: Uint8Array): number {
  let tail = 0
  for (let i = Math.max(0, key.length - TAIL_BYTES); i < key.length; i++)
    tail = tail * 256 + (key[i] as number)
  return tail
}
