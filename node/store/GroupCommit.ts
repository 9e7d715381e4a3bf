/** Writes that are asked for at the same time share one write to disk, in the order of the calls; resolves when they are on it. */
export type GroupCommit<Write> = (writes: readonly Write[]) => Promise<void>

/**
 * Gathers writes while an earlier group is being synced, and then writes them as the next one.
 *
 * A sync costs milliseconds however much it carries, so this is what makes a promise per request affordable. And at most one write is
 * under way, for LevelDB takes those that come together in any order.
 */
export function createGroupCommit<Write>(
  write: (writes: readonly Write[]) => Promise<void>,
): GroupCommit<Write> {
  let last: Promise<unknown> = Promise.resolve()
  let open: { writes: Write[]; done: Promise<void> } | undefined

  function openGroup() {
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
    for (const write of writes) open.writes.push(write)
    return open.done
  }
}
