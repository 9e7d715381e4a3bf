import type { ContractFunctionArgs, Hash } from 'viem'
import { keystoreReplicaAbi } from '../../contracts/index.ts'
import type { ShortConfig } from '../../protocol/index.ts'
import type { SendingClient, TransactionOptions } from '../SendingClient.ts'
import { sendCall } from '../sendCall.ts'
import type { OnReplica } from './OnReplica.ts'

/** The proof of a config, as the prover makes it, and the config. */
export type ConfirmParameters = {
  proof: ContractFunctionArgs<typeof keystoreReplicaAbi, 'nonpayable', 'confirm'>[0]
  config: ShortConfig
} & TransactionOptions

/** Sends `confirm`: an account's record follows what an output proves (protocol.md §7.4). */
export function confirm(
  client: SendingClient,
  { replica, proof, config, ...options }: ConfirmParameters & OnReplica,
): Promise<Hash> {
  return sendCall(
    client,
    { address: replica, abi: keystoreReplicaAbi, functionName: 'confirm', args: [proof, config] },
    options,
  )
}
