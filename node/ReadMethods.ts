import type { Engine } from './Engine.ts'
import { createEthMethods, type EthMethodsOptions } from './EthMethods.ts'
import { createKeyrollMethods, type KeyrollMethodsOptions } from './KeyrollMethods.ts'
import { createOptimismMethods, type OptimismMethodsOptions } from './OptimismMethods.ts'
import type { RpcMethods } from './RpcDispatcher.ts'
import { defineMethod } from './RpcParams.ts'
import { createSubscriptionMethods } from './SubscriptionMethods.ts'

/** What the reading methods of a node are made of. */
export type ReadMethodsOptions = EthMethodsOptions &
  OptimismMethodsOptions &
  KeyrollMethodsOptions & { engine: Pick<Engine, 'subscribe'> }

/** Makes all methods that read: what sequencer and verifier serve alike (docs/rpc.md). */
export function createReadMethods(options: ReadMethodsOptions): RpcMethods {
  return {
    ...createEthMethods(options),
    ...createOptimismMethods(options),
    ...createKeyrollMethods(options),
    ...createSubscriptionMethods(options.engine),
    web3_clientVersion: defineMethod([], () => options.version),
  }
}
