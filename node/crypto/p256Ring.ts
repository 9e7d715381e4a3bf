/**
 * Memory that threads share: a ring of P-256 verifications which the main thread offers, and whoever comes first does.
 * Each slot is claimed by one compare-and-exchange of its state, so that none is done twice.
 */
export type P256Ring = { counters: Int32Array; states: Int32Array; data: Uint8Array }

/** A verification of `r ‖ s` over `sha256(message)` by the key `x ‖ y`, all of the right width. */
export type P256Question = { message: Uint8Array; rs: Uint8Array; key: Uint8Array }

/**
 * What stands in a slot; a slot that is waiting or running is never written over. While a thread is at it, the state is
 * `running` and the number of the thread, so that what a dead one held is known.
 */
const SlotState = { free: 0, waiting: 1, good: 2, bad: 3, running: 4 } as const

/** How many questions the ring holds; a power of two, so that counters may wrap around. */
export const RING_SLOTS = 8_192

/**
 * Who asks in the order of the questions sleeps for so many answers at once: waking takes a core from a thread that answers, and
 * to answer one himself would be dearer than to have it answered (ADR 11).
 */
export const ANSWERS_AT_ONCE = 32

/** Longest message of a question in bytes: that of a WebAuthn signature is at most 512 + 32. */
export const MAX_MESSAGE_BYTES = 544

// message length (uint16) ‖ key (64) ‖ r ‖ s (64) ‖ message
const KEY_AT = 2
const RS_AT = KEY_AT + 64
const MESSAGE_AT = RS_AT + 64
const SLOT_BYTES = MESSAGE_AT + MAX_MESSAGE_BYTES

const OFFERED = 0
const CLAIMED = 1

/** Allocates an empty ring. */
export function createP256Ring(): P256Ring {
  const shared = (bytes: number) => new SharedArrayBuffer(bytes)
  return {
    counters: new Int32Array(shared(8)),
    states: new Int32Array(shared(4 * RING_SLOTS)),
    data: new Uint8Array(shared(SLOT_BYTES * RING_SLOTS)),
  }
}

/**
 * Offers a question to the threads and returns its slot; undefined while the ring is full of unanswered ones. For the main
 * thread only. An answer that stands in the slot from before is lost: `onEvict` hears of the slot first.
 */
export function offerQuestion(
  ring: P256Ring,
  { message, rs, key }: P256Question,
  onEvict: (slot: number) => void,
): number | undefined {
  const { counters, states, data } = ring
  const slot = Atomics.load(counters, OFFERED) & (RING_SLOTS - 1)
  const state = Atomics.load(states, slot)
  if (state === SlotState.waiting || state >= SlotState.running) return undefined
  if (state !== SlotState.free) onEvict(slot)
  const at = slot * SLOT_BYTES
  data[at] = message.length >> 8
  data[at + 1] = message.length & 0xff
  data.set(key, at + KEY_AT)
  data.set(rs, at + RS_AT)
  data.set(message, at + MESSAGE_AT)
  Atomics.store(states, slot, SlotState.waiting)
  Atomics.add(counters, OFFERED, 1)
  Atomics.notify(counters, OFFERED, 1)
  return slot
}

/**
 * Allocates what a thread copies its questions to: the curve's library takes no shared memory, and arrays of their own for each
 * question would cost several microseconds.
 */
export function createQuestionMemory(): P256Question {
  return { message: new Uint8Array(MAX_MESSAGE_BYTES), rs: new Uint8Array(64), key: new Uint8Array(64) }
}

/**
 * Claims the oldest question that nobody has claimed, for the thread of this number, and copies it to `memory`; undefined when
 * there is none.
 */
export function claimQuestion(
  ring: P256Ring,
  thread: number,
  memory: P256Question,
): { slot: number; question: P256Question } | undefined {
  const { counters, data } = ring
  for (;;) {
    const next = Atomics.load(counters, CLAIMED)
    if (next === Atomics.load(counters, OFFERED)) return undefined
    if (Atomics.compareExchange(counters, CLAIMED, next, (next + 1) | 0) !== next) continue
    const slot = next & (RING_SLOTS - 1)
    if (!claim(ring, slot, thread)) continue
    const at = slot * SLOT_BYTES
    const { rs, key } = memory
    const message = memory.message.subarray(0, ((data[at] as number) << 8) | (data[at + 1] as number))
    message.set(data.subarray(at + MESSAGE_AT, at + MESSAGE_AT + message.length))
    rs.set(data.subarray(at + RS_AT, at + MESSAGE_AT))
    key.set(data.subarray(at + KEY_AT, at + RS_AT))
    return { slot, question: { message, rs, key } }
  }
}

/** Puts the answer to a claimed question into its slot. */
export function giveAnswer({ states }: P256Ring, slot: number, isGood: boolean): void {
  Atomics.store(states, slot, isGood ? SlotState.good : SlotState.bad)
  Atomics.notify(states, slot)
}

/** Counts the questions that nobody has claimed. */
export function countUnclaimed({ counters }: P256Ring): number {
  return (Atomics.load(counters, OFFERED) - Atomics.load(counters, CLAIMED)) | 0
}

/** Waits until there may be something to answer. */
export function awaitQuestion({ counters }: P256Ring): void {
  const offered = Atomics.load(counters, OFFERED)
  if (Atomics.load(counters, CLAIMED) === offered) Atomics.wait(counters, OFFERED, offered)
}

/** Takes a slot whose question nobody has begun with; true when it is now the caller's to answer. */
function claim({ states }: P256Ring, slot: number, thread: number): boolean {
  const running = SlotState.running + thread
  return Atomics.compareExchange(states, slot, SlotState.waiting, running) === SlotState.waiting
}

/** Frees the slots that a dead thread was at, for nobody would ever; whoever asks answers for himself. */
export function releaseClaims({ states }: P256Ring, thread: number): void {
  for (let slot = 0; slot < RING_SLOTS; slot++) {
    Atomics.compareExchange(states, slot, SlotState.running + thread, SlotState.free)
  }
}

/**
 * Takes the answer out of a slot, and frees it: undefined when there is none and nobody had begun, so that the caller answers for himself.
 * While a thread is at it, this sleeps until the one that is {@link ANSWERS_AT_ONCE} later is answered too. After `patienceMs`, and
 * after as long again where others were answered meanwhile, it gives up, for the thread may be dead.
 */
export function takeAnswer({ states }: P256Ring, slot: number, patienceMs: number): boolean | undefined {
  for (let isPatient = true; ; ) {
    const state = Atomics.compareExchange(states, slot, SlotState.waiting, SlotState.free)
    if (state < SlotState.running) {
      Atomics.store(states, slot, SlotState.free)
      // A slot that holds no answer never counts as one.
      return state === SlotState.good ? true : state === SlotState.bad ? false : undefined
    }
    if (!isPatient) return undefined
    const later = (slot + ANSWERS_AT_ONCE) & (RING_SLOTS - 1)
    const laterState = Atomics.load(states, later)
    const isOpen = laterState === SlotState.waiting || laterState >= SlotState.running
    const outcome = isOpen
      ? Atomics.wait(states, later, laterState, patienceMs)
      : Atomics.wait(states, slot, state, patienceMs)
    isPatient = outcome !== 'timed-out'
  }
}
