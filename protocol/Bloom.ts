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

/** Adds what another bloom holds: the bloom of several lists of logs is all of their blooms in one. */
export function addBloom(bloom: Uint8Array, other: Uint8Array): void {
  for (let i = 0; i < BLOOM_BYTES; i++) bloom[i] = (bloom[i] as number) | (other[i] as number)
}

/** Tells whether a bloom may hold an address or topic; false is certain. */
export function bloomMayHold(bloom: Hex, value: Hex): boolean {
  const bytes = fromHex(bloom, BLOOM_BYTES)
  const hash = keccak(fromHex(value))
  return [0, 1, 2].every((place) => {
    const bit = bitAt(hash, place)
    return ((bytes[byteOf(bit)] as number) & (1 << (bit % 8))) !== 0
  })
}

function setBits(bloom: Uint8Array, value: Hex): void {
  const hash = CONSTANT_HASHES.get(value) ?? keccak(fromHex(value))
  for (let i = 0; i < 3; i++) {
    const bit = bitAt(hash, i)
    bloom[byteOf(bit)] = (bloom[byteOf(bit)] as number) | (1 << (bit % 8))
  }
}

function byteOf(bit: number): number {
  return BLOOM_BYTES - 1 - (bit >> 3)
}

/** The hashes of what stands in every log of the Keystore. */
const CONSTANT_HASHES = new Map<Hex, Uint8Array>(
  [KEYSTORE_ADDRESS, CONFIG_SET_TOPIC, RECOVERY_STARTED_TOPIC].map((value) => [
    value,
    keccak(fromHex(value)),
  ]),
)

/** The first, second or third bit that a value with this hash sets. */
function bitAt(hash: Uint8Array, place: number): number {
  return (((hash[2 * place] as number) << 8) | (hash[2 * place + 1] as number)) % (BLOOM_BYTES * 8)
}
