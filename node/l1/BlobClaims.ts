import { randomBytes } from 'node:crypto'
import { mulAddUnsafe } from '@noble/curves/abstract/curve.js'
import { bls12_381 } from '@noble/curves/bls12-381.js'
import type { Hex } from 'viem'
import { BLOB_BYTES, fromHex } from '../../protocol/index.ts'
import { isBlob, type Kzg } from './Kzg.ts'

/** A blob, and the commitment that somebody claims to be its. */
export type BlobClaim = { blob: Uint8Array; commitment: Hex }

/** Tells whether every blob has the commitment that is claimed for it. */
export type BlobClaimCheck = (claims: readonly BlobClaim[]) => Promise<boolean>

/** A check that waits for its turn. */
type Waiting = {
  claims: readonly BlobClaim[]
  resolve: (isTrue: boolean) => void
  reject: (fault: unknown) => void
}

const Point = bls12_381.G1.Point
type Point = InstanceType<typeof Point>

const ORDER = bls12_381.fields.Fr.ORDER
const ELEMENT_BYTES = 32
const ELEMENTS = BLOB_BYTES / ELEMENT_BYTES
const COMMITMENT_BYTES = 48
const RANDOM_BYTES = 16
/** Field elements and factors are multiplied by digits of 16 bits, the lowest first. */
const DIGIT_BITS = 16n
const DIGIT_BYTES = 2
const DIGIT_BASE = 65_536
const WORD_BITS = 64n
const WORD_BYTES = 8
const ELEMENT_DIGITS = ELEMENT_BYTES / DIGIT_BYTES
const FACTOR_DIGITS = RANDOM_BYTES / DIGIT_BYTES
const SUM_DIGITS = ELEMENT_DIGITS + FACTOR_DIGITS
/** So many points are multiplied together, since they share the doublings: a third of the work, and some milliseconds at once. */
const CLAIMS_AT_ONCE = 8

/**
 * Makes a check that commits once for all that is asked before it comes to commit, instead of once per blob: commitments are linear,
 * so `Σ r·C` is the commitment of `Σ r·blob`. With 128-bit factors `r`, each drawn after its blob and commitment are known, a false
 * claim among points of the prime-order subgroup passes with a chance of 2^-128; off the subgroup it could pass with one of three, so
 * such points are refused (ADR 6). Whoever asks waits for the answer before asking again, or the first would wait for the last.
 */
export function createBlobClaimCheck(kzg: Pick<Kzg, 'commitment'>): BlobClaimCheck {
  const waiting: Waiting[] = []
  let isWorking = false

  async function work(): Promise<void> {
    isWorking = true
    while (waiting.length > 0) {
      const batch: Waiting[] = []
      try {
        await answer(batch)
      } catch (fault) {
        for (const { reject } of batch) reject(fault)
      }
    }
    isWorking = false
  }

  /** The claims of those who wait, and of who begins to wait while these are looked at; all of them are in the batch then. */
  function* take(batch: Waiting[]): Generator<BlobClaim> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      batch.push(next)
      yield* next.claims
    }
  }

  /** Checks those who wait, and fills the batch with them. When not all are true, each asks alone: one who lies makes no other's blobs doubtful. */
  async function answer(batch: Waiting[]): Promise<void> {
    const areTrue = await areAllTrue(kzg, take(batch))
    for (const { claims, resolve } of batch) {
      resolve(areTrue || (batch.length > 1 && (await areAllTrue(kzg, claims))))
    }
  }

  return (claims) =>
    new Promise((resolve, reject) => {
      waiting.push({ claims, resolve, reject })
      if (!isWorking) void work()
    })
}

async function areAllTrue(kzg: Pick<Kzg, 'commitment'>, claims: Iterable<BlobClaim>): Promise<boolean> {
  const sums = new Float64Array(ELEMENTS * SUM_DIGITS)
  let expected = Point.ZERO
  let points: Point[] = []
  let factors: bigint[] = []
  const multiply = () => {
    expected = expected.add(mulAddUnsafe(Point, points, factors))
    points = []
    factors = []
  }
  for (const { blob, commitment } of claims) {
    const point = pointOf(commitment)
    if (point === undefined || !isBlob(blob)) return false
    const factor = randomFactor()
    addMultiple(sums, blob, factor)
    points.push(point)
    factors.push(factor)
    if (points.length === CLAIMS_AT_ONCE) multiply()
    // Each takes milliseconds, in which the node must go on answering.
    await new Promise(setImmediate)
  }
  multiply()
  await new Promise(setImmediate)
  return (await kzg.commitment(blobOf(sums))) === encode(expected)
}

/**
 * Adds a multiple of a blob. The digits of each element's sum are carried only in the end: a blob adds less than 2^35 to one, so they
 * are exact for as many blobs as nobody could hold. With big integers this takes twice as long and leaves 2 MB of garbage.
 */
function addMultiple(sums: Float64Array, blob: Uint8Array, factor: bigint): void {
  const [f0, f1, f2, f3, f4, f5, f6, f7] = digitsOf(factor)
  let at = 0
  for (let element = 0; element < sums.length; element += SUM_DIGITS) {
    for (let i = element + ELEMENT_DIGITS - 1; i >= element; i--) {
      const digit = ((blob[at++] as number) << 8) | (blob[at++] as number)
      sums[i] = (sums[i] as number) + digit * f0
      sums[i + 1] = (sums[i + 1] as number) + digit * f1
      sums[i + 2] = (sums[i + 2] as number) + digit * f2
      sums[i + 3] = (sums[i + 3] as number) + digit * f3
      sums[i + 4] = (sums[i + 4] as number) + digit * f4
      sums[i + 5] = (sums[i + 5] as number) + digit * f5
      sums[i + 6] = (sums[i + 6] as number) + digit * f6
      sums[i + 7] = (sums[i + 7] as number) + digit * f7
    }
  }
}

type FactorDigits = [number, number, number, number, number, number, number, number]

function digitsOf(factor: bigint): FactorDigits {
  const digits = Array.from({ length: FACTOR_DIGITS }, (_, i) =>
    Number(BigInt.asUintN(Number(DIGIT_BITS), factor >> (DIGIT_BITS * BigInt(i)))),
  )
  return digits as FactorDigits
}

/** Reads a point in the one encoding that L1 takes; `fromBytes` refuses what is off the prime-order subgroup. */
function pointOf(commitment: Hex): Point | undefined {
  try {
    const point = Point.fromBytes(fromHex(commitment, COMMITMENT_BYTES))
    return encode(point) === commitment ? point : undefined
  } catch {
    return undefined
  }
}

/** Carries the digits of the sums, and writes what remains of each modulo the group's order. */
function blobOf(sums: Float64Array): Uint8Array {
  const blob = new DataView(new ArrayBuffer(BLOB_BYTES))
  // What the highest digit carries has a word of its own.
  const sum = new DataView(new ArrayBuffer(WORD_BYTES + SUM_DIGITS * DIGIT_BYTES))
  for (let i = 0; i < ELEMENTS; i++) {
    let carry = 0
    for (let digit = 0; digit < SUM_DIGITS; digit++) {
      const value = (sums[i * SUM_DIGITS + digit] as number) + carry
      carry = Math.floor(value / DIGIT_BASE)
      sum.setUint16(WORD_BYTES + (SUM_DIGITS - 1 - digit) * DIGIT_BYTES, value - carry * DIGIT_BASE)
    }
    sum.setBigUint64(0, BigInt(carry))
    writeWords(blob, i * ELEMENT_BYTES, readWords(sum) % ORDER)
  }
  return new Uint8Array(blob.buffer)
}

function readWords(view: DataView): bigint {
  let value = 0n
  for (let at = 0; at < view.byteLength; at += WORD_BYTES)
    value = (value << WORD_BITS) | view.getBigUint64(at)
  return value
}

function writeWords(view: DataView, offset: number, element: bigint): void {
  let rest = element
  for (let at = offset + ELEMENT_BYTES - WORD_BYTES; at >= offset; at -= WORD_BYTES) {
    view.setBigUint64(at, rest)
    rest >>= WORD_BITS
  }
}

/** Compresses a point of the prime-order subgroup; `toHex` would take a millisecond to see that a sum of such points is one. */
function encode(point: Point): Hex {
  const { x, y } = point.toAffine()
  const flags = point.is0() ? 0b110n : 2n * y > Point.Fp.ORDER ? 0b101n : 0b100n
  return `0x${((flags << 381n) | x).toString(16)}`
}

/** Draws a factor that nobody can foresee; zero would let any claim pass. */
function randomFactor(): bigint {
  const factor = BigInt(`0x${randomBytes(RANDOM_BYTES).toString('hex')}`)
  return factor === 0n ? randomFactor() : factor
}
