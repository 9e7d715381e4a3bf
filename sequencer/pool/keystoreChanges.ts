import type { Hex } from 'viem'
import type { ExecutedBlock } from '../../node/index.ts'
import { CONFIG_SET_TOPIC, DEPOSIT_TX_TYPE, toHex } from '../../protocol/index.ts'

/** A config that took effect in a block, or that a recovery started there leads to. */
export type KeystoreChange = { what: 'set' | 'started'; nonce: bigint; configHash: Hex; isDeposit: boolean }

/** Lists what a block changed, by keystore. */
export function keystoreChanges({ receipts }: Pick<ExecutedBlock, 'receipts'>): KeystoreChanges {
  const changes = new Map<Hex, KeystoreChange[]>()
  for (const { type, logs } of receipts) {
    for (const { topics, data } of logs) {
      const [topic, id] = topics
      if (id === undefined) continue
      const known = changes.get(id) ?? []
      changes.set(id, known)
      const what = topic === CONFIG_SET_TOPIC ? 'set' : 'started'
      known.push({ what, ...readChange(data), isDeposit: type === DEPOSIT_TX_TYPE })
    }
  }
  return changes
}

/** Changes by keystore, in the order of the block. */
export type KeystoreChanges = ReadonlyMap<Hex, readonly KeystoreChange[]>

/** The first two words of both events (protocol.md §3.4). */
function readChange(data: Uint8Array): { nonce: bigint; configHash: Hex } {
  const nonce = new DataView(data.buffer, data.byteOffset, 32).getBigUint64(24)
  return { nonce, configHash: toHex(data.subarray(32, 64)) }
}
