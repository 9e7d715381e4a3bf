import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import type { SignatureVerifier } from '../../protocol/index.ts'
import { createCachingVerifier } from './cachingVerifier.ts'

describe('createCachingVerifier', () => {
  const digest = `0x${'01'.repeat(32)}` as const
  const other = `0x${'02'.repeat(32)}` as const

  function counting(answer: boolean) {
    let calls = 0
    const verify: SignatureVerifier = () => {
      calls++
      return answer
    }
    return { verify: createCachingVerifier(verify, 2), calls: () => calls }
  }

  it('asks once about a valid signature, and again about anything else in the question', () => {
    const { verify, calls } = counting(true)
    expect(verify(1, '0xaa', digest, '0xbb')).toBe(true)
    expect(verify(1, '0xaa', digest, '0xbb')).toBe(true)
    expect(calls()).toBe(1)
    verify(1, '0xaa', other, '0xbb')
    verify(1, '0xab', digest, '0xbb')
    verify(1, '0xaa', digest, '0xbc')
    verify(2, '0xaa', digest, '0xbb')
    expect(calls()).toBe(5)
  })

  it('never remembers that a signature is invalid', () => {
    const { verify, calls } = counting(false)
    expect(verify(1, '0xaa', digest, '0xbb')).toBe(false)
    expect(verify(1, '0xaa', digest, '0xbb')).toBe(false)
    expect(calls()).toBe(2)
  })

  it('keeps none of the bytes that outsiders choose', () => {
    setFlagsFromString('--expose-gc')
    const collect: () => void = runInNewContext('gc')
    const heap = () => {
      collect()
      return process.memoryUsage().heapUsed
    }
    const count = 10_000
    const verify = createCachingVerifier(() => true, count)
    // Flat strings of their own, as they come out of decoding.
    const signatureOf = (at: number) => `0x${Buffer.alloc(2_000, `${at};`).toString('hex')}` as const
    const before = heap()
    for (let at = 0; at < count; at++) verify(2, '0xaa', digest, signatureOf(at))
    expect((heap() - before) / count).toBeLessThan(500)
    expect(verify(2, '0xaa', digest, signatureOf(0))).toBe(true)
  })
})
