import type { Address, Client, ContractFunctionReturnType, Hex } from 'viem'
import { readContract } from 'viem/actions'
import { keystoreReplicaAbi } from '../../contracts/index.ts'
import type { OnReplica } from './OnReplica.ts'

/** A keystore, and the account that reads it. */
export type GetRecordParameters = { id: Hex; account: Address }

/** What a replica knows about a keystore for an account. */
export type ReplicaRecord = ContractFunctionReturnType<typeof keystoreReplicaAbi, 'view', 'record'> & {
  /** The hash of the config in force. */
  configHash: Hex
}

/** Reads what a replica knows about a keystore for an account, and what is in force there. */
export async function getRecord(
  client: Client,
  { replica, id, account }: GetRecordParameters & OnReplica,
): Promise<ReplicaRecord> {
  const contract = { address: replica, abi: keystoreReplicaAbi, args: [id, account] } as const
  const [record, configHash] = await Promise.all([
    readContract(client, { ...contract, functionName: 'record' }),
    readContract(client, { ...contract, functionName: 'configHash' }),
  ])
  return { ...record, configHash }
}
