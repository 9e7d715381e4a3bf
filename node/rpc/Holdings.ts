import { setMaxListeners } from 'node:events'

/** What one caller makes the server keep in memory. */
export interface Holding {
  /** Counts bytes that are kept from now on, or fewer where it is negative. It may end this or other holdings. */
  add(bytes: number): void
  /** Forgets the caller, who is gone. */
  end(): void
  /** Aborted when the caller is gone: nobody waits for what is made for it. */
  readonly over: AbortSignal
}

/** Counts what is kept for a new caller; `drop` closes its connection. */
export type Holdings = (drop: () => void) => Holding

/** Makes the account of what is kept for all callers: where they exceed `maxBytes` together, the one with most is dropped. */
export function createHoldings(maxBytes: number): Holdings {
  const holders = new Set<{ bytes: number; drop: () => void }>()
  let total = 0

  function dropLargest(): void {
    const [first, ...others] = holders
    if (first === undefined) return
    const largest = others.reduce((most, one) => (one.bytes > most.bytes ? one : most), first)
    largest.drop()
  }

  return (drop) => {
    const own = {
      bytes: 0,
      drop() {
        end()
        drop()
      },
    }
    holders.add(own)
    const over = new AbortController()
    // Each request that is answered for the caller listens.
    setMaxListeners(0, over.signal)

    function end(): void {
      if (!holders.delete(own)) return
      total -= own.bytes
      over.abort()
    }

    return {
      add(bytes) {
        if (!holders.has(own)) return
        own.bytes += bytes
        total += bytes
        while (total > maxBytes) dropLargest()
      },
      end,
      over: over.signal,
    }
  }
}
