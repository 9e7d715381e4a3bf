import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BLOB_BYTES, RlpError, toHex } from '../../protocol/index.ts'
import { arbitraryHash, arbitraryHex, arbitraryUint64 } from '../../test/arbitraries.ts'
import { type TrackedTransaction, trackedFromBytes, trackedToBytes } from './TrackedTransaction.ts'

const arbitraryBlob = fc.nat(255).map((byte) => new Uint8Array(BLOB_BYTES).fill(byte))
const arbitraryTracked: fc.Arbitrary<TrackedTransaction> = fc.record({
  nonce: arbitraryUint64,
  reference: fc.string({ unit: 'grapheme' }),
  to: arbitraryHex(20),
  data: fc.uint8Array({ maxLength: 200 }),
  blobs: fc.array(fc.record({ blob: arbitraryBlob, commitment: arbitraryHex(48) }), { maxLength: 2 }),
  gasLimit: arbitraryUint64,
  attempts: fc.array(
    fc.record({
      hash: arbitraryHash,
      maxFeePerGas: arbitraryUint64,
      maxPriorityFeePerGas: arbitraryUint64,
      maxFeePerBlobGas: arbitraryUint64,
      isCancellation: fc.boolean(),
    }),
    { maxLength: 4 },
  ),
})

describe('TrackedTransaction', () => {
  it('comes back from its bytes as it was', () => {
    fc.assert(
      fc.property(arbitraryTracked, (tracked) => {
        // In hex, for comparing large arrays takes the test runner seconds.
        const inHex = ({ blobs, ...rest }: TrackedTransaction) => ({
          ...rest,
          blobs: blobs.map(({ blob, commitment }) => [toHex(blob), commitment]),
        })
        expect(inHex(trackedFromBytes(trackedToBytes(tracked)))).toEqual(inHex(tracked))
      }),
      { numRuns: 30 },
    )
  })

  it('refuses bytes of anything else', () => {
    fc.assert(
      fc.property(arbitraryTracked, (tracked) => {
        const bytes = trackedToBytes(tracked)
        expect(() => trackedFromBytes(bytes.subarray(0, -1))).toThrow(RlpError)
      }),
      { numRuns: 30 },
    )
  })
})
