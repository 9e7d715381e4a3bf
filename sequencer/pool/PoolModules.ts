import type { ChainStore, Logger } from '../../node/index.ts'
import type { RollupConfig, SignatureVerifier } from '../../protocol/index.ts'
import type { SequencerMetrics } from '../metrics.ts'
import type { PoolOptions } from './admission.ts'
import type { PromiseLog } from './PromiseLog.ts'
import type { PromiseSigner } from './PromiseSigner.ts'
import type { Refusal } from './Refusal.ts'

/** What a pool is made of. */
export type PoolModules = {
  store: Pick<
    ChainStore,
    'base' | 'trie' | 'config' | 'heads' | 'blockByHash' | 'blockByNumber' | 'receiptsOf' | 'transaction'
  >
  rollup: RollupConfig
  verify: SignatureVerifier
  log: PromiseLog
  signer: PromiseSigner
  /** Says why no promise may be signed now; undefined when one may. */
  whyNot: () => Refusal | undefined
  options: PoolOptions
  logger: Logger
  metrics: SequencerMetrics
}
