/** Runs tasks one after the other, in the order of the calls; a failed one does not stop the next. */
export type Mutex = <T>(task: () => Promise<T>) => Promise<T>

/** Makes a queue that runs one task at a time. */
export function createMutex(): Mutex {
  let last: Promise<unknown> = Promise.resolve()
  return (task) => {
    const result = last.then(task)
    last = result.catch(() => undefined)
    return result
  }
}
