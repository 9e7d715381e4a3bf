import { numberToHex } from 'viem'
import type { Block } from '../../protocol/index.ts'
import type { ChainStore } from '../store/ChainStore.ts'
import { RpcError } from './RpcError.ts'
import type { BlockSelector } from './RpcParams.ts'

/**
 * Finds the block that a caller named; undefined when this chain has none.
 *
 * @throws {RpcError} when it is a block below the snapshot that this node began with.
 */
export function findBlock(store: ChainStore, selector: BlockSelector): Block | undefined {
  if ('hash' in selector) return store.blockByHash(selector.hash)
  const number = blockNumberOf(store, selector)
  requireKept(store, number)
  return store.blockByNumber(number)
}

/**
 * Makes sure that a block is not below the snapshot that this node began with: there it knows nothing.
 *
 * @throws {RpcError} when it is.
 */
export function requireKept(store: Pick<ChainStore, 'base'>, number: bigint): void {
  const first = store.base().block.number
  if (number < first) throw beforeSnapshot(`block ${number} is below ${first}, where this node began`, first)
}

/** Makes the error for what a node that began with a snapshot cannot know; `first` is the first block it has. */
export function beforeSnapshot(message: string, first: bigint): RpcError {
  const data = { reason: 'BEFORE_SNAPSHOT', firstBlock: numberToHex(first) }
  return new RpcError(
    'resourceNotFound',
    `${message} with a snapshot: ask a node that derived the chain`,
    data,
  )
}

/**
 * Finds the block that a caller named.
 *
 * @throws {RpcError} when this chain has none, or it is below the snapshot that this node began with.
 */
export function requireBlock(store: ChainStore, selector: BlockSelector): Block {
  const block = findBlock(store, selector)
  if (block !== undefined) return block
  throw new RpcError('resourceNotFound', 'this chain has no such block', { reason: 'UNKNOWN_BLOCK' })
}

function blockNumberOf(store: ChainStore, selector: Exclude<BlockSelector, { hash: unknown }>): bigint {
  if ('number' in selector) return selector.number
  const { unsafe, safe, finalized } = store.heads()
  if (selector.tag === 'earliest') return store.base().block.number
  if (selector.tag === 'safe') return safe.number
  return selector.tag === 'finalized' ? finalized.number : unsafe.number
}
