import type { Hex } from 'viem'
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
  type Block,
  type BlockAttributes,
  createGenesis,
  depositToBytes,
  KEYSTORE_ADDRESS,
  keccakHex,
  type RollupConfig,
  ZERO_HASH,
} from '../protocol/index.ts'

const ADDRESS: Hex = `0x${'c0'.repeat(20)}`

/** A rollup for tests: blocks every 2 seconds, times that a test can outlive. */
export const TEST_ROLLUP: RollupConfig = withGenesis({
  genesis: {
    l1: { hash: testL1Hash(100n), number: 100n },
    l2: { hash: ZERO_HASH, number: 0n },
    l2Time: 1_800_000_000n,
  },
  blockTime: 2n,
  maxSequencerDrift: 60n,
  seqWindowSize: 50n,
  channelTimeout: 20n,
  l1ChainId: 900n,
  l2ChainId: 0x4b52n,
  batchInboxAddress: ADDRESS,
  depositContractAddress: ADDRESS,
  l1SystemConfigAddress: ADDRESS,
  outputOracleAddress: ADDRESS,
  challengePeriod: 100,
  minRecoveryDelay: 4,
  submissionInterval: 5n,
})

/** A chain on a real store and engine, whose L1 exists only as numbers. */
export interface TestChain {
  readonly rollup: RollupConfig
  readonly store: ChainStore
  readonly engine: Engine
  head(): BlockRef
  /** Builds the next block; deposits open a new L1 origin. */
  build(
    transactions?:
      | readonly Uint8Array[]
      | ((attributes: { head: BlockRef; timestamp: bigint }) => readonly Uint8Array[]),
    deposits?: readonly Uint8Array[],
  ): Promise<Block>
  /** Marks all blocks up to `number` as safe, derived from one L1 block: carried by a transaction, or made without a batch. */
  makeSafe(number: bigint, transactionHash?: Hex): Promise<void>
  finalize(number: bigint): Promise<void>
  close(): Promise<void>
}

/** Opens a test chain in a directory, or in memory. */
export async function openTestChain(path = ':memory:', rollup = TEST_ROLLUP): Promise<TestChain> {
  const store = await openChainStore(path, rollup)
  const logger = createLogger({ level: 'silent' })
  const engine = createEngine({ store, rollup, verify: createNativeVerifier(), logger })
  const head = () => store.heads().unsafe
  const attributesOn = (
    parent: BlockRef,
    transactions: readonly Uint8Array[],
    isNewOrigin: boolean,
  ): BlockAttributes => ({
    timestamp: parent.timestamp + rollup.blockTime,
    l1Origin: isNewOrigin
      ? {
          number: parent.l1Origin.number + 1n,
          hash: testL1Hash(parent.l1Origin.number + 1n),
          parentBeaconBlockRoot: ZERO_HASH,
        }
      : { ...parent.l1Origin, parentBeaconBlockRoot: ZERO_HASH },
    sequenceNumber: isNewOrigin ? 0n : parent.sequenceNumber + 1n,
    transactions,
  })

  return {
    rollup,
    store,
    engine,
    head,
    build: (transactions = [], deposits = []) =>
      engine.build((parent) => {
        const timestamp = parent.timestamp + rollup.blockTime
        const chosen =
          typeof transactions === 'function' ? transactions({ head: parent, timestamp }) : transactions
        return attributesOn(parent, [...deposits, ...chosen], deposits.length > 0)
      }),
    async makeSafe(number, transactionHash) {
      const inclusion = { l1Block: { number: 200n, hash: testL1Hash(200n) }, transactionHash }
      for (let at = store.heads().safe.number + 1n; at <= number; at++) {
        const [block, parent] = [store.blockByNumber(at), store.heads().safe]
        if (block === undefined) return
        const { header, transactions } = block
        const isNewOrigin = header.mixHash !== parent.l1Origin.hash
        await engine.consolidate(parent, attributesOn(parent, transactions, isNewOrigin), inclusion)
      }
    },
    async finalize(number) {
      const block = store.blockByNumber(number)
      if (block !== undefined) await engine.finalize({ number, hash: block.hash })
    },
    close: () => store.close(),
  }
}

/** Makes the deposit transaction that forces a set-config; `index` makes it unique. */
export function testDeposit(data: Uint8Array, index: number): Uint8Array {
  return depositToBytes({
    sourceHash: keccakHex(Uint8Array.of(0xde, index)),
    from: ADDRESS,
    to: KEYSTORE_ADDRESS,
    mint: 0n,
    value: 0n,
    gas: 1_000_000n,
    isSystemTx: false,
    data,
  })
}

/** The hash of the L1 block at a number, on one of the forks of the tests' L1. */
export function testL1Hash(number: bigint, fork = 0): Hex {
  return keccakHex(new TextEncoder().encode(`L1 ${number} ${fork}`))
}

/** Fills in the genesis hash that the other values give. */
export function withGenesis(rollup: RollupConfig): RollupConfig {
  const { hash } = createGenesis(rollup).block
  return { ...rollup, genesis: { ...rollup.genesis, l2: { number: 0n, hash } } }
}
