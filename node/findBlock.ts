import type { Block } from '../protocol/index.ts'
import type { ChainStore } from './ChainStore.ts'
import { RpcError } from './RpcError.ts'
import type { BlockSelector } from './RpcParams.ts'

/** Finds the block that a caller named; undefined when this chain has none. */
export function findBlock(store: ChainStore, selector: BlockSelector): Block | undefined {
  if ('hash' in selector) return store.blockByHash(selector.hash)
  return store.blockByNumber(blockNumberOf(store, selector))
}

/**
 * Finds the block that a caller named.
 *
 * @throws {RpcError} when this chain has none.
 */
export function requireBlock(store: ChainStore, selector: BlockSelector): Block {
  const block = findBlock(store, selector)
  if (block !== undefined) return block
  throw new RpcError('resourceNotFound', 'this chain has no such block', { reason: 'UNKNOWN_BLOCK' })
}

function blockNumberOf(store: ChainStore, selector: Exclude<BlockSelector, { hash: unknown }>): bigint {
  if ('number' in selector) return selector.number
  const { unsafe, safe, finalized } = store.heads()
  if (selector.tag === 'earliest') return 0n
  if (selector.tag === 'safe') return safe.number
  return selector.tag === 'finalized' ? finalized.number : unsafe.number
}
