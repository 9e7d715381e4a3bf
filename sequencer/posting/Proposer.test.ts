import { readFileSync } from 'node:fs'
import { Registry } from 'prom-client'
import { decodeFunctionData, parseTransaction } from 'viem'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { outputOracleAbi } from '../../contracts/index.ts'
import { createLogger, type L1BlockRef, TemporaryFault } from '../../node/index.ts'
import { createFakeL1Sender, type FakeL1Sender } from '../../test/FakeL1Sender.ts'
import { openTestChain, TEST_ROLLUP, type TestChain, testL1Hash } from '../../test/TestChain.ts'
import { TransactionRevertedError } from '../l1/L1Sender.ts'
import { DEFAULT_TX_MANAGER_OPTIONS, openTxManager, type TxManager } from '../l1/TxManager.ts'
import { createSequencerMetrics, type SequencerMetrics } from '../metrics.ts'
import {
  createProposer,
  DEFAULT_PROPOSER_OPTIONS,
  PROPOSAL_GAS,
  type Proposer,
  type ProposerOptions,
} from './Proposer.ts'

const logger = createLogger({ level: 'silent' })
const l1BlockAt = (number: bigint): L1BlockRef => ({
  number,
  hash: testL1Hash(number),
  parentHash: testL1Hash(number - 1n),
  timestamp: TEST_ROLLUP.genesis.l2Time + 1_000n,
})

describe('Proposer', () => {
  let l1: FakeL1Sender
  let chain: TestChain
  let txManager: TxManager
  let proposer: Proposer
  let derivedL1: L1BlockRef | undefined
  let metrics: SequencerMetrics
  /** As the oracle does: one output for each transaction that is in a block. */
  let outputs: () => number

  beforeEach(async () => {
    l1 = createFakeL1Sender()
    l1.mine()
    chain = await openTestChain()
    // One above the block that the test chain's batches stand in.
    derivedL1 = l1BlockAt(201n)
    outputs = () => l1.mined().length
    await open({ head: 'safe' })
  })
  afterEach(() => chain.close())

  async function open(options: Partial<ProposerOptions> = {}) {
    metrics = createSequencerMetrics(new Registry())
    txManager = await openTxManager({
      sender: l1,
      privateKey: `0x${'22'.repeat(32)}`,
      chainId: 900n,
      bucket: chain.store.bucket('proposer'),
      name: 'proposer',
      options: DEFAULT_TX_MANAGER_OPTIONS,
      logger,
      metrics,
      now: Date.now,
    })
    proposer = createProposer({
      store: chain.store,
      rollup: chain.rollup,
      txManager,
      contracts: { nextOutputBlock: async () => BigInt(outputs() + 1) * chain.rollup.submissionInterval },
      derivedL1: () => derivedL1,
      options: { ...DEFAULT_PROPOSER_OPTIONS, ...options },
      logger,
      metrics,
    })
  }

  async function build(count: number) {
    for (let i = 0; i < count; i++) await chain.build()
  }
  async function mine() {
    l1.mine()
    await txManager.poll()
    await new Promise(setImmediate)
  }
  const proposed = () =>
    [...l1.mined(), ...l1.pool()].map(({ data }) => decodeFunctionData({ abi: outputOracleAbi, data }).args)

  it('proposes the parts of the output root, once the block is safe, bound to the L1 block it comes from', async () => {
    await build(6)
    await proposer.step()
    expect(proposed()).toEqual([])
    await chain.makeSafe(5n)
    await proposer.step()
    const block = chain.store.blockByNumber(5n)
    expect(proposed()).toEqual([
      [block?.header.stateRoot, block?.header.withdrawalsRoot, block?.hash, 5n, testL1Hash(200n), 200n],
    ])
  })

  it('proposes one output after the other, also after a restart', async () => {
    await build(11)
    await chain.makeSafe(11n)
    await proposer.step()
    await proposer.step()
    await open({ head: 'safe' })
    await proposer.step()
    expect(proposed()).toHaveLength(1)
    await mine()
    await proposer.step()
    expect(proposed().map((args) => args?.[3])).toEqual([5n, 10n])
    await mine()
    await proposer.step()
    expect(proposed()).toHaveLength(2)
  })

  it('proposes nothing while one is unconfirmed, though L1 seems to wait for it still, also after a restart', async () => {
    outputs = () => 0
    await build(11)
    await chain.makeSafe(11n)
    await proposer.step()
    l1.mine()
    await proposer.step()
    expect(proposed()).toHaveLength(1)
    await open({ head: 'safe' })
    await proposer.step()
    expect(proposed()).toHaveLength(1)
  })

  it('takes the silence of L1 for no refusal', async () => {
    await build(5)
    await chain.makeSafe(5n)
    l1.estimateGas = () => Promise.reject(new TemporaryFault('silent'))
    await expect(proposer.step()).rejects.toThrow(TemporaryFault)
  })

  it('proposes nothing beside what a reorg took back, which is sent again', async () => {
    await build(11)
    await chain.makeSafe(11n)
    await proposer.step()
    await mine()
    l1.reorg(1)
    await proposer.step()
    await txManager.poll()
    await proposer.step()
    expect(l1.pool()).toHaveLength(1)
    await mine()
    await proposer.step()
    expect(proposed().map((args) => args?.[3])).toEqual([5n, 10n])
  })

  it('waits for an L1 block above the batch, and for L1 to have been read', async () => {
    await build(5)
    await chain.makeSafe(5n)
    derivedL1 = undefined
    await proposer.step()
    derivedL1 = l1BlockAt(200n)
    await proposer.step()
    expect(proposed()).toEqual([])
    derivedL1 = l1BlockAt(201n)
    await proposer.step()
    expect(proposed()).toHaveLength(1)
  })

  it('waits until the block is past by the clock of L1', async () => {
    await build(5)
    await chain.makeSafe(5n)
    const { timestamp } = chain.store.heads().safe
    derivedL1 = { ...l1BlockAt(201n), timestamp }
    await proposer.step()
    expect(proposed()).toEqual([])
    derivedL1 = { ...l1BlockAt(201n), timestamp: timestamp + 1n }
    await proposer.step()
    expect(proposed()).toHaveLength(1)
  })

  it('waits for the finalized head where asked to', async () => {
    await open({ head: 'finalized' })
    await build(6)
    await chain.makeSafe(6n)
    await proposer.step()
    expect(proposed()).toEqual([])
    await chain.finalize(5n)
    await proposer.step()
    expect(proposed()).toHaveLength(1)
  })

  it('gives a proposal gas that suffices, even if L1 asks for less', async () => {
    await build(5)
    await chain.makeSafe(5n)
    l1.estimateGas = async () => 30_000n
    await proposer.step()
    const [sent] = l1.pool()
    expect(parseTransaction(sent?.raw ?? '0x').gas).toBeGreaterThanOrEqual(PROPOSAL_GAS)
    const snapshot: Record<string, string> = JSON.parse(readFileSync('snapshots/OutputOracle.json', 'utf8'))
    const transactionGas = 21_000 + 16 * ((sent?.data.length ?? 0) / 2 - 1)
    expect(PROPOSAL_GAS).toBeGreaterThan(Number(snapshot['proposeL2Output, first']) + transactionGas)
  })

  describe('where L1 refuses an output', () => {
    const refused = async (where: string) =>
      (await metrics.refusedOutputs.get()).values.find(({ labels }) => labels.where === where)?.value ?? 0
    const pause = async () => (await metrics.proposerPause.get()).values[0]?.value

    beforeEach(async () => {
      await build(11)
      await chain.makeSafe(11n)
      while (l1.height() <= 202) l1.mine()
    })

    /** Lets L1 make blocks, and tells in which the output was proposed. */
    async function proposedIn(blocks: number): Promise<number[]> {
      const found: number[] = []
      for (let block = 1; block <= blocks; block++) {
        const before = proposed().length
        derivedL1 = l1BlockAt(BigInt(l1.height() - 1))
        await proposer.step()
        if (proposed().length > before) found.push(block)
        await mine()
      }
      return found
    }

    it('sends nothing while the refusal shows in the estimate, and tries again', async () => {
      const { estimateGas } = l1
      l1.estimateGas = ({ to }) => Promise.reject(new TransactionRevertedError(to, 'NotProposer'))
      expect(await proposedIn(5)).toEqual([])
      expect(await refused('ESTIMATE')).toBe(5)
      expect(await pause()).toBe(0)
      l1.estimateGas = estimateGas
      expect(await proposedIn(1)).toEqual([1])
    })

    it('pauses ever longer where the refusal shows in a block only, which is paid for', async () => {
      outputs = () => 0
      l1.reverts = () => true
      expect(chain.rollup.seqWindowSize).toBe(50n)
      expect(await proposedIn(60)).toEqual([1, 2, 3, 6, 11, 20, 33, 46, 59])
      expect(await refused('BLOCK')).toBe(9)
      expect(await pause()).toBe(12)
    })

    it('goes on at once with the next output, whoever proposed the refused one', async () => {
      outputs = () => 0
      l1.reverts = () => true
      await proposedIn(12)
      l1.reverts = () => false
      expect(await proposedIn(1)).toEqual([])
      outputs = () => 1
      expect(await proposedIn(1)).toEqual([1])
      expect(proposed().at(-1)?.[3]).toBe(10n)
      expect(await pause()).toBe(0)
    })

    it('tries again at once after a restart', async () => {
      outputs = () => 0
      l1.reverts = () => true
      await proposedIn(12)
      await open({ head: 'safe' })
      await txManager.poll()
      await new Promise(setImmediate)
      expect(await pause()).toBe(0)
      expect(await proposedIn(1)).toEqual([1])
    })
  })
})
