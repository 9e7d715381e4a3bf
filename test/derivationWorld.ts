import type { Hex } from 'viem'
import { createAttributesBuilder } from '../derivation/AttributesBuilder.ts'
import { createDecoder } from '../derivation/Decoder.ts'
import { createDriver, type Driver } from '../derivation/Driver.ts'
import { createDerivationMetrics, type DerivationMetrics } from '../derivation/metrics.ts'
import { createOutputChecker, type OutputChecker, type WrongOutput } from '../derivation/OutputChecker.ts'
import {
  type ChainStore,
  createEngine,
  createLogger,
  createMetrics,
  createNativeVerifier,
  type Engine,
  type L1Client,
  openChainStore,
  type ParallelVerifier,
  ResetFault,
  TemporaryFault,
} from '../node/index.ts'
import {
  type Block,
  DEPOSIT_TX_TYPE,
  decodeExtraData,
  outputRoot,
  type RollupConfig,
  type SingularBatch,
} from '../protocol/index.ts'
import { createTestRollup } from './chainFixtures.ts'
import { FAKE_L1_ADDRESSES, type FakeL1 } from './FakeL1.ts'
import { withGenesis } from './TestChain.ts'

/** Makes the config of a rollup that begins at the fake L1's head: two seconds a block, short windows. */
export function createFakeL1Rollup(l1: Pick<FakeL1, 'head'>): RollupConfig {
  const { number, hash, timestamp } = l1.head()
  const genesis = { l1: { number, hash }, l2: createTestRollup().genesis.l2, l2Time: timestamp }
  return withGenesis({
    ...createTestRollup(),
    ...FAKE_L1_ADDRESSES,
    genesis,
    blockTime: 2n,
    seqWindowSize: 8n,
    maxSequencerDrift: 12n,
    submissionInterval: 3n,
  })
}

/** A node in memory that derives from an L1, and may build blocks as a sequencer does. */
export interface TestNode {
  readonly store: ChainStore
  readonly engine: Engine
  readonly metrics: DerivationMetrics
  readonly wrong: WrongOutput[]
  checker(): OutputChecker
  driver(): Driver
  /** Stops between two instructions and begins again from what is on disk. */
  restart(): void
  /** Steps once; false when L1 has no more. Temporary faults count as steps. */
  step(): Promise<boolean>
  /** Steps until L1 has no more, twice, so that the heads of L1 are known too. */
  catchUp(): Promise<void>
  /** Builds the next block as a sequencer does; undefined while L1 forbids it. */
  build(transactions?: readonly Uint8Array[]): Promise<Block | undefined>
}

/** Opens a node on a database in memory; with a parallel verifier it reads and checks ahead. */
export async function openTestNode(
  rollup: RollupConfig,
  l1: L1Client,
  existing?: ChainStore,
  ahead?: Pick<ParallelVerifier, 'verify' | 'expect'>,
): Promise<TestNode> {
  const logger = createLogger({ level: 'silent' })
  const store = existing ?? (await openChainStore(':memory:', rollup))
  const decoder = createDecoder()
  const verify = ahead?.verify ?? createNativeVerifier()
  const engine = createEngine({ store, rollup, verify, parse: decoder.setConfig, logger })
  const foresight = ahead && { decoder, expect: ahead.expect }
  const metrics = createDerivationMetrics(createMetrics().registry)
  const builder = createAttributesBuilder({ l1, rollup })
  const wrong: WrongOutput[] = []
  const createParts = () => {
    const onWrong = (each: WrongOutput) => wrong.push(each)
    const checker = createOutputChecker({ l1, store, rollup, logger, metrics, onWrong })
    return {
      checker,
      driver: createDriver({ l1, store, engine, rollup, checker, logger, metrics, foresight }),
    }
  }
  let parts = createParts()

  async function step(): Promise<boolean> {
    try {
      return (await parts.driver.step()) === 'progress'
    } catch (fault) {
      if (!(fault instanceof TemporaryFault)) throw fault
      return true
    }
  }

  return {
    store,
    engine,
    metrics,
    wrong,
    checker: () => parts.checker,
    driver: () => parts.driver,
    restart() {
      parts = createParts()
    },
    step,
    async catchUp() {
      while (await step());
      while (await step());
    },
    async build(transactions = []) {
      const head = store.heads().unsafe
      const timestamp = head.timestamp + rollup.blockTime
      const current = await l1.headerByHash(head.l1Origin.hash)
      const next = await l1.header(head.l1Origin.number + 1n)
      const epoch = next !== undefined && next.timestamp <= timestamp ? next : current
      // Without the next origin in sight nobody may go on beyond the drift.
      const isBeyond = epoch !== undefined && timestamp > epoch.timestamp + rollup.maxSequencerDrift
      if (epoch === undefined || (isBeyond && next === undefined)) return undefined
      try {
        const chosen = isBeyond ? [] : transactions
        return await engine.build(
          await builder.build({ parent: head, epoch, timestamp, transactions: chosen }),
        )
      } catch (fault) {
        if (fault instanceof ResetFault || fault instanceof TemporaryFault) return undefined
        throw fault
      }
    },
  }
}

/** Makes the batch that a block is posted as. */
export function blockToBatch({ header, transactions }: Block): SingularBatch {
  return {
    parentHash: header.parentHash,
    epochNumber: decodeExtraData(header.extraData).l1OriginNumber,
    epochHash: header.mixHash,
    timestamp: header.timestamp,
    transactions: transactions.filter((raw) => raw[0] !== DEPOSIT_TX_TYPE),
  }
}

/** Computes the output root of a block. */
export function outputRootOf({ header, hash }: Block): Hex {
  return outputRoot({ stateRoot: header.stateRoot, keystoreRoot: header.withdrawalsRoot, blockHash: hash })
}

/** Lists everything that two nodes with the same L1 must agree on. */
export function safeChain(store: ChainStore) {
  const { safe } = store.heads()
  const blocks = Array.from({ length: Number(safe.number) + 1 }, (_, i) => ({
    hash: store.blockByNumber(BigInt(i))?.hash,
    inclusion: store.inclusionOf(BigInt(i)),
  }))
  const outputs = Array.from({ length: Number(store.outputCount()) }, (_, i) =>
    store.outputByIndex(BigInt(i)),
  )
  return { safe, blocks, outputs }
}
