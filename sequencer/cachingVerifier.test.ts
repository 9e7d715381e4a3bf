import { describe, expect, it } from 'vitest'
import type { SignatureVerifier } from '../protocol/index.ts'
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
})
