import type { ContractFunctionArgs, Hash } from 'viem'
import { keystoreReplicaAbi } from '../../contracts/index.ts'
import type { SendingClient, TransactionOptions } from '../SendingClient.ts'
import { sendCall } from '../sendCall.ts'
import type { OnReplica } from './OnReplica.ts'

/** The proof of an output, as the prover makes it. */
export type UpdateRootParameters = {
  proof: ContractFunctionArgs<typeof keystoreReplicaAbi, 'nonpayable', 'updateRoot'>[0]
} & TransactionOptions

/** Sends `updateRoot`: the replica learns an output, once for all its wallets (protocol.md §7.2). */
export function updateRoot(
  client: SendingClient,
  { replica, proof, ...options }: UpdateRootParameters & OnReplica,
): Promise<Hash> {
  return sendCall(
    client,
    { address: replica, abi: keystoreReplicaAbi, functionName: 'updateRoot', args: [proof] },
    options,
  )
}
