import { type Address, type Client, type Hex, parseAbi, zeroHash } from 'viem'
import { readContract } from 'viem/actions'
import { answeredOrNothing } from './ask.ts'
import { LaggingError, NotVouchedError, UnfitSourceError } from './errors.ts'
import { isStoredCheckpoint } from './isStoredCheckpoint.ts'
import type { SourceKind } from './SourceKind.ts'

/** The L1Block predeploy of OP Stack chains. */
export const L1_BLOCK_ADDRESS: Address = '0x4200000000000000000000000000000000000015'

const L1_BLOCK_ABI = parseAbi(['function hash() view returns (bytes32)'])

/**
 * Takes the hash that a chain's L1Block predeploy holds, or one that the source stored at a checkpoint.
 *
 * The former is good only until the chain takes over the next block of the chain below it.
 *
 * @throws {NotVouchedError} when no checkpoint stored the hash.
 * @throws {LaggingError} when the chain has not taken over any block yet.
 * @throws {UnfitSourceError} when the chain has no such predeploy.
 */
export async function l1BlockHash({
  l2,
  kind,
  source,
  checkpoint,
}: {
  l2: Client
  kind: SourceKind
  source: Address
  checkpoint: Hex | undefined
}): Promise<Hex> {
  if (checkpoint !== undefined) {
    if (await isStoredCheckpoint(l2, source, checkpoint)) return checkpoint
    throw new NotVouchedError(source, checkpoint)
  }
  const contract = { address: L1_BLOCK_ADDRESS, abi: L1_BLOCK_ABI, functionName: 'hash' } as const
  const hash = await answeredOrNothing('L2 node', 'L1Block.hash()', readContract(l2, contract))
  if (hash === undefined) throw new UnfitSourceError(kind, source, 'it has no L1Block predeploy')
  if (hash === zeroHash) throw new LaggingError('L2 node', 'its L1Block predeploy holds no hash')
  return hash
}
