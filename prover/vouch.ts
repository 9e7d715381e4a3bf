import type { Address, Client, Hex } from 'viem'
import {
  ContractFunctionExecutionError,
  ContractFunctionRevertedError,
  ContractFunctionZeroDataError,
} from 'viem'
import { readContract } from 'viem/actions'
import { beaconRootsSourceAbi, l1BlockSourceAbi } from '../contracts/index.ts'
import { answered } from './ask.ts'
import { BeaconApiMissingError, UnansweredError, UnknownSourceError } from './errors.ts'
import type { VouchedBlock } from './VouchedBlock.ts'
import { vouchByBeaconRoots } from './vouchByBeaconRoots.ts'
import { vouchByL1Block } from './vouchByL1Block.ts'

/** Which source to ask, and from what it should vouch. */
export type VouchParameters = {
  l2: Client
  /** Needed for a BeaconRootsSource. */
  beaconUrl: string | undefined
  source: Address
  /** What a `checkpoint()` stored: an L1 block hash or a beacon root. Without it, what the chain says now. */
  checkpoint: Hex | undefined
}

/**
 * Finds an L1 block hash that the source vouches for, and makes the proof it asks for.
 *
 * @throws {UnknownSourceError} when the source is of neither built-in kind.
 * @throws {BeaconApiMissingError}
 */
export async function vouch({ l2, beaconUrl, source, checkpoint }: VouchParameters): Promise<VouchedBlock> {
  const schedule = await answerOrNothing(
    readContract(l2, { address: source, abi: beaconRootsSourceAbi, functionName: 'schedule' }),
  )
  if (schedule !== undefined) {
    if (beaconUrl === undefined) throw new BeaconApiMissingError(source)
    return vouchByBeaconRoots({ l2, beaconUrl, source, schedule, checkpoint })
  }
  const l1Block = await answerOrNothing(
    readContract(l2, { address: source, abi: l1BlockSourceAbi, functionName: 'L1_BLOCK' }),
  )
  if (l1Block !== undefined) return vouchByL1Block({ l2, source, l1Block, checkpoint })
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

/** Undefined when the contract has no such function. */
async function answerOrNothing<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (cause) {
    const isRefusal =
      cause instanceof ContractFunctionExecutionError &&
      (cause.cause instanceof ContractFunctionRevertedError ||
        cause.cause instanceof ContractFunctionZeroDataError)
    if (isRefusal) return undefined
    throw new UnansweredError('L2 node', 'a question about the source', { cause })
  }
}
