import { type Address, type Client, hexToBigInt, numberToHex } from 'viem'
import { readContract } from 'viem/actions'
import { keystoreReplicaAbi } from '../../contracts/index.ts'
import type { OnReplica } from './OnReplica.ts'

/** The OutputBridge of a replica: the contract on L1, and the source that its outputs have on the replica. */
export type ReplicaBridge = { outputBridge: Address; source: Address }

/** What rollups add to the address of a contract on L1 that calls by their bridge. */
const ALIAS_OFFSET = 0x1111000000000000000000000000000000001111n

/** Reads from a replica which contract on L1 may send it outputs (protocol.md §5.5). */
export async function getOutputBridge(client: Client, { replica }: OnReplica): Promise<ReplicaBridge> {
  const source = await readContract(client, {
    address: replica,
    abi: keystoreReplicaAbi,
    functionName: 'outputBridgeAlias',
  })
  const address = BigInt.asUintN(160, hexToBigInt(source) - ALIAS_OFFSET)
  return { outputBridge: numberToHex(address, { size: 20 }), source }
}
