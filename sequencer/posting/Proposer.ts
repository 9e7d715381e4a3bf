import { encodeFunctionData } from 'viem'
import { outputOracleAbi } from '../../contracts/index.ts'
import type { ChainStore, L1BlockRef, Logger } from '../../node/index.ts'
import { fromHex, type RollupConfig } from '../../protocol/index.ts'
import type { L1Contracts } from '../l1/L1Contracts.ts'
import { type SentReceipt, TransactionRevertedError } from '../l1/L1Sender.ts'
import type { SentTransaction } from '../l1/TxEntry.ts'
import type { TxManager } from '../l1/TxManager.ts'
import type { SequencerMetrics } from '../metrics.ts'
import { repeat } from '../repeat.ts'
import { createBackOff } from './BackOff.ts'

/** Options of a {@link Proposer}. */
export type ProposerOptions = {
  /** Which head a block must be under: `finalized` never proposes what an L1 reorg can change. */
  head: 'safe' | 'finalized'
  pollIntervalMs: number
}

/** Defaults of {@link ProposerOptions}. */
export const DEFAULT_PROPOSER_OPTIONS: ProposerOptions = { head: 'finalized', pollIntervalMs: 4_000 }

/** What a {@link Proposer} is made of. */
export type ProposerModules = {
  store: Pick<ChainStore, 'heads' | 'blockByNumber' | 'inclusionOf'>
  rollup: RollupConfig
  txManager: TxManager
  contracts: Pick<L1Contracts, 'nextOutputBlock'>
  /** The L1 block up to which the chain was derived; undefined until L1 has once been read to its head. */
  derivedL1: () => L1BlockRef | undefined
  options: ProposerOptions
  logger: Logger
  metrics: SequencerMetrics
}

/** Posts the output root of every `submissionInterval`-th block to the output oracle. */
export interface Proposer {
  /**
   * Proposes the next output when its block is old enough and nothing is on its way.
   *
   * @throws {TemporaryFault} when L1 cannot be asked.
   */
  step(): Promise<void>
  run(signal: AbortSignal): Promise<void>
}

/** With which even the first proposal of an oracle succeeds: there are L1 nodes whose estimate is of a run that reverts. */
export const PROPOSAL_GAS = 190_000n

/** Makes a proposer. What is on its way, the transactions' references say, also after a restart. */
export function createProposer(modules: ProposerModules): Proposer {
  const { store, rollup, txManager, contracts, derivedL1, options, metrics } = modules
  const logger = modules.logger.child({ part: 'proposer' })
  const underWay = new Set<SentTransaction>()
  /** What L1 refuses in a block was paid for, and it may refuse the same again. */
  const backOff = createBackOff(metrics.proposerPause)
  let lastRefusal: string | undefined
  // Whoever restarts the process may have mended what made L1 refuse those.
  for (const sent of txManager.sent()) follow(sent, () => undefined)

  function follow(sent: SentTransaction, reverted: (receipt: SentReceipt) => void): void {
    underWay.add(sent)
    const forget = () => underWay.delete(sent)
    sent.confirmed.then((receipt) => {
      forget()
      if (receipt.status === 'reverted') reverted(receipt)
    }, forget)
  }

  function noteRefusal(number: bigint, { transactionHash: hash, blockNumber: l1Block }: SentReceipt): void {
    metrics.refusedOutputs.inc({ where: 'BLOCK' })
    const { failures, pause } = backOff.failed(number, l1Block, rollup.seqWindowSize)
    const log = { number, hash, l1Block, failures, pauseL1Blocks: pause }
    if (pause === 0n) logger.warn(log, 'the output oracle refused an output in a block; trying again')
    else
      logger.error(
        log,
        'the output oracle keeps refusing an output in blocks, though L1 nodes say that it would not; pausing. Is this ' +
          'account the proposer of SystemConfig, and do the L1 nodes agree on the chain? A restart tries again at once',
      )
  }

  /** A proposal that a reorg took back is sent again by itself: another one behind it would revert, and be paid for. */
  async function waitsAgain(number: bigint): Promise<boolean> {
    const earlier = txManager.sent().filter(({ reference }) => reference.startsWith(`output ${number} `))
    const receipts = await Promise.all(earlier.map((sent) => sent.findReceipt()))
    return receipts.includes(undefined)
  }

  async function step(): Promise<void> {
    const derived = derivedL1()
    if (derived === undefined || underWay.size > 0) return
    const number = await contracts.nextOutputBlock()
    backOff.aimAt(number)
    if (backOff.isPausing(derived.number)) return
    if (number > store.heads()[options.head].number || (await waitsAgain(number))) return
    const block = store.blockByNumber(number)
    if (block === undefined) return
    // Naming an L1 block that knows the batch keeps an output from landing on a fork of L1 where it would be wrong. Not the
    // newest one: a node that estimates gas in its newest block cannot see that block's hash.
    const l1Block = { number: derived.number - 1n, hash: derived.parentHash }
    if ((store.inclusionOf(number)?.l1Block.number ?? 0n) > l1Block.number) return
    // The oracle takes only what is past by L1's clock.
    if (block.header.timestamp >= derived.timestamp) return
    const { stateRoot, withdrawalsRoot: keystoreRoot } = block.header
    const data = encodeFunctionData({
      abi: outputOracleAbi,
      functionName: 'proposeL2Output',
      args: [stateRoot, keystoreRoot, block.hash, number, l1Block.hash, l1Block.number],
    })
    try {
      const reference = `output ${number} ${block.hash}`
      const request = { to: rollup.outputOracleAddress, data: fromHex(data), minGas: PROPOSAL_GAS, reference }
      follow(await txManager.send(request), (receipt) => noteRefusal(number, receipt))
      metrics.proposedBlock.set(Number(number))
      logger.info({ number, hash: block.hash, l1Block: l1Block.number }, 'proposed an output')
    } catch (error) {
      if (!(error instanceof TransactionRevertedError)) throw error
      metrics.refusedOutputs.inc({ where: 'ESTIMATE' })
      // L1 may have moved, somebody else may have been faster, or this account is not the proposer.
      if (error.message !== lastRefusal) {
        logger.warn({ err: error, number }, 'the output oracle refuses an output; trying again')
      }
      lastRefusal = error.message
    }
  }

  return {
    step,
    run: (signal) => repeat(step, { intervalMs: options.pollIntervalMs, signal, logger }),
  }
}
