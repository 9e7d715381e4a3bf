import { type Address, encodeFunctionData, type Hex, numberToHex, zeroHash } from 'viem'
import { keystoreReplicaAbi } from '../contracts/index.ts'
import { type OutputCommitment, outputRoot, toHex } from '../protocol/index.ts'
import { ask, toAnswer } from './ask.ts'
import { getOutputCommitment, type ProvenCommitment, proveCommitment } from './commitment.ts'
import {
  LaggingError,
  NotVouchedError,
  OutputDisputedError,
  OutputStandsError,
  RootFinalizedError,
} from './errors.ts'
import { getL1Header, type L1Header } from './L1Header.ts'
import type { ProverContext } from './ProverContext.ts'
import { getReplicaParameters, getReplicaRoot, type OutputProof } from './replica.ts'
import type { VouchedBlock } from './VouchedBlock.ts'
import { isVouched, vouch } from './vouch.ts'

/** Which output to prove, and by which source. */
export type ProveOutputParameters = {
  source: Address
  outputIndex: bigint
  /** What a `checkpoint()` of the source stored; without it the proof starts from what the chain says now. */
  checkpoint?: Hex
}

/** A proof for `updateRoot`, checked in every step. */
export type ProvenOutput = {
  proof: OutputProof
  /** The call of `updateRoot` with this proof. */
  data: Hex
  /** The L1 block whose state the proof is of. Time in seconds. */
  l1Block: { hash: Hex; number: bigint; timestamp: bigint }
  /** Whether the replica's root will be finalized. */
  isFinal: boolean
}

/** What both proofs begin with: an L1 block that the source vouches for, and the output's word in its state. */
type Opened = {
  header: L1Header
  vouched: VouchedBlock
  commitment: ProvenCommitment
  oracle: Address
  challengePeriod: number
}

/**
 * Makes the proof with which `updateRoot` learns an output (protocol.md §7.2).
 *
 * @throws {RootFinalizedError} when the replica needs no proof any more.
 * @throws {LaggingError} when a party does not know yet what the proof needs, such as the L2 an L1 block that is late enough.
 * @throws {WrongAnswerError} when a party's answer does not hold.
 * @throws {OutputDisputedError} when the Keyroll node derived another output.
 * @throws {NotVouchedError} when the source moved on meanwhile.
 */
export async function proveOutput(
  context: ProverContext,
  parameters: ProveOutputParameters,
): Promise<ProvenOutput> {
  const { outputIndex } = parameters
  const opened = await open(context, parameters)
  const { header, commitment, oracle } = opened
  if (commitment.word === undefined) {
    const details = `output ${outputIndex} does not stand in L1 block ${header.number}, the newest its source knows`
    throw new LaggingError('L2 node', details)
  }
  const parts = await getOutputCommitment(context.l1, header, oracle, outputIndex, commitment.word)
  const derived = await getDerivedOutput(context, outputIndex, parts)
  const { l1Timestamp, l2BlockNumber, inputsHash } = parts
  const output = { index: outputIndex, ...derived, l1Timestamp, l2BlockNumber, inputsHash }
  return complete(context, parameters, opened, output)
}

/**
 * Makes the proof with which `updateRoot` forgets an output that was deleted (protocol.md §7.2).
 *
 * @throws {OutputStandsError} when it stands.
 * @throws as {@link proveOutput}.
 */
export async function proveOutputAbsence(
  context: ProverContext,
  parameters: ProveOutputParameters,
): Promise<ProvenOutput> {
  const { outputIndex } = parameters
  const opened = await open(context, parameters)
  if (opened.commitment.word !== undefined) throw new OutputStandsError(outputIndex, opened.header.number)
  return complete(context, parameters, opened, {
    index: outputIndex,
    stateRoot: zeroHash,
    keystoreRoot: zeroHash,
    blockHash: zeroHash,
    l1Timestamp: 0n,
    l2BlockNumber: 0n,
    inputsHash: zeroHash,
  })
}

async function open(context: ProverContext, parameters: ProveOutputParameters): Promise<Opened> {
  const { l1, l2, beaconUrl, replica } = context
  const { source, outputIndex, checkpoint } = parameters
  const [root, { outputOracle, challengePeriod }] = await Promise.all([
    getReplicaRoot(l2, replica, source, outputIndex),
    getReplicaParameters(l2, replica),
  ])
  if (root.finalized) throw new RootFinalizedError(source, outputIndex)

  const vouched = await vouch({ l2, beaconUrl, source, checkpoint })
  const header = await getL1Header(l1, vouched.hash)
  if (header.number <= root.l1BlockNumber) {
    const seen = `the replica saw output ${outputIndex} in L1 block ${root.l1BlockNumber} already`
    throw new LaggingError('L2 node', `its source vouches for L1 block ${header.number} only, and ${seen}`)
  }
  const commitment = await proveCommitment(l1, header, outputOracle, outputIndex)
  return { header, vouched, commitment, oracle: outputOracle, challengePeriod }
}

async function complete(
  { l2 }: ProverContext,
  { source }: ProveOutputParameters,
  { header, vouched, commitment, challengePeriod }: Opened,
  output: OutputProof['output'],
): Promise<ProvenOutput> {
  if (!(await isVouched(l2, source, vouched))) throw new NotVouchedError(source, vouched.hash)
  const proof: OutputProof = {
    source,
    sourceProof: vouched.sourceProof,
    header: toHex(header.rlp),
    accountProof: commitment.accountProof.map(toHex),
    storageProof: commitment.storageProof.map(toHex),
    output,
  }
  const { hash, number, timestamp } = header
  return {
    proof,
    data: encodeFunctionData({ abi: keystoreReplicaAbi, functionName: 'updateRoot', args: [proof] }),
    l1Block: { hash, number, timestamp },
    isFinal: commitment.word !== undefined && timestamp >= output.l1Timestamp + BigInt(challengePeriod),
  }
}

/** Reads the parts of an output root from the Keyroll node, which derived them. */
async function getDerivedOutput(
  { keyroll }: ProverContext,
  outputIndex: bigint,
  { outputRoot: proposed, l2BlockNumber }: OutputCommitment,
): Promise<{ stateRoot: Hex; keystoreRoot: Hex; blockHash: Hex }> {
  const json = await ask('Keyroll node', keyroll, 'eth_getBlockByNumber', [numberToHex(l2BlockNumber), false])
  if (json === null) throw new LaggingError('Keyroll node', `it does not have block ${l2BlockNumber}`)
  const block = toAnswer('Keyroll node', `block ${l2BlockNumber}`, json)
  const derived = {
    stateRoot: block.hex('stateRoot', 32),
    keystoreRoot: block.hex('withdrawalsRoot', 32),
    blockHash: block.hex('hash', 32),
  }
  const computed = outputRoot(derived)
  if (computed !== proposed) throw new OutputDisputedError(outputIndex, proposed, computed)
  return derived
}
