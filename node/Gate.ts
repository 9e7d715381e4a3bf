/** Lets work begin when there is a place for it, in the order it came. */
export type Gate = <T>(work: () => Promise<T>) => Promise<T>

/** Makes a gate behind which so many pieces of work are done at once. */
export function createGate(places: number): Gate {
  const waiting: (() => void)[] = []
  let free = places

  async function enter(): Promise<void> {
    if (free > 0) free--
    else await new Promise<void>((resolve) => waiting.push(resolve))
  }

  function leave(): void {
    const next = waiting.shift()
    // A place goes from one to the next: nobody who comes in between can take it.
    if (next === undefined) free++
    else next()
  }

  return async (work) => {
    await enter()
    try {
      return await work()
    } finally {
      leave()
    }
  }
}
