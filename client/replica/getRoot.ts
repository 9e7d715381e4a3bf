import type { Address, Client, ContractFunctionReturnType } from 'viem'
import { readContract } from 'viem/actions'
import { keystoreReplicaAbi } from '../../contracts/index.ts'
import type { OnReplica } from './OnReplica.ts'

/** An output, named by the source it came by and its index. */
export type GetRootParameters = { source: Address; outputIndex: bigint }

/** An output as a replica knows it. */
export type ReplicaRoot = ContractFunctionReturnType<typeof keystoreReplicaAbi, 'view', 'root'>

/** Reads what a replica knows about an output; undefined when it does not know it, or saw it absent. */
export async function getRoot(
  client: Client,
  { replica, source, outputIndex }: GetRootParameters & OnReplica,
): Promise<ReplicaRoot | undefined> {
  const root = await readContract(client, {
    address: replica,
    abi: keystoreReplicaAbi,
    functionName: 'root',
    args: [source, outputIndex],
  })
  return root.l1Timestamp === 0 ? undefined : root
}
