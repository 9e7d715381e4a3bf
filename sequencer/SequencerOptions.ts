import type { Hex } from 'viem'
import type { AlarmOptions, DerivationOptions } from '../derivation/index.ts'
import type { L1ClientOptions, Logger, RpcServerOptions } from '../node/index.ts'
import type { RollupConfig } from '../protocol/index.ts'
import type { TxManagerOptions } from './l1/TxManager.ts'
import type { PoolOptions } from './pool/admission.ts'
import type { BatcherOptions } from './posting/Batcher.ts'
import type { ProposerOptions } from './posting/Proposer.ts'

/** What a sequencer is made of. */
export type SequencerOptions = {
  rollup: RollupConfig
  /** Directory of the database, or `:memory:` for one that forgets its promises. */
  dataDirectory: string
  l1: Omit<L1ClientOptions, 'metrics' | 'signal'>
  rpc: Pick<RpcServerOptions, 'host' | 'port' | 'corsOrigin' | 'limits'>
  /** Where the `admin_` methods listen, and the token their callers must bear; nowhere when absent. */
  admin?: { host: string; port: number; token: string }
  /** Key of the promise signer that SystemConfig names. */
  promiseKey: Hex
  /** Key of the batcher that SystemConfig names; when absent nothing is posted to L1. */
  batcherKey?: Hex
  /** Key of the proposer that SystemConfig names; when absent no outputs are proposed. */
  proposerKey?: Hex
  /** Starts without building blocks, until `admin_startSequencer`. */
  isStopped?: boolean
  /** L1 blocks that must stand above an L1 origin; 0 follows the head. */
  l1Confirmations?: bigint
  pool?: Partial<PoolOptions>
  batcher?: Partial<BatcherOptions>
  proposer?: Partial<ProposerOptions>
  txManager?: Partial<TxManagerOptions>
  /** When and where alarms are told; DEFAULT_ALARM_OPTIONS for what is absent. */
  alarms?: Partial<AlarmOptions>
  logger: Logger
  /** Name and version, for `web3_clientVersion`. */
  version: string
} & Pick<DerivationOptions, 'pollIntervalMs'>
