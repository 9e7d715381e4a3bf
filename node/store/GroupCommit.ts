import type { Write } from '../../node/index.ts'

/** Writes that are made at the same time share one synced write to disk; resolves when they are on it. */
export type GroupCommit = (writes: readonly Write[]) => Promise<void>

type Group = { writes: Write[]; done: Promise<void> }

/**
 * Gathers writes while an earlier group is being synced, and then writes them as the next one.
 *
 * A sync costs milliseconds however much it carries, so this is what makes a promise per request affordable.
 */
export function createGroupCommit(write: (writes: readonly Write[]) => Promise<void>): GroupCommit {
  let last: Promise<unknown> = Promise.resolve()
  let open: Group | undefined

  function openGroup(): Group {
    const writes: Write[] = []
    const done = last.then(() => {
      open = undefined
      return write(writes)
    })
    last = done.catch(() => undefined)
    return { writes, done }
  }

  return (writes) => {
    open ??= openGroup()
    open.writes.push(...writes)
    return open.done
  }
}
