import type { Address, Client, Hex } from 'viem'
import { readContract } from 'viem/actions'
import { l1BlockSourceAbi } from '../../contracts/index.ts'

/** A source, and an L1 block hash or beacon root. */
export type IsCheckpointParameters = { source: Address; value: Hex }

/** Asks a built-in source whether a checkpoint stored an L1 block hash, a beacon root, or the hash of an L3's parent block. */
export function isCheckpoint(client: Client, { source, value }: IsCheckpointParameters): Promise<boolean> {
  // All built-in sources have this reader.
  return readContract(client, {
    address: source,
    abi: l1BlockSourceAbi,
    functionName: 'isCheckpoint',
    args: [value],
  })
}
