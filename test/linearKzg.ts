import { bls12_381 } from '@noble/curves/bls12-381.js'
import { commitmentToVersionedHash, type Kzg } from '../node/index.ts'
import { BLOB_BYTES, toHex } from '../protocol/index.ts'

const Point = bls12_381.G1.Point
const ORDER = bls12_381.fields.Fr.ORDER
/** Only so many elements count, that commitments are soon made. */
const ELEMENTS = 3
const BASES = [3n, 5n, 7n].map((factor) => Point.BASE.multiply(factor ** 40n))

/** Makes a blob of a few field elements, and zeros. */
export function smallBlob(...elements: readonly bigint[]): Uint8Array {
  const text = elements.map((element) => element.toString(16).padStart(64, '0')).join('')
  return new Uint8Array(Buffer.from(text.padEnd(2 * BLOB_BYTES, '0'), 'hex'))
}

/** Makes a KZG over a setup of three points: as linear as the real one, and ready at once. It counts its commitments. */
export function createLinearKzg(): Pick<Kzg, 'commitment' | 'versionedHash' | 'close'> & {
  commitments: number
} {
  const kzg = {
    commitments: 0,
    async commitment(blob: Uint8Array) {
      kzg.commitments++
      let sum = Point.ZERO
      for (let i = 0; i < ELEMENTS; i++) {
        const element = BigInt(toHex(blob.subarray(32 * i, 32 * i + 32)))
        if (element >= ORDER) return undefined
        sum = sum.add((BASES[i] ?? Point.ZERO).multiplyUnsafe(element))
      }
      return `0x${sum.toHex(true)}` as const
    },
    async versionedHash(blob: Uint8Array) {
      const commitment = await kzg.commitment(blob)
      return commitment === undefined ? undefined : commitmentToVersionedHash(commitment)
    },
    close: async () => undefined,
  }
  return kzg
}
