import { DEPOSIT_TX_TYPE, type RollupConfig } from '../../protocol/index.ts'
import { type BlockId, type BlockRef, blockToRef } from '../BlockRef.ts'
import { TemporaryFault } from '../Fault.ts'
import type { L1Client } from '../l1/L1Client.ts'
import type { L1Header } from '../l1/L1Header.ts'
import type { L1Outputs, ProvenOutput } from '../l1/L1Outputs.ts'
import type { SnapshotReading } from './readSnapshot.ts'
import type { SnapshotHead, SnapshotOutput } from './Snapshot.ts'
import { RefusedSnapshotError, type SnapshotRefusal } from './snapshotErrors.ts'

/** What a snapshot is compared with. */
export type SnapshotCheckOptions = {
  l1: Pick<L1Client, 'assertChainId' | 'header' | 'headerByHash' | 'transactions'>
  outputs: L1Outputs
  rollup: RollupConfig
  /** Takes an output that may still be deleted: whoever posted it is then believed. */
  acceptsProposed: boolean
}

/**
 * Makes sure that L1 bears a snapshot out (docs/snapshot.md): its output stands in the state of a finalized L1 block, past its challenge
 * period, and commits to its base; and the L1 blocks it names are L1's.
 *
 * @throws {RefusedSnapshotError} when L1 contradicts it, or does not yet say enough.
 * @throws {TemporaryFault} when L1 cannot be read.
 * @throws {CriticalFault} when L1 is another chain.
 */
export async function checkSnapshotOnL1(
  { head, anchor }: Pick<SnapshotReading, 'head' | 'anchor'>,
  options: SnapshotCheckOptions,
): Promise<void> {
  const { l1, rollup } = options
  await l1.assertChainId(rollup.l1ChainId)
  const finalized = await l1.header('finalized')
  if (finalized === undefined) refuse('NOTHING_FINALIZED', 'L1 has finalized no block yet')
  await requireCanonical(l1, rollup.genesis.l1, finalized, 'the rollup’s genesis')
  await requireCanonical(l1, head.output.l1Block, finalized, `output ${head.output.index}`)
  const output = await requireOutput(options, head.output, finalized)
  if (output.outputRoot !== anchor.outputRoot || output.l2BlockNumber !== anchor.number) {
    refuse(
      'OUTPUT_DIFFERS',
      `output ${head.output.index} on L1 is ${output.outputRoot} of block ${output.l2BlockNumber}, but the snapshot's is ${anchor.outputRoot} of block ${anchor.number}`,
    )
  }
  await requireFinal(options, head.output.index, output, finalized)
  await requireFirstOutput(options, head, finalized)
  await requireInclusion(options, head, finalized)
}

/** Reads an output that must stand at a finalized L1 block, proposed in the L1 block that the snapshot names. */
async function requireOutput(
  { l1, outputs }: SnapshotCheckOptions,
  { index, l1Block }: SnapshotOutput,
  finalized: L1Header,
): Promise<ProvenOutput> {
  const output = await outputs.outputAt(finalized, index)
  if (output === undefined) {
    refuse('OUTPUT_ABSENT', `output ${index} does not stand on L1: it was deleted, or never posted`)
  }
  const header = await l1.header(l1Block.number)
  if (header?.timestamp !== output.l1Timestamp) {
    refuse(
      'OUTPUT_DIFFERS',
      `output ${index} was posted at ${output.l1Timestamp}, not in L1 block ${l1Block.number}: it was deleted and posted again`,
    )
  }
  return output
}

/** An output past its challenge period can no longer be deleted; another has to stand at the newest L1 block at least. */
async function requireFinal(
  { l1, outputs, rollup, acceptsProposed }: SnapshotCheckOptions,
  index: bigint,
  output: ProvenOutput,
  finalized: L1Header,
): Promise<void> {
  const finalAt = output.l1Timestamp + BigInt(rollup.challengePeriod)
  if (finalized.timestamp >= finalAt) return
  if (!acceptsProposed) {
    const seconds = finalAt - finalized.timestamp
    refuse(
      'OUTPUT_CHALLENGEABLE',
      `output ${index} may still be deleted, for another ${seconds} seconds of L1's finalized time: wait, take an older snapshot, or accept proposed outputs (--accept-proposed)`,
    )
  }
  const latest = await l1.header('latest')
  if (latest === undefined) throw new TemporaryFault('L1 has no newest block')
  const now = await outputs.outputAt(latest, index)
  if (now?.outputRoot !== output.outputRoot) refuse('OUTPUT_ABSENT', `output ${index} has been deleted on L1`)
}

/** Outputs are read from the first one above the base: a later one would leave some unchecked, an earlier one is not of this chain. */
async function requireFirstOutput(
  options: SnapshotCheckOptions,
  { firstOutput, base }: SnapshotHead,
  finalized: L1Header,
): Promise<void> {
  await requireCanonical(options.l1, firstOutput.l1Block, finalized, `output ${firstOutput.index}`)
  const { l2BlockNumber } = await requireOutput(options, firstOutput, finalized)
  const baseNumber = base.block.header.number
  const previous = l2BlockNumber - options.rollup.submissionInterval
  if (l2BlockNumber > baseNumber && previous <= baseNumber) return
  refuse(
    'WRONG_FIRST_OUTPUT',
    `output ${firstOutput.index} is of block ${l2BlockNumber}, expected the first one above block ${baseNumber}`,
  )
}

/**
 * Makes sure of the L1 block that led to the base as far as L1 alone can tell; that it is the very one, derivation shows when it
 * comes to the output's block.
 */
async function requireInclusion(
  { l1, rollup }: SnapshotCheckOptions,
  { base: { block, inclusion } }: SnapshotHead,
  finalized: L1Header,
): Promise<void> {
  const { l1Block, transactionHash } = inclusion
  const ref = blockToRef(block)
  const carrier = await requireCanonical(l1, l1Block, finalized, `block ${ref.number} of the rollup`)
  const { number: originNumber } = ref.l1Origin
  const cannotBe = `block ${ref.number} of origin ${originNumber} cannot be the last that L1 block ${carrier.number} led to`
  if (carrier.number <= originNumber || carrier.number > originNumber + rollup.seqWindowSize) {
    refuse('WRONG_INCLUSION', cannotBe)
  }
  await requireCanonical(l1, ref.l1Origin, carrier, `the origin of block ${ref.number}`)
  const isNextForced = (await nextOriginNumber(l1, ref, rollup)) + rollup.seqWindowSize <= carrier.number
  if (isNextForced) refuse('WRONG_INCLUSION', cannotBe)
  if (transactionHash === undefined) {
    if (block.transactions.every((raw) => raw[0] === DEPOSIT_TX_TYPE)) return
    refuse('WRONG_INCLUSION', `block ${ref.number} holds set-configs, and no transaction that carried them`)
  }
  const carried = (await l1.transactions(carrier)).find(({ hash }) => hash === transactionHash)
  if (carried?.to === rollup.batchInboxAddress) return
  refuse('WRONG_INCLUSION', `L1 block ${carrier.number} has no transaction ${transactionHash} to the inbox`)
}

/** The origin that the block after `ref` has when nobody posts it (protocol.md §6). */
async function nextOriginNumber(
  l1: SnapshotCheckOptions['l1'],
  { l1Origin, timestamp }: BlockRef,
  { blockTime }: RollupConfig,
): Promise<bigint> {
  const next = await l1.header(l1Origin.number + 1n)
  return next === undefined || timestamp + blockTime < next.timestamp ? l1Origin.number : next.number
}

/** Gets the header of a block that must be at or below another and on L1. */
async function requireCanonical(
  l1: SnapshotCheckOptions['l1'],
  { number, hash }: BlockId,
  newest: L1Header,
  what: string,
): Promise<L1Header> {
  if (number > newest.number) {
    refuse(
      'NOT_FINALIZED',
      `L1 block ${number}, of ${what}, is after ${newest.number}: wait until L1 has finalized it`,
    )
  }
  const header = await l1.header(number)
  if (header?.hash === hash) return header
  refuse('L1_DIFFERS', `L1 block ${number}, of ${what}, is ${header?.hash ?? 'not there'}, expected ${hash}`)
}

function refuse(reason: SnapshotRefusal, message: string): never {
  throw new RefusedSnapshotError(reason, message)
}
