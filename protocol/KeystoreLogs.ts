import type { Address, Hex } from 'viem'
import { asciiToBytes, keccakHex, writeHex } from './bytes.ts'
import { KEYSTORE_ADDRESS } from './constants.ts'
import { createWords, writeNumber, writeUint64 } from './words.ts'

/** A log: who wrote it, what it is filed under, and its ABI-encoded rest. */
export type Log = { address: Address; topics: readonly Hex[]; data: Uint8Array }

/** First topic of `ConfigSet(bytes32 indexed id, uint64 nonce, bytes32 configHash, bytes config)` (protocol.md §3.4). */
export const CONFIG_SET_TOPIC: Hex = keccakHex(asciiToBytes('ConfigSet(bytes32,uint64,bytes32,bytes)'))

/** First topic of `RecoveryStarted(bytes32 indexed id, uint64 nonce, bytes32 configHash, uint64 readyAt, bytes config)` (protocol.md §3.4). */
export const RECOVERY_STARTED_TOPIC: Hex = keccakHex(
  asciiToBytes('RecoveryStarted(bytes32,uint64,bytes32,uint64,bytes)'),
)

/** The Keystore's events, for viem and other ABI libraries (protocol.md §3.4). */
export const keystoreEventsAbi = [
  {
    type: 'event',
    name: 'ConfigSet',
    inputs: [
      { name: 'id', type: 'bytes32', indexed: true },
      { name: 'nonce', type: 'uint64', indexed: false },
      { name: 'configHash', type: 'bytes32', indexed: false },
      { name: 'config', type: 'bytes', indexed: false },
    ],
  },
  {
    type: 'event',
    name: 'RecoveryStarted',
    inputs: [
      { name: 'id', type: 'bytes32', indexed: true },
      { name: 'nonce', type: 'uint64', indexed: false },
      { name: 'configHash', type: 'bytes32', indexed: false },
      { name: 'readyAt', type: 'uint64', indexed: false },
      { name: 'config', type: 'bytes', indexed: false },
    ],
  },
] as const

/** A config that takes or may take effect, as a log says it; `rlp` is the config's. */
type Change = { id: Hex; nonce: bigint; configHash: Hex; rlp: Uint8Array }

/** Builds the log of a config that took effect (protocol.md §3.4). */
export function configSetLog(change: Change): Log {
  return createLog(CONFIG_SET_TOPIC, change, [])
}

/** Builds the log of a started recovery; `readyAt` is seconds of L2 time (protocol.md §3.4). */
export function recoveryStartedLog({ readyAt, ...change }: Change & { readyAt: bigint }): Log {
  return createLog(RECOVERY_STARTED_TOPIC, change, [readyAt])
}

/** ABI-encodes nonce, hash, times and, as the last member, the config. */
function createLog(topic: Hex, { id, nonce, configHash, rlp }: Change, times: readonly bigint[]): Log {
  const offset = 3 + times.length
  const data = createWords(offset + 1 + Math.ceil(rlp.length / 32))
  writeUint64(data, 0, nonce)
  writeHex(data, 32, configHash, 32)
  times.forEach((time, i) => {
    writeUint64(data, 2 + i, time)
  })
  writeNumber(data, offset - 1, offset * 32, 32)
  writeNumber(data, offset, rlp.length, 32)
  data.set(rlp, offset * 32 + 32)
  return { address: KEYSTORE_ADDRESS, topics: [topic, id], data }
}
