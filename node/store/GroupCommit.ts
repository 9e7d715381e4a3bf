/**
 * Writes that are asked for at the same time share one write to disk, in the order of the calls; resolves when they are on it. After
 * one that failed, all fail with its error.
 */
export type GroupCommit<Write> = (writes: readonly Write[]) => Promise<void>

/**
 * Gathers writes while an earlier group is being synced, and then writes them as the next one.
 *
 * A sync costs milliseconds however much it carries, so this is what makes a promise per request affordable. And at most one write is
 * under way, for LevelDB takes those that come together in any order. A failure is for good, since it may have torn LevelDB's own
 * log: what came later would be written behind the tear, and be gone when that log is read again.
 */
export function createGroupCommit<Write>(
  write: (writes: readonly Write[]) => Promise<void>,
): GroupCommit<Write> {
  let last: Promise<void> = Promise.resolve()
  let open: { writes: Write[]; done: Promise<void> } | undefined

  function openGroup() {
    const writes: Write[] = []
    last = last.then(
      () => {
        open = undefined
        return write(writes)
      },
      (failure: unknown) => {
        open = undefined
        throw failure
      },
    )
    return { writes, done: last }
  }

  return (writes) => {
    open ??= openGroup()
    for (const write of writes) open.writes.push(write)
    return open.done
  }
}
