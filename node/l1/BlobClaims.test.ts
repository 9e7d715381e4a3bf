import { bls12_381 } from '@noble/curves/bls12-381.js'
import type { Hex } from 'viem'
import { describe, expect, it } from 'vitest'
import { BLOB_BYTES, fromHex, toHex } from '../../protocol/index.ts'
import { createLinearKzg, smallBlob } from '../../test/linearKzg.ts'
import openings from '../../test/vectors/kzg_verify_proof.json' with { type: 'json' }
import { TemporaryFault } from '../Fault.ts'
import { type BlobClaim, createBlobClaimCheck } from './BlobClaims.ts'

const Point = bls12_381.G1.Point
const ORDER = bls12_381.fields.Fr.ORDER
const INFINITY: Hex = `0xc0${'00'.repeat(47)}`
const blobs = [smallBlob(1n, 2n, 3n), smallBlob(ORDER - 1n, 0n, 9n), smallBlob(5n), smallBlob()]

async function setUp() {
  const kzg = createLinearKzg()
  const claims: BlobClaim[] = []
  for (const blob of blobs) claims.push({ blob, commitment: (await kzg.commitment(blob)) as Hex })
  kzg.commitments = 0
  return { kzg, claims, areTrue: createBlobClaimCheck(kzg) }
}

function moved(commitment: Hex, by: InstanceType<typeof Point>): Hex {
  return `0x${Point.fromHex(commitment.slice(2)).add(by).toHex(true)}`
}

describe('claims of commitments', () => {
  it('are found true with one commitment for all, that of the zero blob among them', async () => {
    const { kzg, claims, areTrue } = await setUp()
    expect(claims[3]?.commitment).toBe(INFINITY)
    expect(await areTrue(claims)).toBe(true)
    expect(kzg.commitments).toBe(1)
    for (const claim of claims) expect(await areTrue([claim])).toBe(true)
  })

  it.each<[string, (claims: BlobClaim[]) => void]>([
    [
      'names another point',
      ([first]) => Object.assign(first ?? {}, { commitment: moved(claimOf(first), Point.BASE) }),
    ],
    ['names infinity', ([first]) => Object.assign(first ?? {}, { commitment: INFINITY })],
    [
      'names the negated point',
      ([first]) => Object.assign(first ?? {}, { commitment: negated(claimOf(first)) }),
    ],
    ['names no point', ([first]) => Object.assign(first ?? {}, { commitment: `0x${'ff'.repeat(48)}` })],
    [
      'names a point in another encoding',
      ([, , , zero]) => Object.assign(zero ?? {}, { commitment: `0xe0${'00'.repeat(47)}` }),
    ],
    [
      'swaps two blobs',
      ([first, second]) => {
        const { blob } = first as BlobClaim
        Object.assign(first ?? {}, { blob: second?.blob })
        Object.assign(second ?? {}, { blob })
      },
    ],
    [
      'tells two lies that cancel',
      ([first, second]) => {
        Object.assign(first ?? {}, { commitment: moved(claimOf(first), Point.BASE) })
        Object.assign(second ?? {}, { commitment: moved(claimOf(second), Point.BASE.negate()) })
      },
    ],
    [
      'adds the modulus to an element',
      ([, , third]) => Object.assign(third ?? {}, { blob: smallBlob(5n + ORDER) }),
    ],
    [
      'gives half a blob',
      ([, , third]) => Object.assign(third ?? {}, { blob: smallBlob(5n).subarray(0, 65_536) }),
    ],
  ])('are found false when one %s', async (_name, lie) => {
    const { claims, areTrue } = await setUp()
    lie(claims)
    expect(await areTrue(claims)).toBe(false)
  })

  it('are about every element of a blob, wherever it lies in memory', async () => {
    const bytes = new Uint8Array(BLOB_BYTES + 7)
    const blob = bytes.subarray(7)
    // The first is 1, and the others are of all sizes.
    const elements = Array.from({ length: 4_096 }, (_, i) => BigInt(i + 1) ** 300n % ORDER)
    elements.forEach((element, i) => {
      blob.set(fromHex(`0x${element.toString(16).padStart(64, '0')}`), 32 * i)
    })
    const committed: bigint[][] = []
    const areTrue = createBlobClaimCheck({
      commitment: async (sum) => {
        committed.push(elements.map((_, i) => BigInt(toHex(sum.subarray(32 * i, 32 * i + 32)))))
        return INFINITY
      },
    })
    await areTrue([{ blob, commitment: INFINITY }])
    await areTrue(Array.from({ length: 40 }, () => ({ blob, commitment: INFINITY })))
    expect(committed).toHaveLength(2)
    for (const sums of committed) {
      const [factor = 0n] = sums
      expect(factor).toBeGreaterThan(0n)
      expect(sums).toEqual(elements.map((element) => (factor * element) % ORDER))
    }
  })

  it('are told apart however many they are, while others go on', async () => {
    const { kzg, areTrue } = await setUp()
    const claims: BlobClaim[] = []
    for (let i = 1n; i <= 17n; i++) {
      const blob = smallBlob(i, ORDER - i ** 50n, i ** 50n)
      claims.push({ blob, commitment: (await kzg.commitment(blob)) as Hex })
    }
    kzg.commitments = 0
    let turns = 0
    let isDone = false
    setImmediate(function turn() {
      turns++
      if (!isDone) setImmediate(turn)
    })
    expect(await areTrue(claims).finally(() => (isDone = true))).toBe(true)
    expect(kzg.commitments).toBe(1)
    expect(turns).toBeGreaterThanOrEqual(claims.length)
    for (const liar of [0, 7, 8, 15, 16]) {
      const commitment = moved(claimOf(claims[liar]), Point.BASE)
      const withLie = claims.map((claim, i) => (i === liar ? { ...claim, commitment } : claim))
      expect([liar, await areTrue(withLie)]).toEqual([liar, false])
    }
  })

  it('are never true off the prime-order subgroup, where a random factor may vanish', async () => {
    const { claims, areTrue } = await setUp()
    const ofOrderThree = Point.fromAffine({ x: 0n, y: 2n })
    expect(ofOrderThree.add(ofOrderThree).add(ofOrderThree).is0()).toBe(true)
    const [first] = claims
    const { x, y } = Point.fromHex(claimOf(first).slice(2)).add(ofOrderThree).toAffine()
    const isLarger = 2n * y >= bls12_381.fields.Fp.ORDER
    const commitment: Hex = `0x${(x | ((isLarger ? 5n : 4n) << 381n)).toString(16)}`
    for (let i = 0; i < 12; i++) {
      expect(await areTrue([{ blob: first?.blob ?? smallBlob(), commitment }])).toBe(false)
    }
  })

  it('are taken or refused before anything is committed to, as the vectors of c-kzg-4844 take points', async () => {
    let commitments = 0
    const areTrue = createBlobClaimCheck({
      commitment: async () => {
        commitments++
        return `0x${Point.BASE.toHex(true)}`
      },
    })
    for (const { name, commitment, proof } of openings.cases) {
      for (const [point, isRefused] of [
        [commitment, name.startsWith('invalid_commitment')],
        [proof, name.startsWith('invalid_proof')],
      ] as const) {
        commitments = 0
        expect(await areTrue([{ blob: smallBlob(), commitment: point as Hex }])).toBe(false)
        expect([name, point, commitments]).toEqual([name, point, isRefused ? 0 : 1])
      }
    }
  })

  it('are checked with those that come before their commitment is asked for, and suffer from no lie of another', async () => {
    const { kzg, claims, areTrue } = await setUp()
    const [first, second, third] = claims as [BlobClaim, BlobClaim, BlobClaim]
    const lie = { blob: second.blob, commitment: first.commitment }
    const later = new Promise(setImmediate).then(() => areTrue([third, first]))
    expect(await Promise.all([areTrue([first, third]), areTrue([second]), later])).toEqual([true, true, true])
    expect(kzg.commitments).toBe(1)
    expect(
      await Promise.all([areTrue([first]), areTrue([second]), areTrue([lie]), areTrue([third])]),
    ).toEqual([true, true, false, true])
  })

  it('wait while the commitment of others is computed, and are then checked', async () => {
    const { kzg, claims } = await setUp()
    const [first, second, third] = claims as [BlobClaim, BlobClaim, BlobClaim]
    const asked: Promise<boolean>[] = []
    const areTrue = createBlobClaimCheck({
      commitment: (blob) => {
        if (asked.length === 0) asked.push(areTrue([second]), areTrue([{ ...third, blob: second.blob }]))
        return kzg.commitment(blob)
      },
    })
    expect(await areTrue([first])).toBe(true)
    expect(await Promise.all(asked)).toEqual([true, false])
    // One for the first, one for both that came then, and one for each of them alone.
    expect(kzg.commitments).toBe(4)
  })

  it('that are malformed make no others wait for ever, whoever stands behind them', async () => {
    const { claims, areTrue } = await setUp()
    const [first, second] = claims as [BlobClaim, BlobClaim]
    const malformed = { blob: smallBlob().subarray(1), commitment: INFINITY }
    const asked = [[first], [malformed, second], [second], []].map(areTrue)
    expect(await Promise.all(asked)).toEqual([true, false, true, true])
  })

  it('fail with the thread that commits, and are checked by the next', async () => {
    const { kzg, claims } = await setUp()
    let isBroken = true
    const areTrue = createBlobClaimCheck({
      commitment: (blob) =>
        isBroken ? Promise.reject(new TemporaryFault('the thread ended')) : kzg.commitment(blob),
    })
    await expect(areTrue(claims)).rejects.toBeInstanceOf(TemporaryFault)
    isBroken = false
    expect(await areTrue(claims)).toBe(true)
  })
})

function claimOf(claim: BlobClaim | undefined): Hex {
  return claim?.commitment ?? INFINITY
}

function negated(commitment: Hex): Hex {
  return `0x${Point.fromHex(commitment.slice(2)).negate().toHex(true)}`
}
