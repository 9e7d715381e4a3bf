import type { L1Header } from '../node/index.ts'
import type { L1Source } from './L1Source.ts'
import type { BatcherDatum } from './readBatcherData.ts'

/** A source that reads L1 ahead of whoever follows it, and has the data that come next prepared. */
export interface Lookahead extends L1Source {
  /** Says that the data up to this one are being derived. */
  took(datum: Pick<BatcherDatum, 'bytes'>): void
  /** Forgets what was read. */
  reset(): void
}

/** A block that is being read, or is read and waits. */
type Ahead = {
  header: Promise<L1Header | undefined>
  data: Promise<readonly BatcherDatum[]>
  /** The data once they are there. */
  ready: readonly BatcherDatum[] | undefined
}

/** Most L1 blocks read ahead: enough to hide how long L1 takes to answer, and few enough to be held in memory. */
const MAX_BLOCKS = 16
/** So many bytes are prepared ahead, three full blobs: work enough for all threads, and no more for V8 to keep until it is done. */
const MAX_PREPARED_BYTES = 400_000

/**
 * Makes a look-ahead: while one block is derived, the following ones are read, and `prepare` is called with their data, in the order
 * of L1. What is read ahead is used only where it continues the chain that was walked; a failure is forgotten, for whoever
 * follows asks again and hears of it.
 */
export function createLookahead(source: L1Source, prepare: (bytes: Uint8Array) => void): Lookahead {
  const ahead = new Map<bigint, Ahead>()
  const prepared = new WeakSet<Uint8Array>()
  /** Blocks to read ahead: doubled by each one that L1 has, none at L1's head. */
  let width = 0
  /** The block whose data are being derived, and those that are not yet. */
  let current: L1Header | undefined
  let rest: readonly BatcherDatum[] = []

  /** Reads on once half of it is used, so that several are asked for together, and their blobs checked at once. */
  function readAhead({ number }: L1Header): void {
    if (ahead.size > width / 2) return
    for (let next = number + 1n; next <= number + BigInt(width); next++) {
      if (!ahead.has(next)) ahead.set(next, read(next))
    }
  }

  function read(number: bigint): Ahead {
    const header = source.header(number)
    const data = header.then((found) => (found === undefined ? [] : source.batcherData(found)))
    const block: Ahead = { header, data, ready: undefined }
    header.catch(() => undefined)
    data.then(
      (found) => {
        block.ready = found
        prepareNext()
      },
      () => undefined,
    )
    return block
  }

  function prepareNext(): void {
    let bytes = 0
    for (const datum of upcoming()) {
      if (datum.bytes === undefined) continue
      bytes += datum.bytes.length
      // What is first comes whatever its size, or nothing behind it would be prepared before it is gone.
      if (bytes > MAX_PREPARED_BYTES && bytes !== datum.bytes.length) return
      if (prepared.has(datum.bytes)) continue
      prepared.add(datum.bytes)
      prepare(datum.bytes)
    }
  }

  function* upcoming(): Generator<BatcherDatum> {
    yield* rest
    if (current === undefined) return
    for (let next = current.number + 1n; ; next++) {
      const ready = ahead.get(next)?.ready
      if (ready === undefined) return
      yield* ready
    }
  }

  function reset(): void {
    ahead.clear()
    width = 0
    current = undefined
    rest = []
  }

  return {
    async header(number) {
      const found = await ahead.get(number)?.header.catch(() => undefined)
      if (found !== undefined && found.parentHash === current?.hash) return found
      reset()
      return await source.header(number)
    },
    async batcherData(header) {
      const { number } = header
      const block = ahead.get(number)
      const isSame = (await block?.header.catch(() => undefined))?.hash === header.hash
      const known = isSame ? await block?.data.catch(() => undefined) : undefined
      const data = known ?? (await source.batcherData(header))
      for (const before of ahead.keys()) if (before <= number) ahead.delete(before)
      current = header
      rest = data
      width = Math.min(Math.max(1, 2 * width), MAX_BLOCKS)
      readAhead(header)
      prepareNext()
      return data
    },
    took({ bytes }) {
      rest = rest.slice(rest.findIndex((datum) => datum.bytes === bytes) + 1)
      prepareNext()
    },
    reset,
  }
}
