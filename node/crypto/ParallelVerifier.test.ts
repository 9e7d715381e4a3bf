import { setImmediate } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import type { Hex } from 'viem'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { keccakHex, type Scheme, type SignatureVerifier } from '../../protocol/index.ts'
import { createTestSigner } from '../../test/testSigners.ts'
import { createLogger } from '../Logger.ts'
import { createNativeVerifier } from './NativeVerifier.ts'
import { createParallelVerifier, type ParallelVerifier } from './ParallelVerifier.ts'

type Question = Parameters<SignatureVerifier>

const DEADLINE_MS = 30_000
const logger = createLogger({ level: 'silent' })
const native = createNativeVerifier()
const verifier = createParallelVerifier({ logger, threads: 2 })
afterAll(() => verifier.close())

const signers = ([1, 2, 3] as const).map((scheme) => createTestSigner(scheme, `scheme ${scheme}`))
const digestOf = (n: number): Hex => keccakHex(Uint8Array.of(n >> 8, n & 0xff))

function signed(scheme: Scheme, n: number): Question {
  const signer = signers[scheme - 1] as (typeof signers)[number]
  return [scheme, signer.key, digestOf(n), signer.sign(digestOf(n))]
}

/** Changes one byte of the key, the digest or the signature. */
function tamper([scheme, ...parts]: Question, part: 0 | 1 | 2, at: number): Question {
  const hex = parts[part]
  const position = 2 + (at % (hex.length - 2))
  const digit = (Number.parseInt(hex[position] as string, 16) ^ 1).toString(16)
  const changed: Hex = `0x${hex.slice(2, position)}${digit}${hex.slice(position + 1)}`
  const [key, digest, signature] = parts.map((each, i) => (i === part ? changed : each)) as [Hex, Hex, Hex]
  return [scheme, key, digest, signature]
}

const question = fc
  .record({
    scheme: fc.constantFrom<Scheme>(1, 2, 3),
    n: fc.nat(500),
    part: fc.option(fc.constantFrom<0 | 1 | 2>(0, 1, 2)),
    at: fc.nat(),
  })
  .map(({ scheme, n, part, at }) => {
    const good = signed(scheme, n)
    return part === null ? good : tamper(good, part, at)
  })

describe('the parallel verifier', () => {
  it('gives the native answers, whether it expected the questions or not, and when it is asked twice', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(question, fc.boolean()), { maxLength: 30 }), (asked) => {
        for (const [each, isExpected] of asked) if (isExpected) verifier.expect(...each)
        for (const [each] of asked) {
          expect(verifier.verify(...each)).toBe(native(...each))
          expect(verifier.verify(...each)).toBe(native(...each))
        }
      }),
      { numRuns: 40 },
    )
  })

  /** Waits until threads have begun with everything; whoever asks then waits for their answer. */
  async function drained(by: ParallelVerifier): Promise<void> {
    const deadline = performance.now() + DEADLINE_MS
    while (by.backlog() > 0 && performance.now() < deadline) await setImmediate()
    expect(by.backlog()).toBe(0)
  }

  /** Expects that threads come to all of these, which nobody asks meanwhile. */
  async function expectAnswered(by: ParallelVerifier, questions: readonly Question[]): Promise<void> {
    for (const each of questions) by.expect(...each)
    await drained(by)
    expect(questions.every((each) => by.verify(...each))).toBe(true)
  }

  it('lets its threads answer what is expected', async () => {
    await expectAnswered(
      verifier,
      Array.from({ length: 64 }, (_, n) => signed(2, 1_000 + n)),
    )
  })

  it.each([2, 3] as const)('lets its threads refuse what is bad, of scheme %i', async (scheme) => {
    const [, key, digest, signature] = signed(scheme, 2_000 + scheme)
    const stranger = createTestSigner(scheme, 'a stranger').key
    const questions: readonly Question[] = [
      [scheme, key, digestOf(1), signature],
      [scheme, stranger, digest, signature],
    ]
    for (const bad of questions) {
      verifier.expect(...bad)
      await drained(verifier)
      expect(verifier.verify(...bad)).toBe(false)
    }
  })

  it('takes the answer to one question for no other with the same signature', async () => {
    const good = signed(2, 3_000)
    const [, key, digest, signature] = good
    const stranger = createTestSigner(2, 'a stranger').key
    const others: readonly Question[] = [
      [2, key, digestOf(1), signature],
      [2, stranger, digest, signature],
      [1, key, digest, signature],
      [3, key, digest, signature],
    ]
    for (const other of others) {
      verifier.expect(...good)
      await drained(verifier)
      expect(verifier.verify(...other)).toBe(false)
      expect(verifier.verify(...good)).toBe(true)
    }
  })

  it('has another thread in the place of one that died', async () => {
    const started = vi.spyOn(Worker.prototype, 'unref')
    const mortal = createParallelVerifier({ logger, threads: 1 })
    await expectAnswered(mortal, [signed(2, 1)])
    const [thread] = started.mock.contexts as Worker[]
    await thread?.terminate()
    await expectAnswered(mortal, [signed(2, 2), signed(3, 3)])
    expect(started).toHaveBeenCalledTimes(2)
    await mortal.close()
    expect(started).toHaveBeenCalledTimes(2)
    started.mockRestore()
  })

  it('goes on without its threads once it is closed', async () => {
    const closing = createParallelVerifier({ logger, threads: 1 })
    closing.expect(...signed(2, 1))
    await closing.close()
    closing.expect(...signed(2, 2))
    expect(closing.verify(...signed(2, 1))).toBe(true)
    expect(closing.verify(...signed(2, 2))).toBe(true)
    expect(closing.verify(...tamper(signed(3, 3), 1, 5))).toBe(false)
  })
})
