import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RlpError } from '../protocol/index.ts'
import { arbitraryHash, arbitraryHex, arbitraryUint64 } from '../test/arbitraries.ts'
import { type TrackedTransaction, trackedFromBytes, trackedToBytes } from './TrackedTransaction.ts'

const arbitraryTracked: fc.Arbitrary<TrackedTransaction> = fc.record({
  nonce: arbitraryUint64,
  reference: fc.string({ unit: 'grapheme' }),
  to: arbitraryHex(20),
  data: fc.uint8Array({ maxLength: 200 }),
  gasLimit: arbitraryUint64,
  attempts: fc.array(
    fc.record({ hash: arbitraryHash, maxFeePerGas: arbitraryUint64, maxPriorityFeePerGas: arbitraryUint64 }),
    { maxLength: 4 },
  ),
})

describe('TrackedTransaction', () => {
  it('comes back from its bytes as it was', () => {
    fc.assert(
      fc.property(arbitraryTracked, (tracked) => {
        expect(trackedFromBytes(trackedToBytes(tracked))).toEqual(tracked)
      }),
    )
  })

  it('refuses bytes of anything else', () => {
    fc.assert(
      fc.property(arbitraryTracked, (tracked) => {
        const bytes = trackedToBytes(tracked)
        expect(() => trackedFromBytes(bytes.subarray(0, -1))).toThrow(RlpError)
      }),
    )
  })
})
