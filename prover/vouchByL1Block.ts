import type { Address, Client, Hex } from 'viem'
import { l1BlockHash } from './l1BlockHash.ts'
import type { VouchedBlock } from './VouchedBlock.ts'

/**
 * Takes the L1 block hash that the L1Block predeploy holds, or one that the source stored at a checkpoint.
 *
 * @throws as {@link l1BlockHash}.
 */
export async function vouchByL1Block({
  l2,
  source,
  checkpoint,
}: {
  l2: Client
  source: Address
  checkpoint: Hex | undefined
}): Promise<VouchedBlock> {
  const hash = await l1BlockHash({ l2, kind: 'L1BlockSource', source, checkpoint })
  return { hash, sourceProof: '0x', isFleeting: checkpoint === undefined }
}
