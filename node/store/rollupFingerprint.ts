import type { Hex } from 'viem'
import { keccakHex, type RollupConfig, rollupConfigToJson } from '../../protocol/index.ts'

/** Computes what tells one rollup config from any other: the hash of its JSON. */
export function rollupFingerprint(rollup: RollupConfig): Hex {
  return keccakHex(Buffer.from(JSON.stringify(rollupConfigToJson(rollup))))
}
