import type { Hash } from 'viem'
import { getBalance, writeContract } from 'viem/actions'
import { completeTerms } from '../../contracts/index.ts'
import { InsufficientFundsError } from '../errors.ts'
import type { SendingClient } from '../SendingClient.ts'
import { estimateForce, type ForceEstimate, type ForceParameters } from './estimateForce.ts'
import type { OfRollup } from './ForcingRollup.ts'
import { portalCall } from './portalCall.ts'

/** What to force, and the estimate to keep to; a new one is made by default. */
export type ForceConfigParameters = ForceParameters & { estimate?: ForceEstimate }

/**
 * Sends a set-config to the rollup through L1, past a sequencer that refuses or is gone: it takes effect at the latest
 * when the sequencing window of its L1 block closes. Find the deposit in the receipt with `findForced`.
 *
 * @throws {InsufficientFundsError} when the account cannot pay the estimate.
 * @throws whatever `estimateForce` does. Nothing was sent then.
 */
export async function forceConfig(
  client: SendingClient,
  { rollup, raw, estimate, ...options }: ForceConfigParameters & OfRollup,
): Promise<Hash> {
  const { gas, cost, maxFeePerGas, maxPriorityFeePerGas } =
    estimate ?? (await estimateForce(client, { rollup, raw, ...options }))
  const { account, chain = null } = client
  const balance = await getBalance(client, { address: account.address })
  if (balance < cost) throw new InsufficientFundsError(account.address, balance, cost)
  const fees = { maxFeePerGas, maxPriorityFeePerGas }
  const terms = account.type === 'local' ? await completeTerms(client, fees) : fees
  return writeContract(client, { ...portalCall(rollup, raw), gas, ...terms, account, chain })
}
