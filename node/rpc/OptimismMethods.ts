import type { Hex } from 'viem'
import { outputRootOf, type RollupConfig, rollupConfigToJson, ZERO_HASH } from '../../protocol/index.ts'
import { type BlockRef, blockToRef } from '../BlockRef.ts'
import type { L1BlockRef } from '../l1/L1Header.ts'
import type { ChainStore } from '../store/ChainStore.ts'
import { beforeSnapshot, requireBlock } from './findBlock.ts'
import type { RpcMethods } from './RpcDispatcher.ts'
import { RpcError } from './RpcError.ts'
import { blockSelector, defineMethod, param, quantity } from './RpcParams.ts'

/** What the node knows of L1; undefined before it has asked. */
export type L1Status = {
  /** The last L1 block from which the chain was derived. */
  current: L1BlockRef | undefined
  head: L1BlockRef | undefined
  safe: L1BlockRef | undefined
  finalized: L1BlockRef | undefined
}

/** What the `optimism_` methods are made of. */
export type OptimismMethodsOptions = {
  store: ChainStore
  rollup: RollupConfig
  l1Status: () => L1Status
  version: string
}

/** The OP Stack's forks, all in force from the first block on: without them its tools take a chain for one before them. */
const FORK_TIMES = {
  regolith_time: 0,
  canyon_time: 0,
  delta_time: 0,
  ecotone_time: 0,
  fjord_time: 0,
  granite_time: 0,
  holocene_time: 0,
  isthmus_time: 0,
}

/** Makes the methods of op-node that its tools ask, in its JSON (docs/rpc.md). */
export function createOptimismMethods(options: OptimismMethodsOptions): RpcMethods {
  const { store, rollup, l1Status, version } = options

  function syncStatus() {
    const { current, head, safe, finalized } = l1Status()
    const heads = store.heads()
    return {
      current_l1: l1RefToJson(current),
      // Deprecated by op-node, and still shown by it: the same as finalized_l1.
      current_l1_finalized: l1RefToJson(finalized),
      head_l1: l1RefToJson(head),
      safe_l1: l1RefToJson(safe),
      finalized_l1: l1RefToJson(finalized),
      unsafe_l2: refToJson(heads.unsafe),
      safe_l2: refToJson(heads.safe),
      finalized_l2: refToJson(heads.finalized),
      pending_safe_l2: refToJson(heads.safe),
      cross_unsafe_l2: refToJson(heads.unsafe),
      local_safe_l2: refToJson(heads.safe),
    }
  }

  return {
    optimism_syncStatus: defineMethod([], syncStatus),
    optimism_version: defineMethod([], () => version),
    optimism_rollupConfig: defineMethod([], () => ({ ...rollupConfigToJson(rollup), ...FORK_TIMES })),
    optimism_outputAtBlock: defineMethod([param('block', blockSelector)], ([selector]) => {
      const block = requireBlock(store, selector)
      const { stateRoot, withdrawalsRoot } = block.header
      return {
        version: ZERO_HASH,
        outputRoot: outputRootOf(block),
        blockRef: refToJson(blockToRef(block)),
        withdrawalStorageRoot: withdrawalsRoot,
        stateRoot,
        syncStatus: syncStatus(),
      }
    }),
    optimism_safeHeadAtL1Block: defineMethod([param('l1Block', quantity)], ([l1Number]) => {
      const { block: first, l1Block: begun } = store.base()
      if (l1Number < rollup.genesis.l1.number) {
        const message = `no block was safe at L1 block ${l1Number}: the rollup begins at ${rollup.genesis.l1.number}`
        throw new RpcError('resourceNotFound', message, { reason: 'BEFORE_GENESIS' })
      }
      if (l1Number < begun.number) {
        throw beforeSnapshot(
          `L1 block ${l1Number} is below ${begun.number}, where this node began`,
          first.number,
        )
      }
      const head = store.safeHeadAtL1(l1Number)
      const l1Block = store.inclusionOf(head.number)?.l1Block ?? begun
      return { l1Block: idToJson(l1Block), safeHead: idToJson(head) }
    }),
  }
}

// op-node shows numbers as JSON numbers, unlike every `eth_` method.

function idToJson({ hash, number }: { hash: Hex; number: bigint }) {
  return { hash, number: Number(number) }
}

function l1RefToJson(ref: L1BlockRef | undefined) {
  const { hash, number, parentHash, timestamp } = ref ?? {
    hash: ZERO_HASH,
    number: 0n,
    parentHash: ZERO_HASH,
    timestamp: 0n,
  }
  return { ...idToJson({ hash, number }), parentHash, timestamp: Number(timestamp) }
}

function refToJson(ref: BlockRef) {
  return {
    ...idToJson(ref),
    parentHash: ref.parentHash,
    timestamp: Number(ref.timestamp),
    l1origin: idToJson(ref.l1Origin),
    sequenceNumber: Number(ref.sequenceNumber),
  }
}
