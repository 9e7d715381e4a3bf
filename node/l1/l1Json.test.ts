import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromHex, toHex } from '../../protocol/index.ts'
import { bytesField, bytesOf, hexField } from './l1Json.ts'
import { RefusedAnswerError } from './RefusedAnswerError.ts'

/** Around the length from which on another decoder is used, and far above. */
const hex = fc
  .oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.uint8Array({ minLength: 2_040, maxLength: 2_056 }),
    fc.uint8Array({ minLength: 10_000, maxLength: 10_000 }),
  )
  .map((bytes) => toHex(bytes))

describe('bytesOf', () => {
  it('reads hex of any length and case, into an array of its own', () => {
    fc.assert(
      fc.property(hex, fc.boolean(), (text, isUpper) => {
        const written = isUpper ? `0x${text.slice(2).toUpperCase()}` : text
        const bytes = bytesOf(written)
        expect(bytes).toStrictEqual(fromHex(text))
        expect(bytes?.buffer.byteLength).toBe(bytes?.length)
        expect(bytesOf(written, text.length / 2 - 1)).toStrictEqual(bytes)
      }),
    )
  })

  it('reads nothing that has one wrong character, wherever, or another length', () => {
    // Of U+0130 the lower byte is a digit, and of U+0161 a letter.
    const codes = fc.oneof(fc.nat(0xffff), fc.constantFrom(0x130, 0x161, 0xd800, 0x2f, 0x3a, 0x67, 0xb1))
    const character = codes.map((code) => String.fromCharCode(code)).filter((one) => !/[0-9a-fA-F]/.test(one))
    fc.assert(
      fc.property(hex, character, fc.nat(), (text, wrong, place) => {
        const at = place % text.length
        if (text[at] !== wrong)
          expect(bytesOf(text.slice(0, at) + wrong + text.slice(at + 1))).toBeUndefined()
        const length = text.length / 2 - 1
        const others = [text.slice(0, -1), `${text}0`, `${text}${wrong}0`, text.slice(2), ` ${text}`]
        expect(others.map((each) => bytesOf(each))).toEqual(others.map(() => undefined))
        expect([bytesOf(text, length + 1), bytesOf(text, 1e9)]).toEqual([undefined, undefined])
      }),
    )
  })

  it('reads nothing that is no text', () => {
    expect([undefined, null, 0, [], {}].map((each) => bytesOf(each))).toEqual(Array(5).fill(undefined))
  })
})

describe('bytesField', () => {
  it('refuses an answer whose field is no hex, and names the field', () => {
    expect(bytesField({ input: '0x00ff' }, 'input', 2)).toStrictEqual(Uint8Array.of(0, 255))
    for (const input of ['0x0', `0x${'0'.repeat(5_001)}`, 1, undefined]) {
      expect(() => bytesField({ input }, 'input')).toThrow(RefusedAnswerError)
      expect(() => bytesField({ input }, 'input')).toThrow('input')
    }
  })
})

describe('hexField', () => {
  it('takes hex of any case, and as many bytes as are expected', () => {
    expect(hexField({ data: '0x00Ff' }, 'data')).toBe('0x00ff')
    expect(hexField({ data: '0x' }, 'data')).toBe('0x')
    for (const data of ['0x0', '00', '0x0g', '0x00\n', ' 0x00', 1, undefined]) {
      expect(() => hexField({ data }, 'data')).toThrow(RefusedAnswerError)
    }
    expect(hexField({ data: '0x00ff' }, 'data', 2)).toBe('0x00ff')
    expect(() => hexField({ data: '0x00ff' }, 'data', 3)).toThrow(RefusedAnswerError)
  })

  it('takes or refuses tens of megabytes', () => {
    const long = `0x${'5a'.repeat(16_000_000)}`
    expect(hexField({ data: long }, 'data')).toBe(long)
    expect(() => hexField({ data: `${long}zz` }, 'data')).toThrow(RefusedAnswerError)
  })
})
