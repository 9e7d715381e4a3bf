/** Virtual time: whoever waits is woken in the order of due times, and nothing else moves the clock. */
export interface Timeline {
  /** Milliseconds since the epoch. */
  now(): number
  /** Calls back after `ms` milliseconds; of what is due at once, what was asked for first comes first. */
  after(ms: number, callback: () => void): void
  sleep(ms: number): Promise<void>
  /** Does work that waits for no time of this timeline, and lets nothing else happen before it is done. */
  hold<T>(work: () => Promise<T>): Promise<T>
  /** Lets things happen until `condition` holds or `untilMs` has come; tells whether it holds. */
  run(untilMs: number, condition?: () => boolean): Promise<boolean>
  /** Counts what has happened. */
  events(): number
}

type Event = { at: number; order: number; callback: () => void }

/** Makes a timeline that begins at `startMs`. */
export function createTimeline(startMs: number): Timeline {
  const heap: Event[] = []
  let now = startMs
  let order = 0
  let events = 0
  const held = new Set<Promise<unknown>>()

  function after(ms: number, callback: () => void): void {
    push(heap, { at: now + Math.max(0, Math.round(ms)), order: order++, callback })
  }

  return {
    now: () => now,
    after,
    sleep: (ms) => new Promise((resolve) => after(ms, resolve)),
    hold(work) {
      const done = work()
      held.add(done)
      const release = () => held.delete(done)
      done.then(release, release)
      return done
    },
    events: () => events,
    async run(untilMs, condition = () => false) {
      while (!condition()) {
        const next = heap[0]
        if (next === undefined || next.at > untilMs) {
          now = Math.max(now, untilMs)
          return condition()
        }
        pop(heap)
        now = next.at
        events++
        next.callback()
        // What the callback has woken runs to its next wait before anything else happens.
        await new Promise(setImmediate)
        while (held.size > 0) {
          await Promise.allSettled(held)
          await new Promise(setImmediate)
        }
      }
      return true
    },
  }
}

const isBefore = (a: Event, b: Event) => a.at < b.at || (a.at === b.at && a.order < b.order)

/** A binary heap: each event stands before its children, 2i + 1 and 2i + 2. */
function push(heap: Event[], event: Event): void {
  let i = heap.push(event) - 1
  while (i > 0) {
    const up = (i - 1) >> 1
    const parent = heap[up]
    if (parent === undefined || isBefore(parent, event)) break
    heap[i] = parent
    i = up
  }
  heap[i] = event
}

function pop(heap: Event[]): void {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  let i = 0
  for (;;) {
    const [left, right] = [heap[2 * i + 1], heap[2 * i + 2]]
    if (left === undefined) break
    const isRight = right !== undefined && isBefore(right, left)
    const child = isRight ? right : left
    if (isBefore(last, child)) break
    heap[i] = child
    i = 2 * i + (isRight ? 2 : 1)
  }
  heap[i] = last
}
