import type { Address, Client, Hex } from 'viem'
import { readContract } from 'viem/actions'
import {
  beaconRootsSourceAbi,
  blockHashSourceAbi,
  l1BlockSourceAbi,
  parentL1BlockSourceAbi,
} from '../contracts/index.ts'
import { answered, answeredOrNothing } from './ask.ts'
import { BeaconApiMissingError, ParentNodeMissingError, UnknownSourceError } from './errors.ts'
import type { ProverContext } from './ProverContext.ts'
import type { VouchedBlock } from './VouchedBlock.ts'
import { vouchByBeaconRoots } from './vouchByBeaconRoots.ts'
import { vouchByBlockHash } from './vouchByBlockHash.ts'
import { vouchByL1Block } from './vouchByL1Block.ts'
import { vouchByParentL1Block } from './vouchByParentL1Block.ts'

/**
 * Finds an L1 block hash that the source vouches for, and makes the proof it asks for. Sources are told apart by the
 * functions that they have.
 *
 * @param checkpoint What a `checkpoint()` stored. Without it, what the chain says now.
 * @throws {UnknownSourceError} when the source is of none of the built-in kinds.
 * @throws {UnfitSourceError} when it can vouch for nothing on this chain.
 * @throws {BeaconApiMissingError}
 * @throws {ParentNodeMissingError}
 */
export async function vouch(
  { l1, l2, parent, beaconUrl }: Omit<ProverContext, 'keyroll' | 'replica'>,
  { source, checkpoint }: { source: Address; checkpoint: Hex | undefined },
): Promise<VouchedBlock> {
  // Hashes are compared as text.
  const asked = { l2, source, checkpoint: checkpoint?.toLowerCase() as Hex | undefined }
  const question = 'a question about the source'
  const schedule = await answeredOrNothing(
    'L2 node',
    question,
    readContract(l2, { address: source, abi: beaconRootsSourceAbi, functionName: 'schedule' }),
  )
  if (schedule !== undefined) {
    if (beaconUrl === undefined) throw new BeaconApiMissingError(source)
    return vouchByBeaconRoots({ ...asked, beaconUrl, schedule })
  }
  const l1ChainId = await answeredOrNothing(
    'L2 node',
    question,
    readContract(l2, { address: source, abi: blockHashSourceAbi, functionName: 'l1ChainId' }),
  )
  if (l1ChainId !== undefined) return vouchByBlockHash({ ...asked, l1, l1ChainId })
  const hashSlot = await answeredOrNothing(
    'L2 node',
    question,
    readContract(l2, { address: source, abi: parentL1BlockSourceAbi, functionName: 'HASH_SLOT' }),
  )
  if (hashSlot !== undefined) {
    if (parent === undefined) throw new ParentNodeMissingError(source)
    return vouchByParentL1Block({ ...asked, parent })
  }
  const l1Block = await answeredOrNothing(
    'L2 node',
    question,
    readContract(l2, { address: source, abi: l1BlockSourceAbi, functionName: 'L1_BLOCK' }),
  )
  if (l1Block !== undefined) return vouchByL1Block(asked)
  throw new UnknownSourceError(source)
}

/** Asks the source itself whether it vouches, as the replica will. */
export function isVouched(
  l2: Client,
  source: Address,
  { hash, sourceProof }: VouchedBlock,
): Promise<boolean> {
  return answered(
    'L2 node',
    'isL1BlockHash',
    readContract(l2, {
      address: source,
      abi: l1BlockSourceAbi,
      functionName: 'isL1BlockHash',
      args: [hash, sourceProof],
    }),
  )
}
