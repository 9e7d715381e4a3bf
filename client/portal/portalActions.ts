import type { Hash } from 'viem'
import type { SendingClient } from '../SendingClient.ts'
import { estimateForce, type ForceEstimate, type ForceParameters } from './estimateForce.ts'
import type { OfRollup } from './ForcingRollup.ts'
import { type ForceConfigParameters, forceConfig } from './forceConfig.ts'

/** What a client of L1 with an account may do at a rollup's portal. */
export type PortalActions = {
  estimateForce(parameters: ForceParameters): Promise<ForceEstimate>
  forceConfig(parameters: ForceConfigParameters): Promise<Hash>
}

/** Extends a viem client of L1 that has an account: `client.extend(portalActions({ rollup }))`. */
export function portalActions(of: OfRollup): (client: SendingClient) => PortalActions {
  return (client) => ({
    estimateForce: (parameters) => estimateForce(client, { ...parameters, ...of }),
    forceConfig: (parameters) => forceConfig(client, { ...parameters, ...of }),
  })
}
