import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bloomMayHold, EMPTY_BLOOM, logsToBloom } from './Bloom.ts'
import { asciiToBytes, fromHex, keccakHex, toHex } from './bytes.ts'
import type { Log } from './KeystoreLogs.ts'
import { encodeReceipts, type Receipt, receiptFromBytes, receiptToBytes } from './Receipt.ts'
import { decodeRlp, encodeRlp, RlpError, type RlpItem } from './Rlp.ts'

const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length }).map(toHex)
const log: fc.Arbitrary<Log> = fc.record({
  address: bytesOf(20),
  topics: fc.array(bytesOf(32), { maxLength: 4 }),
  data: fc.uint8Array({ maxLength: 70 }),
})
const receipt: fc.Arbitrary<Receipt> = fc.record({
  type: fc.constantFrom(0x4b, 0x7e),
  status: fc.constantFrom<0 | 1>(0, 1),
  cumulativeGasUsed: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  logs: fc.array(log, { maxLength: 3 }),
  keystoreRoot: bytesOf(32),
})

describe('a receipt', () => {
  it('comes back from its bytes', () => {
    fc.assert(
      fc.property(receipt, (value) => {
        const bytes = receiptToBytes(value)
        expect(bytes[0]).toBe(value.type)
        expect(receiptFromBytes(bytes)).toEqual(value)
      }),
    )
  })

  it('among others of a block has the bytes that it has alone, and adds its logs to the bloom of all', () => {
    fc.assert(
      fc.property(fc.array(receipt, { maxLength: 5 }), (receipts) => {
        const { encoded, logsBloom } = encodeReceipts(receipts)
        expect(encoded).toEqual(receipts.map(receiptToBytes))
        expect(logsBloom).toBe(logsToBloom(receipts.flatMap(({ logs }) => logs)))
      }),
    )
  })

  const sample: Receipt = {
    type: 0x4b,
    status: 1,
    cumulativeGasUsed: 5n,
    logs: [],
    keystoreRoot: `0x${'11'.repeat(32)}`,
  }
  const fields = decodeRlp(receiptToBytes(sample).subarray(1)) as RlpItem[]
  const topics = Array.from({ length: 5 }, () => new Uint8Array(32))
  const bloom = logsToBloom([{ address: toHex(new Uint8Array(20)), topics: topics.map(toHex) }])
  const crowded = fields.with(2, fromHex(bloom)).with(3, [[new Uint8Array(20), topics, Uint8Array.of()]])

  it.each<[string, number, RlpItem]>([
    ['another type', 2, fields],
    ['a field too few', 0x4b, fields.slice(0, -1)],
    ['another status', 0x4b, fields.with(0, Uint8Array.of(2))],
    ['a short bloom', 0x4b, fields.with(2, new Uint8Array(255))],
    ['a bloom of other logs', 0x4b, fields.with(2, new Uint8Array(256).fill(1, 7, 8))],
    ['five topics', 0x4b, crowded],
    ['a short address', 0x4b, fields.with(3, [[new Uint8Array(19), [], Uint8Array.of()]])],
  ])('is refused with %s', (_name, type, item) => {
    expect(() => receiptFromBytes(Uint8Array.of(type, ...encodeRlp(item)))).toThrow(RlpError)
  })
})

describe('a bloom', () => {
  it('is the one of go-ethereum', () => {
    // core/types/bloom9_test.go, TestBloomExtensively
    const values = Array.from({ length: 100 }, (_, i) =>
      toHex(asciiToBytes(`xxxxxxxxxx data ${i} yyyyyyyyyyyyyy`)),
    )
    const bloom = logsToBloom(values.map((address) => ({ address, topics: [] })))
    expect(keccakHex(fromHex(bloom))).toBe(
      '0xc8d3ca65cdb4874300a9e39475508f23ed6da09fdbc487f89a2dcf50b09eb263',
    )
  })

  it('holds every address and topic that went into it', () => {
    fc.assert(
      fc.property(fc.array(log, { minLength: 1, maxLength: 5 }), (logs) => {
        const bloom = logsToBloom(logs)
        for (const entry of logs) {
          for (const value of [entry.address, ...entry.topics]) expect(bloomMayHold(bloom, value)).toBe(true)
        }
      }),
    )
  })

  it('of nothing holds nothing', () => {
    expect(logsToBloom([])).toBe(EMPTY_BLOOM)
    expect(bloomMayHold(EMPTY_BLOOM, `0x${'22'.repeat(20)}`)).toBe(false)
  })
})
