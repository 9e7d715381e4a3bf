import type { RollupConfig } from '../../protocol/index.ts'

/** What of a rollup's config forcing depends on. */
export type ForcingRollup = Pick<
  RollupConfig,
  'l1ChainId' | 'l2ChainId' | 'depositContractAddress' | 'l1SystemConfigAddress' | 'seqWindowSize'
>

/** Names the rollup whose portal an action is for. */
export type OfRollup = { rollup: ForcingRollup }
