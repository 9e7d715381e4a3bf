import { decodeEventLog, type Hex, toEventSelector } from 'viem'
import { outputOracleAbi } from '../contracts/index.ts'
import {
  type BlockId,
  type ChainStore,
  CriticalFault,
  type L1Client,
  type L1Header,
  type L1Log,
  type Logger,
  ResetFault,
  type StoredOutput,
} from '../node/index.ts'
import { outputRootOf, type RollupConfig } from '../protocol/index.ts'
import type { DerivationMetrics } from './metrics.ts'

/** A standing output on L1 that is not what L1's own data lead to: the proposer is wrong, and a challenger must delete it. */
export type WrongOutput = { output: StoredOutput; expected: Hex }

/** Keeps the outputs on L1 in the store, and compares each with the derived chain. */
export interface OutputChecker {
  /**
   * Reads the output oracle's events up to an L1 block, then compares what the safe chain has reached.
   *
   * @throws {ResetFault} when L1 has left the chain that was read.
   */
  follow(header: L1Header): Promise<void>
  /** Forgets outputs that L1 has taken back, and goes on from what still stands, after the store was taken back to that. */
  reset(): Promise<void>
  /** Lists the standing outputs that are wrong, oldest first. */
  wrongOutputs(): readonly WrongOutput[]
}

const OUTPUT_PROPOSED = toEventSelector('OutputProposed(bytes32,uint256,uint256,uint256)')
const OUTPUTS_DELETED = toEventSelector('OutputsDeleted(uint256,uint256)')
/** A reorganisation of L1 is hardly ever deeper. */
const KEPT_CURSORS = 64

/** Makes the checker; `onWrong` hears once of each wrong output. */
export function createOutputChecker({
  l1,
  store,
  rollup,
  logger,
  metrics,
  onWrong,
}: {
  l1: Pick<L1Client, 'header' | 'mayHaveLogs' | 'receipts' | 'transactions'>
  store: Pick<
    ChainStore,
    'base' | 'heads' | 'blockByNumber' | 'outputCount' | 'outputByIndex' | 'putOutput' | 'truncateOutputs'
  >
  rollup: Pick<RollupConfig, 'outputOracleAddress'>
  logger: Logger
  metrics: DerivationMetrics
  onWrong?: (wrong: WrongOutput) => void
}): OutputChecker {
  const oracle = rollup.outputOracleAddress
  /**
   * The last L1 blocks that were read, one after the other, the newest last; none until the first is. What stood after each is what
   * the store has of outputs up to it, for none has been deleted since.
   */
  let cursors: readonly BlockId[] = []
  /** The first output of a block that was derived here; what L1 says of those before is not looked at. */
  const { firstOutput, block: baseBlock } = store.base()
  /** Outputs below this index have been compared. */
  let checked = firstOutput.index
  let wrong: readonly WrongOutput[] = []

  /** The first L1 block to read: the last standing output's is read again, since others may have been beside it. */
  function firstToRead(): bigint {
    const last = store.outputByIndex(store.outputCount() - 1n)
    return last === undefined ? firstOutput.l1Number : last.l1Block.number
  }

  /** L1 may have moved since the outputs were last looked at: reading on from another block would miss some in between. */
  function followsWhatWasRead(next: L1Header): boolean {
    const cursor = cursors.at(-1)
    if (cursor !== undefined) return next.parentHash === cursor.hash
    const last = store.outputByIndex(store.outputCount() - 1n)
    return last === undefined || next.hash === last.l1Block.hash
  }

  async function read(header: L1Header): Promise<void> {
    await truncateTo((output) => output.l1Block.number < header.number)
    if (!l1.mayHaveLogs(header, [oracle])) return
    const receipts = await l1.receipts(header)
    const logs = receipts.filter(({ status }) => status === 1).flatMap((receipt) => receipt.logs)
    const events = logs.filter(({ address }) => address === oracle)
    if (events.length === 0) return
    const transactions = await l1.transactions(header)
    for (const log of events) {
      const transactionHash = transactions[log.transactionIndex]?.hash
      if (transactionHash === undefined) throw new ResetFault(`L1 lost transactions of block ${header.hash}`)
      await apply(log, header, transactionHash)
    }
  }

  async function apply(log: L1Log, header: L1Header, transactionHash: Hex): Promise<void> {
    if (log.topics[0] === OUTPUTS_DELETED) {
      const { newNextOutputIndex } = decode(log, 'OutputsDeleted')
      // Whoever goes back to before this has to read what it deletes once more.
      cursors = []
      await truncate(newNextOutputIndex)
      logger.warn({ from: newNextOutputIndex, l1Block: header.number }, 'outputs were deleted on L1')
    }
    if (log.topics[0] !== OUTPUT_PROPOSED) return
    const { l2OutputIndex, outputRoot: root, l2BlockNumber, l1Timestamp } = decode(log, 'OutputProposed')
    if (l2OutputIndex < firstOutput.index) return
    const l1Block = { number: header.number, hash: header.hash }
    if (l2OutputIndex !== store.outputCount()) {
      throw new CriticalFault(
        `got output ${l2OutputIndex} on L1, expected ${store.outputCount()}: check the config`,
      )
    }
    await store.putOutput({
      index: l2OutputIndex,
      outputRoot: root,
      l1Timestamp,
      l2BlockNumber,
      l1Block,
      transactionHash,
    })
  }

  async function stands({ number, hash }: BlockId): Promise<boolean> {
    return (await l1.header(number))?.hash === hash
  }

  async function truncateTo(keep: (output: StoredOutput) => boolean | Promise<boolean>): Promise<void> {
    let count = store.outputCount()
    for (; count > firstOutput.index; count--) {
      const last = store.outputByIndex(count - 1n)
      if (last !== undefined && (await keep(last))) break
    }
    if (count < store.outputCount()) await truncate(count)
  }

  async function truncate(wanted: bigint): Promise<void> {
    // An index and its block belong together for ever, so outputs before the first one never become ones to check.
    const count = wanted > firstOutput.index ? wanted : firstOutput.index
    await store.truncateOutputs(count)
    if (checked > count) checked = count
    wrong = wrong.filter(({ output }) => output.index < count)
    metrics.wrongOutputs.set(wrong.length)
  }

  function compare(): void {
    for (; checked < store.outputCount(); checked++) {
      const output = store.outputByIndex(checked)
      // An output may be ahead of the batches it was made from; it is compared when they are here.
      if (output === undefined || output.l2BlockNumber > store.heads().safe.number) return
      const expected = expectedRoot(output.l2BlockNumber)
      const isRight = expected === output.outputRoot
      metrics.checkedOutputs.inc({ result: isRight ? 'match' : 'mismatch' })
      if (!isRight) report({ output, expected })
      else if (isFirstSinceSnapshot(output))
        logger.info(shown(output), 'the first output since the snapshot matches')
      else logger.debug(shown(output), 'output matches')
    }
  }

  function isFirstSinceSnapshot({ index }: StoredOutput): boolean {
    return baseBlock.number > 0n && index === firstOutput.index
  }

  function report(found: WrongOutput): void {
    wrong = [...wrong, found]
    metrics.wrongOutputs.set(wrong.length)
    const { index, l2BlockNumber, outputRoot: posted, transactionHash } = found.output
    // Whether a human must act is known when L1 was read to its head: the output may have been deleted since.
    logger.warn(
      { index, l2BlockNumber, posted, expected: found.expected, transactionHash },
      'an output on L1 is not the output of the derived chain',
    )
    onWrong?.(found)
  }

  function expectedRoot(number: bigint): Hex {
    const block = store.blockByNumber(number)
    if (block === undefined)
      throw new CriticalFault(`the database lacks block ${number}: derive it into a new one`)
    return outputRootOf(block)
  }

  return {
    async follow(header) {
      const cursor = cursors.at(-1)
      if (header.number === cursor?.number && header.hash !== cursor.hash) {
        throw new ResetFault(`L1 block ${header.number} is not the one that was read of the output oracle`)
      }
      for (
        let number = cursor === undefined ? firstToRead() : cursor.number + 1n;
        number <= header.number;
        number++
      ) {
        const next = number === header.number ? header : await l1.header(number)
        if (next === undefined || !followsWhatWasRead(next)) {
          throw new ResetFault(`L1 block ${number} does not follow what was read of the output oracle`)
        }
        await read(next)
        cursors = [...cursors.slice(1 - KEPT_CURSORS), { number: next.number, hash: next.hash }]
      }
      compare()
    },
    async reset() {
      while (cursors.length > 0 && !(await stands(cursors.at(-1) as BlockId))) cursors = cursors.slice(0, -1)
      const last = cursors.at(-1)
      // All that was read up to a cursor that stands does too, and is not asked of an L1 that may move meanwhile.
      await truncateTo(({ l1Block }) =>
        last === undefined ? stands(l1Block) : l1Block.number <= last.number,
      )
      const safe = store.heads().safe.number
      let reached = store.outputCount()
      while (reached > firstOutput.index && (store.outputByIndex(reached - 1n)?.l2BlockNumber ?? 0n) > safe)
        reached--
      if (checked > reached) checked = reached
      wrong = wrong.filter(({ output }) => output.index < checked)
      metrics.wrongOutputs.set(wrong.length)
    },
    wrongOutputs: () => wrong,
  }
}

function shown({ index, l2BlockNumber, outputRoot: root }: StoredOutput) {
  return { index, l2BlockNumber, outputRoot: root }
}

function decode<const E extends 'OutputProposed' | 'OutputsDeleted'>(log: L1Log, eventName: E) {
  const topics = [...log.topics] as [Hex, ...Hex[]]
  const { args } = decodeEventLog({ abi: outputOracleAbi, eventName, topics, data: log.data, strict: true })
  return args
}
