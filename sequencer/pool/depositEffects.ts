import type { Hex } from 'viem'
import type { ChainStore } from '../../node/index.ts'
import {
  type BlockAttributes,
  type Header,
  type RollupConfig,
  type SignatureVerifier,
  stateTransition,
} from '../../protocol/index.ts'
import { type KeystoreView, readKeystoreView } from './KeystoreView.ts'

/** Computes which keystores a block's deposits change, and what they are before its set-configs. */
export function depositEffects({
  attributes,
  parent,
  store,
  rollup,
  verify,
}: {
  /** With the deposits only. */
  attributes: BlockAttributes
  parent: Header
  store: Pick<ChainStore, 'trie' | 'config'>
  rollup: RollupConfig
  verify: SignatureVerifier
}): ReadonlyMap<Hex, KeystoreView> {
  if (attributes.transactions.length === 0) return new Map()
  const { block, receipts, trie, configs } = stateTransition({
    rollup,
    parent,
    attributes,
    reader: store,
    verify,
  })
  const reader = {
    trie: () => trie,
    config: (hash: Hex) => configs.get(hash)?.config ?? store.config(hash),
  }
  const ids = new Set(receipts.flatMap(({ logs }) => logs.map(({ topics }) => topics[1])))
  const views = new Map<Hex, KeystoreView>()
  for (const id of ids) {
    if (id !== undefined) views.set(id, readKeystoreView(reader, block.header.withdrawalsRoot, id))
  }
  return views
}
