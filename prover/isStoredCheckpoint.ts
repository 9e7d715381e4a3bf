import type { Address, Client, Hex } from 'viem'
import { readContract } from 'viem/actions'
import { l1BlockSourceAbi } from '../contracts/index.ts'
import { answered } from './ask.ts'

/** Asks a source whether a `checkpoint()` stored a hash. All built-in ones have this reader. */
export function isStoredCheckpoint(l2: Client, source: Address, checkpoint: Hex): Promise<boolean> {
  return answered(
    'L2 node',
    'isCheckpoint',
    readContract(l2, {
      address: source,
      abi: l1BlockSourceAbi,
      functionName: 'isCheckpoint',
      args: [checkpoint],
    }),
  )
}
