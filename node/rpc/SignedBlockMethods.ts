import type { Hex } from 'viem'
import { type Block, blockToRlp, type SignedBlock, toHex } from '../../protocol/index.ts'
import type { ChainStore } from '../store/ChainStore.ts'
import { findBlock } from './findBlock.ts'
import type { RpcMethods } from './RpcDispatcher.ts'
import { type BlockSelector, blockSelector, defineMethod, hash, type Parser, param } from './RpcParams.ts'

/** Finds the promise signer's signature of a block of this chain; undefined when there is none to be had here. */
export type FindSignature = (block: Block) => Pick<SignedBlock, 'signature' | 'signer'> | undefined

/** A signed block as `keyroll_getSignedBlock` shows it. */
export type SignedBlockJson = { block: Hex; signature: Hex; signer: Hex }

const numberOrHash: Parser<BlockSelector> = (value, name) =>
  typeof value === 'string' && value.length === 66 ? { hash: hash(value, name) } : blockSelector(value, name)

/** Makes the method that gives unsafe blocks to those who follow them (docs/rpc.md). */
export function createSignedBlockMethods(store: ChainStore, findSignature: FindSignature): RpcMethods {
  return {
    keyroll_getSignedBlock: defineMethod([param('block', numberOrHash)], ([selector]) => {
      const block = findBlock(store, selector)
      const signed = block && findSignature(block)
      return block === undefined || signed === undefined ? null : signedBlockToJson(block, signed)
    }),
  }
}

/** Turns a block and its signature into what `keyroll_getSignedBlock` and the subscription `signedBlocks` show. */
export function signedBlockToJson(
  block: Block,
  { signature, signer }: Pick<SignedBlock, 'signature' | 'signer'>,
): SignedBlockJson {
  return { block: toHex(blockToRlp(block)), signature, signer }
}
