import type { Hex } from 'viem'
import { type ChainStore, createLruCache, type Logger, type ParallelVerifier } from '../node/index.ts'
import {
  type Approval,
  KeyrollError,
  keystoreGet,
  type ParsedSetConfig,
  type RollupConfig,
  type SetConfig,
  type Trie,
} from '../protocol/index.ts'
import type { Decoder } from './Decoder.ts'

/** What batches are prepared with. */
export type PrepareOptions = {
  decoder: Decoder
  expect: ParallelVerifier['expect']
  store: Pick<ChainStore, 'heads' | 'blockByHash' | 'trie'>
  rollup: Pick<RollupConfig, 'l2ChainId'>
  logger: Pick<Logger, 'warn'>
}

/** Keystores whose updates are remembered between preparation and execution. */
const REMEMBERED_UPDATES = 20_000

/**
 * Makes the function that prepares a batcher datum for execution: it decodes all in it, and has the signatures checked over the
 * digest that they will be about if everything takes effect. A wrong guess costs only time, and a failure too: it is logged.
 */
export function createPreparation({
  decoder,
  expect,
  store,
  rollup,
  logger,
}: PrepareOptions): (bytes: Uint8Array) => void {
  const updates = createLruCache<Hex, { nonce: bigint; configHash: Hex }>(REMEMBERED_UPDATES)

  /** Guesses the hash of the config on which a set-config builds. */
  function previousOf({ id, next }: SetConfig, trie: Trie): Hex | undefined {
    if (next.nonce === 1n) return id
    const update = updates.get(id)
    return update?.nonce === next.nonce - 1n ? update.configHash : keystoreGet(trie, id)
  }

  function prepare({ tx, nextHash, digestFor }: Extract<ParsedSetConfig, { ok: true }>, trie: Trie): void {
    const { id, kind, next, approvals, openings } = tx
    const previous = digestFor === undefined ? undefined : previousOf(tx, trie)
    if (kind !== 1) updates.set(id, { nonce: next.nonce, configHash: nextHash })
    if (digestFor === undefined || previous === undefined) return
    const digest = digestFor(previous)
    expectAll(approvals, digest)
    expectAll(openings, digest)
  }

  function expectAll(approvals: readonly Approval[], digest: Hex): void {
    for (const { scheme, key, signature } of approvals) {
      if (signature !== '0x') expect(scheme, key, digest, signature)
    }
  }

  function prepareAll(bytes: Uint8Array): void {
    const data = decoder.batcherData(bytes)
    const head = store.blockByHash(store.heads().safe.hash)
    if (!data.ok || head === undefined) return
    const trie = store.trie(head.header.withdrawalsRoot)
    for (const encoded of data.batches) {
      // What cannot be decoded takes the rest of its channel with it: garbage is not worth more than one look.
      const batch = decoder.batch(encoded)
      if (batch === undefined) return
      for (const raw of batch.transactions) {
        const parsed = decoder.setConfig(raw, rollup.l2ChainId)
        if (!parsed.ok) return
        prepare(parsed, trie)
      }
    }
  }

  return (bytes) => {
    try {
      prepareAll(bytes)
    } catch (error) {
      // Whatever is wrong with the data, whoever executes finds it too, and knows what to do about it. Nothing else may reach
      // whoever derives either: threads that cannot be started, or a database that was closed while L1 was read ahead.
      if (!(error instanceof KeyrollError)) logger.warn({ err: error }, 'cannot prepare what was read ahead')
    }
  }
}
