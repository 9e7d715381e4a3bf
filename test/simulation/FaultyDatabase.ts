import { createMemoryDatabase, type Database, type Write } from '../../node/index.ts'
import { KeyrollError } from '../../protocol/index.ts'
import { type Host, never } from './Host.ts'

/** What happens at a write: it works, the process dies before or after it took effect, or the disk refuses it or loses it. */
export type WriteFate = 'works' | 'dies before' | 'dies after' | 'fails' | 'is lost'

/** What is on a disk: it outlives the processes that use it. */
export type Disk = Database

/** Makes an empty disk. */
export function createDisk(): Disk {
  return createMemoryDatabase()
}

/** Opens a disk for one process; `fateOf` decides about each write when its turn has come. */
export function openFaultyDatabase({
  disk,
  host,
  latency,
  fateOf,
}: {
  disk: Disk
  host: Host
  /** Milliseconds. */
  latency: () => number
  fateOf: (writes: readonly Write[]) => WriteFate
}): Database & { isWriting(): boolean } {
  let last: Promise<void> = Promise.resolve()
  let writing = 0

  async function write(writes: readonly Write[]): Promise<void> {
    await host.pause(latency())
    const fate = fateOf(writes)
    if (fate === 'fails') throw new DiskError(`the disk of ${host.name} does not take a write`)
    if (fate === 'dies before') host.kill()
    else if (fate !== 'is lost') await disk.write(writes)
    if (fate === 'dies after') host.kill()
    if (!host.isAlive()) await never
  }

  return {
    // A record that no write refers to is as good as one that was never written.
    append: (record) => disk.append(record),
    record: (position) => disk.record(position),
    get: (key) => disk.get(key),
    write(writes) {
      // As with LevelDB they are made in the order of the calls, and after one that failed none is.
      writing++
      last = last.then(() => write(writes)).finally(() => writing--)
      last.catch(() => undefined)
      return last
    },
    isWriting: () => writing > 0,
    entries: (from, until) => disk.entries(from, until),
    close: () => last.catch(() => undefined),
  }
}

/** Reports that the simulated disk refused a write: the process has to end. */
export class DiskError extends KeyrollError {
  override readonly name = 'DiskError'
}
