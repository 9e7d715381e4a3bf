import type { Address, Hex } from 'viem'
import { fromHex, keccak, toHex } from './bytes.ts'
import { KEYSTORE_ADDRESS } from './constants.ts'
import { CONFIG_SET_TOPIC, RECOVERY_STARTED_TOPIC } from './KeystoreLogs.ts'

const BLOOM_BYTES = 256

/** The bloom of no logs. */
export const EMPTY_BLOOM: Hex = `0x${'00'.repeat(BLOOM_BYTES)}`

/** Computes the 2048-bit bloom of logs: their addresses and topics (yellow paper §4.4.3). */
export function logsToBloom(logs: readonly { address: Address; topics: readonly Hex[] }[]): Hex {
  const bloom = new Uint8Array(BLOOM_BYTES)
  for (const log of logs) {
    setBits(bloom, log.address)
    for (const topic of log.topics) setBits(bloom, topic)
  }
  return toHex(bloom)
}

/** Joins blooms, such as those of a block's receipts. */
export function mergeBlooms(blooms: readonly Hex[]): Hex {
  const merged = new Uint8Array(BLOOM_BYTES)
  for (const bloom of blooms) {
    if (bloom === EMPTY_BLOOM) continue
    const bytes = fromHex(bloom, BLOOM_BYTES)
    for (let i = 0; i < BLOOM_BYTES; i++) merged[i] = (merged[i] as number) | (bytes[i] as number)
  }
  return toHex(merged)
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
  const hash = new DataView(keccak(value).buffer)
  return [0, 2, 4].map((at) => hash.getUint16(at) % (BLOOM_BYTES * 8))
}
