import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
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

/** Plain JavaScript of a thread that answers, in order, once somebody sleeps at a slot; who is roused before the answer is there must sleep again. */
const ANSWER_WHO_SLEEPS = `
const { states, asleepAt, count } = require('node:worker_threads').workerData
while (Atomics.notify(states, asleepAt) === 0);
for (let n = 0; n < count; n++) {
  Atomics.store(states, n, n % 2 === 0 ? 2 : 3)
  Atomics.notify(states, n)
}
`

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
    const asked = Array.from({ length: 100 }, (_, n) => n)
    for (const n of asked) offerQuestion(ring, question(n), never)
    const dead = claimQuestion(ring, 1, createQuestionMemory())
    while (answerOne(ring, 2, createQuestionMemory(), isEven));
    expect(dead?.slot).toBe(0)
    expect(takeAnswer(ring, 0, PATIENCE_MS)).toBeUndefined()
    for (const n of asked.slice(1)) expect(takeAnswer(ring, n, PATIENCE_MS)).toBe(n % 2 === 0)
  })

  it.each([
    { count: 100, asleepAt: ANSWERS_AT_ONCE },
    { count: ANSWERS_AT_ONCE, asleepAt: 0 },
  ])('sleeps for the answers of $count questions at slot $asleepAt', async ({ count, asleepAt }) => {
    const ring = createP256Ring()
    for (let n = 0; n < count; n++) offerQuestion(ring, question(n), never)
    while (claimQuestion(ring, 1, createQuestionMemory()) !== undefined);
    const workerData = { states: ring.states, asleepAt, count }
    const thread = new Worker(ANSWER_WHO_SLEEPS, { eval: true, workerData })
    for (let n = 0; n < count; n++) expect(takeAnswer(ring, n, DEADLINE_MS)).toBe(n % 2 === 0)
    await thread.terminate()
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
