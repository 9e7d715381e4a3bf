import { type Address, type Client, encodeAbiParameters, type Hex } from 'viem'
import { getBlock, getChainId } from 'viem/actions'
import { answered } from './ask.ts'
import { getBlockHeader } from './BlockHeader.ts'
import { BlockTooOldError, UnfitSourceError } from './errors.ts'
import { isStoredCheckpoint } from './isStoredCheckpoint.ts'
import type { VouchedBlock } from './VouchedBlock.ts'

/** For how many blocks the EIP-2935 contract keeps hashes. */
const KEPT_HASHES = 8191n

/**
 * Takes L1's newest block but one, or the block of a hash that the source stored at a checkpoint or that L1 itself still
 * holds.
 *
 * The source forgets a block only after a day: nothing needs a checkpoint.
 *
 * @throws {UnfitSourceError} when the replica's chain is not L1.
 * @throws {BlockTooOldError} when no checkpoint stored the hash, and L1 holds it no more.
 * @throws {LaggingError} when the L1 node does not know a block of this hash.
 */
export async function vouchByBlockHash({
  l1,
  l2,
  source,
  l1ChainId,
  checkpoint,
}: {
  l1: Client
  l2: Client
  source: Address
  l1ChainId: bigint
  checkpoint: Hex | undefined
}): Promise<VouchedBlock> {
  const chainId = BigInt(await answered('L2 node', 'its chain id', getChainId(l2)))
  if (chainId !== l1ChainId) {
    throw new UnfitSourceError('BlockHashSource', source, `it is chain ${chainId}, and L1 is ${l1ChainId}`)
  }
  const head = await answered('L2 node', 'its newest block', getBlock(l2))
  // The head's own hash is known to contracts only in the block after it.
  if (checkpoint === undefined) return vouched(head.parentHash, head.number - 1n)
  // The number of a stored one is not asked for.
  if (await isStoredCheckpoint(l2, source, checkpoint)) return vouched(checkpoint, 0n)
  const { number } = await getBlockHeader('L1 node', l1, checkpoint)
  const age = head.number - number
  if (age <= KEPT_HASHES) return vouched(checkpoint, number)
  throw new BlockTooOldError(number, age, `L1 holds ${KEPT_HASHES} hashes, and no checkpoint stored this one`)
}

function vouched(hash: Hex, number: bigint): VouchedBlock {
  return { hash, sourceProof: encodeAbiParameters([{ type: 'uint256' }], [number]), isFleeting: false }
}
