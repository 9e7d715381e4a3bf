import type { Address, Hex } from 'viem'
import { fromHex, keccak, toHex } from './bytes.ts'
import { KEYSTORE_ADDRESS } from './constants.ts'
import { CONFIG_SET_TOPIC, RECOVERY_STARTED_TOPIC } from './KeystoreLogs.ts'

/** Bytes of a bloom. */
export const BLOOM_BYTES = 256

/** The bloom of no logs. */
export const EMPTY_BLOOM: Hex = `0x${'00'.repeat(BLOOM_BYTES)}`

type Filed = { address: Address; topics: readonly Hex[] }

const SCRATCH = new Uint8Array(BLOOM_BYTES)

/** Computes the 2048-bit bloom of logs: their addresses and topics (yellow paper §4.4.3). */
export function logsToBloom(logs: readonly Filed[]): Hex {
  return toHex(bloomOf(logs))
}

/** Computes as {@link logsToBloom} does, in memory that the next bloom is written over. */
export function bloomOf(logs: readonly Filed[]): Uint8Array {
  SCRATCH.fill(0)
  for (const log of logs) {
    setBits(SCRATCH, log.address)
    for (const topic of log.topics) setBits(SCRATCH, topic)
  }
  return SCRATCH
}

/** Tells whether a bloom may hold an address or topic; false is certain. */
export function bloomMayHold(bloom: Hex, value: Hex): boolean {
  const bytes = fromHex(bloom, BLOOM_BYTES)
  return bitsOf(fromHex(value)).every((bit) => ((bytes[byteOf(bit)] as number) & (1 << (bit % 8))) !== 0)
}

function setBits(bloom: Uint8Array, value: Hex): void {
  const bits = CONSTANT_BITS.get(value) ?? bitsOf(fromHex(value))
  for (const bit of bits) bloom[byteOf(bit)] = (bloom[byteOf(bit)] as number) | (1 << (bit % 8))
}

function byteOf(bit: number): number {
  return BLOOM_BYTES - 1 - (bit >> 3)
}

/** The bits of what stands in every log of the Keystore. */
const CONSTANT_BITS = new Map<Hex, number[]>(
  [KEYSTORE_ADDRESS, CONFIG_SET_TOPIC, RECOVERY_STARTED_TOPIC].map((value) => [
    value,
    bitsOf(fromHex(value)),
  ]),
)

function bitsOf(value: Uint8Array): number[] {
  const hash = keccak(value)
  return [0, 2, 4].map((at) => (((hash[at] as number) << 8) | (hash[at + 1] as number)) % (BLOOM_BYTES * 8))
}
