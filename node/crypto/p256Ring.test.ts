import { describe, expect, it } from 'vitest'
import {
  answerOne,
  createP256Ring,
  createQuestionMemory,
  MAX_MESSAGE_BYTES,
  offerQuestion,
  type P256Question,
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
const idle = { meanwhile: () => false, patienceMs: 10 }

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
    expect(slots.map((slot) => takeAnswer(ring, slot, idle))).toEqual([false, true, false])
  })

  it('leaves a question that nobody has begun to whoever asks, and nobody answers it after that', () => {
    const ring = createP256Ring()
    const slot = offerQuestion(ring, question(1), never) as number
    expect(takeAnswer(ring, slot, idle)).toBeUndefined()
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
    expect(asked.map((_, slot) => takeAnswer(ring, slot, idle))).toEqual(asked.map(() => true))
  })

  it('gives an answer once: a slot that was freed says neither good nor bad', () => {
    const ring = createP256Ring()
    const slot = offerQuestion(ring, question(2), never) as number
    answerOne(ring, 1, createQuestionMemory(), isEven)
    expect(takeAnswer(ring, slot, idle)).toBe(true)
    expect(takeAnswer(ring, slot, idle)).toBeUndefined()
  })

  it('works on while another thread is at the question, and gives up when that thread is dead', () => {
    const ring = createP256Ring()
    const [first, second] = [1, 2].map((n) => offerQuestion(ring, question(n), never)) as [number, number]
    // The question is asked while it is being answered, as if by another thread.
    answerOne(ring, 1, createQuestionMemory(), () => {
      const meanwhile = () => answerOne(ring, 1, createQuestionMemory(), isEven)
      expect(takeAnswer(ring, first, { ...idle, meanwhile })).toBeUndefined()
      return true
    })
    expect(takeAnswer(ring, second, idle)).toBe(true)
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
    expect(takeAnswer(ring, first, { ...idle, patienceMs: 60_000 })).toBeUndefined()
    expect(takeAnswer(ring, second, idle)).toBe(true)
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
    expect(takeAnswer(ring, 0, idle)).toBe(false)
    expect(takeAnswer(ring, RING_SLOTS - 1, idle)).toBe(false)
  })
})
