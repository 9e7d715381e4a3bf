import { type Address, type Client, encodeAbiParameters, type Hex } from 'viem'
import { toHex } from '../protocol/index.ts'
import { getBlockHeader } from './BlockHeader.ts'
import { LaggingError, UnfitSourceError } from './errors.ts'
import { L1_BLOCK_ADDRESS, l1BlockHash } from './l1BlockHash.ts'
import { proveStorage } from './proveStorage.ts'
import { joinNodes } from './sharedProofs.ts'
import type { VouchedBlock } from './VouchedBlock.ts'

const KIND = 'ParentL1BlockSource'
/** Where L1Block stores `hash`. */
const HASH_SLOT: Hex = '0x0000000000000000000000000000000000000000000000000000000000000002'

const PROOF_PARAMETERS = [
  { name: 'parentHeader', type: 'bytes' },
  { name: 'accountProof', type: 'bytes' },
  { name: 'storageProof', type: 'bytes' },
] as const

/**
 * Takes the parent's block that the L3's own L1Block predeploy names, or one that the source stored at a checkpoint, and
 * proves which L1 block hash the parent's L1Block predeploy held in it.
 *
 * @throws {LaggingError} when the parent node does not know the block (yet), or the parent had no L1 block yet.
 * @throws {UnfitSourceError} when the chain is no L3 of an OP Stack chain.
 * @throws {BlockTooOldError} when the parent node has no state of the block any more.
 * @throws as {@link l1BlockHash}.
 */
export async function vouchByParentL1Block({
  l2,
  parent,
  source,
  checkpoint,
}: {
  l2: Client
  parent: Client
  source: Address
  checkpoint: Hex | undefined
}): Promise<VouchedBlock> {
  const parentHash = await l1BlockHash({ l2, kind: KIND, source, checkpoint })
  const header = await getBlockHeader('parent node', parent, parentHash)
  const proven = await proveStorage('parent node', parent, header, L1_BLOCK_ADDRESS, HASH_SLOT)
  if (proven === undefined) {
    throw new UnfitSourceError(KIND, source, 'the chain below it has no L1Block predeploy')
  }
  const { value: hash, accountProof, storageProof } = proven
  if (hash === undefined) {
    throw new LaggingError('parent node', `its L1Block predeploy held no hash in block ${header.number}`)
  }
  const sourceProof = encodeAbiParameters(PROOF_PARAMETERS, [
    toHex(header.rlp),
    joinNodes(accountProof.map((node) => toHex(node))),
    joinNodes(storageProof.map((node) => toHex(node))),
  ])
  return { hash, sourceProof, isFleeting: checkpoint === undefined }
}
