import { RLP } from '@ethereumjs/rlp'
import fc from 'fast-check'
import { bytesToHex, type Hex, hexToBytes } from 'viem'
import { describe, expect, it } from 'vitest'
import {
  decodeRlp,
  decodeRlpAt,
  encodeRlp,
  RlpError,
  type RlpItem,
  rlpToBytes,
  rlpToList,
  rlpToNumber,
  rlpToUint,
  uintToRlp,
} from './Rlp.ts'

const { item } = fc.letrec<{ item: RlpItem; bytes: Uint8Array; list: RlpItem[] }>((tie) => ({
  item: fc.oneof({ depthSize: 'medium', maxDepth: 6 }, tie('bytes'), tie('list')),
  bytes: fc.oneof(
    fc.uint8Array({ maxLength: 2 }),
    fc.uint8Array({ maxLength: 80 }),
    fc.uint8Array({ minLength: 250, maxLength: 300 }),
  ),
  list: fc.array(tie('item'), { maxLength: 6 }),
}))

describe('encodeRlp and decodeRlp', () => {
  it('agree with @ethereumjs/rlp on every item', () => {
    fc.assert(
      fc.property(item, (value) => {
        const encoded = encodeRlp(value)
        expect(bytesToHex(encoded)).toBe(bytesToHex(RLP.encode(value as Uint8Array)))
        expect(decodeRlp(encoded)).toEqual(value)
      }),
    )
  })

  it('accept only what encodes back to the same bytes', () => {
    fc.assert(
      fc.property(
        item,
        fc.nat(),
        fc.nat(255),
        fc.constantFrom('flip', 'insert', 'remove'),
        (value, at, byte, how) => {
          const bytes = [...encodeRlp(value)]
          const index = at % bytes.length
          if (how === 'flip') bytes[index] = (bytes[index] as number) ^ byte
          else bytes.splice(index, how === 'remove' ? 1 : 0, ...(how === 'insert' ? [byte] : []))
          const mutated = Uint8Array.from(bytes)
          const decoded = tryDecode(mutated)
          if (decoded !== undefined) expect(bytesToHex(encodeRlp(decoded))).toBe(bytesToHex(mutated))
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it('accept only canonical forms among short random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 6 }), (bytes) => {
        const decoded = tryDecode(bytes)
        if (decoded !== undefined) expect(encodeRlp(decoded)).toEqual(bytes)
      }),
      { numRuns: 5_000 },
    )
  })

  it('give plain arrays even from a Buffer', () => {
    const decoded = decodeRlp(Buffer.from('83010203', 'hex'))
    expect(decoded.constructor).toBe(Uint8Array)
  })

  it('handle items above 64 KiB', () => {
    const value = [new Uint8Array(70_000).fill(7), new Uint8Array(56)]
    expect(bytesToHex(encodeRlp(value))).toBe(bytesToHex(RLP.encode(value)))
    expect(decodeRlp(encodeRlp(value))).toEqual(value)
  })
})

describe('decodeRlp refuses', () => {
  it.each([
    ['nothing at all', '0x'],
    ['a prefixed single byte', '0x8101'],
    ['a long form for a short string', `0xb837${'00'.repeat(55)}`],
    ['a long form for a short list', `0xf837${'00'.repeat(55)}`],
    ['a length with a leading zero', `0xb90038${'00'.repeat(56)}`],
    ['a list length with a leading zero', `0xf90038${'00'.repeat(56)}`],
    ['a string longer than the input', '0x83aabb'],
    ['a list longer than the input', '0xc3aa'],
    ['an item longer than its list', '0xc383aabb'],
    ['an item that leaves its list', '0xc283aabbcc'],
    ['a truncated length', '0xb9ff'],
    ['an eight-byte length', '0xbfffffffffffffffff'],
    ['trailing bytes', '0x8000'],
    ['trailing bytes after a list', '0xc0c0'],
  ])('%s', (_name, hex) => {
    expect(() => decodeRlp(hexToBytes(hex as `0x${string}`))).toThrow(RlpError)
  })

  it('bombs of nested lists without exhausting the stack', () => {
    let bytes: Uint8Array = Uint8Array.of(0xc0)
    for (let depth = 0; depth < 40; depth++) bytes = wrap(bytes)
    expect(() => decodeRlp(bytes)).toThrow(/nested deeper/)
    let deepest: Uint8Array = Uint8Array.of(0xc0)
    for (let depth = 1; depth < 32; depth++) deepest = wrap(deepest)
    expect(encodeRlp(decodeRlp(deepest))).toEqual(deepest)
    expect(() => decodeRlp(wrap(deepest))).toThrow(/nested deeper/)
    expect(() => encodeRlp([decodeRlp(deepest)])).toThrow(/nested deeper/)
    expect(() => decodeRlp(new Uint8Array(100_000).fill(0xc1))).toThrow(RlpError)
  })
})

describe('decodeRlpAt', () => {
  it('reads a sequence of items one after the other', () => {
    const bytes = Uint8Array.from([...encodeRlp(Uint8Array.of(1)), ...encodeRlp([Uint8Array.of(0x80)])])
    const first = decodeRlpAt(bytes, 0)
    const second = decodeRlpAt(bytes, first.end)
    expect(first.item).toEqual(Uint8Array.of(1))
    expect(second).toEqual({ item: [Uint8Array.of(0x80)], end: bytes.length })
    expect(() => decodeRlpAt(bytes, second.end)).toThrow(RlpError)
  })
})

describe('narrowing', () => {
  it('refuses an item of another kind or length', () => {
    expect(() => rlpToList(Uint8Array.of())).toThrow(RlpError)
    expect(() => rlpToList([], 1)).toThrow(RlpError)
    expect(() => rlpToList(undefined)).toThrow(RlpError)
    expect(() => rlpToBytes([])).toThrow(RlpError)
    expect(() => rlpToBytes(Uint8Array.of(1), 2)).toThrow(RlpError)
    expect(rlpToList([Uint8Array.of()], 1)).toHaveLength(1)
    expect(rlpToBytes(Uint8Array.of(1), 1)).toEqual(Uint8Array.of(1))
  })

  it('refuses integers that are too wide or not minimal', () => {
    expect(() => rlpToUint(Uint8Array.of(0), 64)).toThrow(RlpError)
    expect(() => rlpToUint(Uint8Array.of(0, 1), 64)).toThrow(RlpError)
    expect(() => rlpToUint(new Uint8Array(9).fill(1), 64)).toThrow(RlpError)
    expect(() => rlpToNumber(Uint8Array.of(1, 0), 8)).toThrow(RlpError)
    expect(() => uintToRlp(-1n)).toThrow(RlpError)
    expect(rlpToNumber(Uint8Array.of(255), 8)).toBe(255)
  })

  it.each(Array.from({ length: 257 }, (_, bits) => bits))(
    'writes integers of %i bits in the shortest form',
    (bits) => {
      const end = 2n ** BigInt(bits)
      for (const value of [end / 2n, (end * 2n) / 3n, end - 1n]) {
        const expected = value === 0n ? '0x' : toMinimalHex(value)
        expect(bytesToHex(uintToRlp(value))).toBe(expected)
        if (value <= Number.MAX_SAFE_INTEGER) expect(bytesToHex(uintToRlp(Number(value)))).toBe(expected)
      }
    },
  )

  it('carries every 256-bit integer there and back', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }), (value) => {
        expect(rlpToUint(decodeRlp(encodeRlp(uintToRlp(value))), 256)).toBe(value)
      }),
    )
  })
})

function toMinimalHex(value: bigint): Hex {
  const digits = value.toString(16)
  return `0x${digits.length % 2 === 0 ? '' : '0'}${digits}`
}

function wrap(bytes: Uint8Array): Uint8Array {
  const head = bytes.length < 56 ? [0xc0 + bytes.length] : [0xf8, bytes.length]
  return Uint8Array.from([...head, ...bytes])
}

function tryDecode(bytes: Uint8Array): RlpItem | undefined {
  try {
    return decodeRlp(bytes)
  } catch (error) {
    expect(error).toBeInstanceOf(RlpError)
    return undefined
  }
}
