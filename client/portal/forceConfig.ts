import { defineChain, type Hash } from 'viem'
import { getBalance, writeContract } from 'viem/actions'
import { completeTerms } from '../../contracts/index.ts'
import { InsufficientFundsError } from '../errors.ts'
import type { SendingClient } from '../SendingClient.ts'
import { estimateForce, type ForceEstimate, type ForceParameters } from './estimateForce.ts'
import type { ForcingRollup, OfRollup } from './ForcingRollup.ts'
import { portalCall } from './portalCall.ts'

/** What to force, and the estimate to keep to; a new one is made by default. */
export type ForceConfigParameters = ForceParameters & { estimate?: ForceEstimate }

/**
 * Sends a set-config to the rollup through L1, past a sequencer that refuses or is gone: it takes effect at the latest
 * when the sequencing window of its L1 block closes. Find the deposit in the receipt with `findForced`. It is signed for the
 * rollup's L1, and no other chain takes it.
 *
 * @throws {InsufficientFundsError} when the account cannot pay the estimate.
 * @throws viem's `ContractFunctionExecutionError` when a wallet that signs is on another chain.
 * @throws whatever `estimateForce` does. Nothing was sent then.
 */
export async function forceConfig(
  client: SendingClient,
  { rollup, raw, estimate, ...options }: ForceConfigParameters & OfRollup,
): Promise<Hash> {
  const { gas, cost, maxFeePerGas, maxPriorityFeePerGas } =
    estimate ?? (await estimateForce(client, { rollup, raw, ...options }))
  const { account } = client
  const chain = l1Of(rollup)
  const balance = await getBalance(client, { address: account.address })
  if (balance < cost) throw new InsufficientFundsError(account.address, balance, cost)
  const fees = { maxFeePerGas, maxPriorityFeePerGas }
  const terms = account.type === 'local' ? await completeTerms(client, fees, chain.id) : fees
  return writeContract(client, { ...portalCall(rollup, raw), gas, ...terms, account, chain })
}

/** The chain to sign for, whatever the node calls its own: on another the transaction would only cost money. */
function l1Of({ l1ChainId }: ForcingRollup) {
  const nativeCurrency = { name: 'Ether', symbol: 'ETH', decimals: 18 }
  return defineChain({
    id: Number(l1ChainId),
    name: 'L1',
    nativeCurrency,
    rpcUrls: { default: { http: [] } },
  })
}
