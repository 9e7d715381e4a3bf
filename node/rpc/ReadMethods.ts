import type { Engine } from '../Engine.ts'
import { createEthMethods, type EthMethodsOptions } from './EthMethods.ts'
import { createKeyrollMethods, type KeyrollMethodsOptions } from './KeyrollMethods.ts'
import { createOptimismMethods, type OptimismMethodsOptions } from './OptimismMethods.ts'
import type { RpcMethods } from './RpcDispatcher.ts'
import { defineMethod } from './RpcParams.ts'
import { createSignedBlockMethods, type FindSignature } from './SignedBlockMethods.ts'
import { createSubscriptionMethods } from './SubscriptionMethods.ts'

/** What the reading methods of a node are made of. */
export type ReadMethodsOptions = EthMethodsOptions &
  OptimismMethodsOptions &
  KeyrollMethodsOptions & {
    engine: Pick<Engine, 'subscribe'>
    /** Where the signatures of unsafe blocks come from; without it they are not served. */
    findSignature?: FindSignature
  }

/** Makes all methods that read: what sequencer and verifier serve alike (docs/rpc.md). */
export function createReadMethods(options: ReadMethodsOptions): RpcMethods {
  return {
    ...createEthMethods(options),
    ...createOptimismMethods(options),
    ...createKeyrollMethods(options),
    ...createSubscriptionMethods(options.engine, options.findSignature),
    ...(options.findSignature && createSignedBlockMethods(options.store, options.findSignature)),
    web3_clientVersion: defineMethod([], () => options.version),
  }
}
