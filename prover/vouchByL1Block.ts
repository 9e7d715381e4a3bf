import { type Address, type Client, type Hex, parseAbi, zeroHash } from 'viem'
import { readContract } from 'viem/actions'
import { l1BlockSourceAbi } from '../contracts/index.ts'
import { answered } from './ask.ts'
import { LaggingError, NotVouchedError } from './errors.ts'
import type { VouchedBlock } from './VouchedBlock.ts'

const L1_BLOCK_ABI = parseAbi(['function hash() view returns (bytes32)'])

/**
 * Takes the L1 block hash that the L1Block predeploy holds, or one that the source stored at a checkpoint.
 *
 * The former is good only until the chain takes over the next L1 block.
 *
 * @throws {NotVouchedError} when no checkpoint stored the hash.
 * @throws {LaggingError} when the chain has not taken over any L1 block yet.
 */
export async function vouchByL1Block({
  l2,
  source,
  l1Block,
  checkpoint,
}: {
  l2: Client
  source: Address
  l1Block: Address
  checkpoint: Hex | undefined
}): Promise<VouchedBlock> {
  if (checkpoint !== undefined) {
    const isStored = await answered(
      'L2 node',
      'isCheckpoint',
      readContract(l2, {
        address: source,
        abi: l1BlockSourceAbi,
        functionName: 'isCheckpoint',
        args: [checkpoint],
      }),
    )
    if (!isStored) throw new NotVouchedError(source, checkpoint)
    return { hash: checkpoint, sourceProof: '0x' }
  }
  const hash = await answered(
    'L2 node',
    'L1Block.hash()',
    readContract(l2, { address: l1Block, abi: L1_BLOCK_ABI, functionName: 'hash' }),
  )
  if (hash === zeroHash) throw new LaggingError('L2 node', 'its L1Block predeploy holds no hash')
  return { hash, sourceProof: '0x' }
}
