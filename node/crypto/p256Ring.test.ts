import { Worker } from 'node:worker_threads'
import { describe, expect, it, vi } from 'vitest'
import {
  ANSWERS_AT_ONCE,
  claimQuestion,
  createP256Ring,
  createQuestionMemory,
  giveAnswer,
  MAX_MESSAGE_BYTES,
  offerQuestion,
  type P256Question,
  type P256Ring,
  RING_SLOTS,
  releaseClaims,
  takeAnswer,
} from './p256Ring.ts'

const question = (n: number): P256Question => ({
  message: Uint8Array.of(n >> 8, n & 0xff, 7),
  rs: new Uint8Array(64).fill(n & 0xff),
  key: new Uint8Array(64).fill(n >> 8),
})
const isEven = ({ message }: P256Question) => ((message[1] as number) & 1) === 0
const never = () => expect.unreachable('nothing was to be evicted')
const PATIENCE_MS = 10
const DEADLINE_MS = 30_000

/** Plain JavaScript of a thread that answers, the evens well, once somebody sleeps at one of the slots; who is roused before his answer is there must sleep again. */
const ANSWER_WHO_SLEEPS = `
const { states, slots, asleepAt, deadlineMs } = require('node:worker_threads').workerData
const end = performance.now() + deadlineMs
while (Atomics.notify(states, asleepAt) === 0 && performance.now() < end);
slots.forEach((slot, n) => {
  Atomics.store(states, slot, performance.now() < end && n % 2 === 0 ? 2 : 3)
  Atomics.notify(states, slot)
})
`

async function withAnswerer<T>(
  { states }: P256Ring,
  task: { slots: readonly number[]; asleepAt: number | undefined; deadlineMs: number },
  use: () => T,
): Promise<T> {
  const thread = new Worker(ANSWER_WHO_SLEEPS, { eval: true, workerData: { states, ...task } })
  try {
    return use()
  } finally {
    await thread.terminate()
  }
}

/** Offers so many questions, from the first on. */
const offerMany = (ring: P256Ring, count: number) =>
  Array.from({ length: count }, (_, n) => offerQuestion(ring, question(n), () => undefined) as number)

/** Answers the oldest question that nobody has claimed, as the thread of this number; false when there is none. */
function answerOne(
  ring: P256Ring,
  thread: number,
  memory: P256Question,
  verify: (question: P256Question) => boolean,
): boolean {
  const claimed = claimQuestion(ring, thread, memory)
  if (claimed === undefined) return false
  giveAnswer(ring, claimed.slot, verify(claimed.question))
  return true
}

describe('the ring of verifications', () => {
  it('answers each question once, the oldest first, with all its bytes', () => {
    const ring = createP256Ring()
    const slots = [1, 2, 3].map((n) => offerQuestion(ring, question(n), never) as number)
    const seen: P256Question[] = []
    const verify = (asked: P256Question) => {
      seen.push(asked)
      return isEven(asked)
    }
    while (answerOne(ring, 1, createQuestionMemory(), verify));
    expect(seen).toEqual([1, 2, 3].map(question))
    expect(slots.map((slot) => takeAnswer(ring, slot, PATIENCE_MS))).toEqual([false, true, false])
  })

  it('leaves a question that nobody has begun to whoever asks, and nobody answers it after that', () => {
    const ring = createP256Ring()
    const slot = offerQuestion(ring, question(1), never) as number
    expect(takeAnswer(ring, slot, PATIENCE_MS)).toBeUndefined()
    expect(
      answerOne(ring, 1, createQuestionMemory(), () => expect.unreachable('the question was taken')),
    ).toBe(false)
  })

  it('hands over every byte of a question of any length, in memory that held another', () => {
    const ring = createP256Ring()
    const memory = createQuestionMemory()
    const asked = [0, MAX_MESSAGE_BYTES, 255, 256, 1, 300].map((length, n) => ({
      message: Uint8Array.from({ length }, (_, i) => i * 7 + n + 1),
      rs: Uint8Array.from({ length: 64 }, (_, i) => i + n),
      key: Uint8Array.from({ length: 64 }, (_, i) => 100 + i + n),
    }))
    for (const each of asked) offerQuestion(ring, each, never)
    for (const each of asked) {
      answerOne(ring, 1, memory, (given) => {
        expect(given).toEqual(each)
        return true
      })
    }
    expect(asked.map((_, slot) => takeAnswer(ring, slot, PATIENCE_MS))).toEqual(asked.map(() => true))
  })

  it('gives an answer once: a slot that was freed says neither good nor bad', () => {
    const ring = createP256Ring()
    const slot = offerQuestion(ring, question(2), never) as number
    answerOne(ring, 1, createQuestionMemory(), isEven)
    expect(takeAnswer(ring, slot, PATIENCE_MS)).toBe(true)
    expect(takeAnswer(ring, slot, PATIENCE_MS)).toBeUndefined()
  })

  it('gives up when the thread that is at a question is dead, and takes the answers of the living', () => {
    const ring = createP256Ring()
    const slots = offerMany(ring, 100)
    const dead = claimQuestion(ring, 1, createQuestionMemory())
    while (answerOne(ring, 2, createQuestionMemory(), isEven));
    expect(dead?.slot).toBe(0)
    expect(takeAnswer(ring, 0, PATIENCE_MS)).toBeUndefined()
    for (const n of slots.slice(1)) expect(takeAnswer(ring, n, PATIENCE_MS)).toBe(n % 2 === 0)
  })

  it('gives up when the next questions are never answered either', async () => {
    const ring = createP256Ring()
    const slots = offerMany(ring, 100)
    const first = claimQuestion(ring, 1, createQuestionMemory())
    // Who would wait for ever is told at last, and then finds an answer.
    await withAnswerer(ring, { slots, asleepAt: RING_SLOTS - 1, deadlineMs: DEADLINE_MS / 3 }, () => {
      expect(takeAnswer(ring, first?.slot as number, PATIENCE_MS)).toBeUndefined()
    })
  })

  it.each([
    { first: 0, count: 100, asleepAt: ANSWERS_AT_ONCE },
    { first: 0, count: ANSWERS_AT_ONCE, asleepAt: 0 },
    { first: RING_SLOTS - 16, count: 100, asleepAt: ANSWERS_AT_ONCE },
    { first: RING_SLOTS - 50, count: 100, asleepAt: ANSWERS_AT_ONCE },
  ])(
    'sleeps once for many answers, at the ring’s end too ($first, $count)',
    async ({ first, count, asleepAt }) => {
      const ring = createP256Ring()
      offerMany(ring, first)
      while (answerOne(ring, 1, createQuestionMemory(), isEven));
      const slots = offerMany(ring, count)
      while (claimQuestion(ring, 1, createQuestionMemory()) !== undefined);
      await withAnswerer(ring, { slots, asleepAt: slots[asleepAt], deadlineMs: DEADLINE_MS }, () => {
        for (const [n, slot] of slots.entries())
          expect(takeAnswer(ring, slot, 2 * DEADLINE_MS)).toBe(n % 2 === 0)
      })
    },
  )

  it('rouses whoever sleeps at a slot once its answer is there', () => {
    const ring = createP256Ring()
    const slot = offerQuestion(ring, question(2), never) as number
    const seen: unknown[] = []
    const notify = vi.spyOn(Atomics, 'notify').mockImplementation((states, at) => {
      seen.push({ states, at, state: states[at] })
      return 0
    })
    answerOne(ring, 1, createQuestionMemory(), isEven)
    notify.mockRestore()
    expect(seen).toEqual([{ states: ring.states, at: slot, state: ring.states[slot] }])
    expect(takeAnswer(ring, slot, PATIENCE_MS)).toBe(true)
  })

  it('has the place of a question that a dead thread was at again, and nothing of the living', () => {
    const ring = createP256Ring()
    const dying = new RangeError('the thread dies')
    const [first, second] = [1, 2].map((n) => offerQuestion(ring, question(n), never)) as [number, number]
    const die = () => {
      throw dying
    }
    expect(() => answerOne(ring, 1, createQuestionMemory(), die)).toThrow(dying)
    answerOne(ring, 2, createQuestionMemory(), (asked) => {
      releaseClaims(ring, 1)
      return isEven(asked)
    })
    expect(takeAnswer(ring, first, 60_000)).toBeUndefined()
    expect(takeAnswer(ring, second, PATIENCE_MS)).toBe(true)
    for (let n = 2; n < RING_SLOTS; n++) offerQuestion(ring, question(n), never)
    expect(offerQuestion(ring, question(5), never)).toBe(first)
  })

  it('takes no more than it has places, and gives the places of old answers to new questions', () => {
    const ring = createP256Ring()
    for (let n = 0; n < RING_SLOTS; n++) expect(offerQuestion(ring, question(n), never)).toBe(n)
    expect(offerQuestion(ring, question(0), never)).toBeUndefined()
    while (answerOne(ring, 1, createQuestionMemory(), isEven));
    const evicted: number[] = []
    expect(offerQuestion(ring, question(9), (slot) => evicted.push(slot))).toBe(0)
    expect(evicted).toEqual([0])
    while (answerOne(ring, 1, createQuestionMemory(), isEven));
    expect(takeAnswer(ring, 0, PATIENCE_MS)).toBe(false)
    expect(takeAnswer(ring, RING_SLOTS - 1, PATIENCE_MS)).toBe(false)
  })
})
