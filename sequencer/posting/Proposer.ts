import { encodeFunctionData } from 'viem'
import { outputOracleAbi } from '../../contracts/index.ts'
import type { ChainStore, L1BlockRef, Logger } from '../../node/index.ts'
import { fromHex, type RollupConfig } from '../../protocol/index.ts'
import type { L1Contracts } from '../l1/L1Contracts.ts'
import { TransactionRevertedError } from '../l1/L1Sender.ts'
import type { SentTransaction } from '../l1/TxEntry.ts'
import type { TxManager } from '../l1/TxManager.ts'
import { repeat } from '../loop.ts'
import type { SequencerMetrics } from '../metrics.ts'

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

/** Makes a proposer. What is on its way, the transactions' references say, also after a restart. */
export function createProposer(modules: ProposerModules): Proposer {
  const { store, rollup, txManager, contracts, derivedL1, options, metrics } = modules
  const logger = modules.logger.child({ part: 'proposer' })
  const underWay = new Set<SentTransaction>()
  let lastRefusal: string | undefined
  for (const sent of txManager.sent()) follow(sent)

  function follow(sent: SentTransaction): void {
    underWay.add(sent)
    const forget = () => underWay.delete(sent)
    sent.confirmed.then(({ status }) => {
      forget()
      if (status === 'reverted') logger.warn({ reference: sent.reference }, 'an output was refused on L1')
    }, forget)
  }

  async function step(): Promise<void> {
    const derived = derivedL1()
    if (derived === undefined || underWay.size > 0) return
    const number = await contracts.nextOutputBlock()
    if (number > store.heads()[options.head].number) return
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
      follow(await txManager.send({ to: rollup.outputOracleAddress, data: fromHex(data), reference }))
      metrics.proposedBlock.set(Number(number))
      logger.info({ number, hash: block.hash, l1Block: l1Block.number }, 'proposed an output')
    } catch (error) {
      if (!(error instanceof TransactionRevertedError)) throw error
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
