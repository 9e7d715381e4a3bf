import type { Hex } from 'viem'
import { asciiToBytes, fromHex, keccakHex, toHex } from './bytes.ts'
import { KEYSTORE_ADDRESS } from './constants.ts'
import type { Log } from './Receipt.ts'
import { createWords, writeNumber, writeUint64 } from './words.ts'

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
export function configSetLog({ id, nonce, configHash, rlp }: Change): Log {
  const head = createWords(3)
  writeUint64(head, 0, nonce)
  head.set(fromHex(configHash, 32), 32)
  return createLog(CONFIG_SET_TOPIC, id, head, rlp)
}

/** Builds the log of a started recovery; `readyAt` is seconds of L2 time (protocol.md §3.4). */
export function recoveryStartedLog({
  id,
  nonce,
  configHash,
  readyAt,
  rlp,
}: Change & { readyAt: bigint }): Log {
  const head = createWords(4)
  writeUint64(head, 0, nonce)
  head.set(fromHex(configHash, 32), 32)
  writeUint64(head, 2, readyAt)
  return createLog(RECOVERY_STARTED_TOPIC, id, head, rlp)
}

/** ABI-encodes static words and, as the last member, the config; the head's last word is left for its offset. */
function createLog(topic: Hex, id: Hex, head: Uint8Array, rlp: Uint8Array): Log {
  const words = head.length / 32
  const data = createWords(words + 1 + Math.ceil(rlp.length / 32))
  data.set(head)
  writeNumber(data, words - 1, head.length, 32)
  writeNumber(data, words, rlp.length, 32)
  data.set(rlp, head.length + 32)
  return { address: KEYSTORE_ADDRESS, topics: [topic, id], data: toHex(data) }
}
