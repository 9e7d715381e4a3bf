import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type BlockRef,
  type ChainStore,
  createEngine,
  createLogger,
  createNativeVerifier,
  type Engine,
  openChainStore,
} from '../node/index.ts'
import {
  createGenesis,
  type L1Origin,
  MAX_BLOCK_BYTES,
  type RollupConfig,
  ZERO_HASH,
} from '../protocol/index.ts'

/** A chain on disk with the engine that writes it. */
export type BenchChain = { store: ChainStore; engine: Engine; directory: string; close: () => Promise<void> }

const ORIGIN = { number: 1n, hash: `0x${'11'.repeat(32)}` as const, parentBeaconBlockRoot: ZERO_HASH }

/** Makes a rollup config for chains that no L1 stands behind. */
export function createBenchRollup(): RollupConfig {
  const zero = `0x${'00'.repeat(20)}` as const
  const rollup: RollupConfig = {
    genesis: {
      l1: { hash: ORIGIN.hash, number: 1n },
      l2: { hash: ZERO_HASH, number: 0n },
      l2Time: 1_800_000_000n,
    },
    blockTime: 1n,
    maxSequencerDrift: 600n,
    seqWindowSize: 3600n,
    channelTimeout: 300n,
    l1ChainId: 1n,
    l2ChainId: 777_001n,
    batchInboxAddress: zero,
    depositContractAddress: zero,
    l1SystemConfigAddress: zero,
    outputOracleAddress: zero,
    challengePeriod: 604_800,
    minRecoveryDelay: 86_400,
    submissionInterval: 600n,
  }
  const { block } = createGenesis(rollup)
  return { ...rollup, genesis: { ...rollup.genesis, l2: { hash: block.hash, number: 0n } } }
}

/** Opens a new chain in a temporary directory; `close` removes it. */
export async function openBenchChain(rollup: RollupConfig): Promise<BenchChain> {
  const directory = await mkdtemp(join(tmpdir(), 'keyroll-bench-'))
  const store = await openChainStore(join(directory, 'chain'), rollup)
  const logger = createLogger({ level: 'silent' })
  const engine = createEngine({ store, rollup, verify: createNativeVerifier(), logger })
  return {
    store,
    engine,
    directory,
    async close() {
      await engine.idle()
      await store.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** Builds blocks of the given set-configs, each as full as it may be, all with one L1 origin. */
export async function buildBlocks(
  { engine, store }: BenchChain,
  rollup: RollupConfig,
  transactions: Iterable<Uint8Array>,
  l1Origin: L1Origin = ORIGIN,
): Promise<BlockRef> {
  let block: Uint8Array[] = []
  let bytes = 0
  const build = async () => {
    const full = block
    await engine.build((head) => ({
      timestamp: head.timestamp + rollup.blockTime,
      l1Origin,
      sequenceNumber: head.sequenceNumber + 1n,
      transactions: full,
    }))
    block = []
    bytes = 0
  }
  for (const raw of transactions) {
    if (bytes + raw.length > MAX_BLOCK_BYTES) await build()
    block.push(raw)
    bytes += raw.length
  }
  if (block.length > 0) await build()
  return store.heads().unsafe
}
