import { type Address, encodeFunctionData, type Hex, isAddressEqual, zeroHash } from 'viem'
import { getBlock } from 'viem/actions'
import { keystoreReplicaAbi } from '../contracts/index.ts'
import { toHex } from '../protocol/index.ts'
import { answered } from './ask.ts'
import { type BlockHeader, getBlockHeader } from './BlockHeader.ts'
import { getOutputCommitment, type ProvenCommitment, proveCommitment } from './commitment.ts'
import {
  BridgeProvesNothingError,
  LaggingError,
  NotVouchedError,
  OutputStandsError,
  RootFinalizedError,
  SourceNotActiveError,
} from './errors.ts'
import { getDerivedOutput } from './getDerivedOutput.ts'
import type { ProverContext } from './ProverContext.ts'
import { getReplicaParameters, getReplicaRoot, getSourceActiveAt, type OutputProof } from './replica.ts'
import { joinNodes } from './sharedProofs.ts'
import type { VouchedBlock } from './VouchedBlock.ts'
import { isVouched, vouch } from './vouch.ts'

/** What a replica says that the sources which it was deployed with are active from. */
const BUILT_IN = 1

/** Which output to prove, and by which source. */
export type ProveOutputParameters = {
  source: Address
  outputIndex: bigint
  /**
   * What a `checkpoint()` of the source stored; without it the proof starts from what the chain says now. A
   * BlockHashSource also takes the hash of any of L1's last 8,191 blocks.
   */
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
  /** Whether a transaction may come too late: then send `checkpoint` first, and prove from what it stored. */
  isFleeting: boolean
}

/** What both proofs begin with: an L1 block that the source vouches for, and the output's word in its state. */
type Opened = {
  header: BlockHeader
  vouched: VouchedBlock
  commitment: ProvenCommitment
  oracle: Address
  challengePeriod: number
}

/**
 * Makes the proof with which `updateRoot` learns an output (protocol.md §7.2).
 *
 * @throws {ReplicaAbsentError} when no replica stands at the context's address.
 * @throws {RootFinalizedError} when the replica needs no proof any more.
 * @throws {LaggingError} when a party does not know yet what the proof needs, such as the L2 an L1 block that is late enough.
 * @throws {WrongAnswerError} when a party's answer does not hold.
 * @throws {OutputDisputedError} when the Keyroll node derived another output.
 * @throws {NotVouchedError} when the source moved on meanwhile.
 * @throws {BlockTooOldError} when the source or a node has forgotten the block that the proof starts from.
 * @throws {SourceNotActiveError} when the replica does not know the source, or takes no proofs from it yet.
 * @throws {UnfitSourceError} when the source can vouch for nothing on this chain.
 * @throws {UnknownSourceError} when it is of none of the built-in kinds.
 * @throws {BridgeProvesNothingError} when it is the OutputBridge's alias.
 * @throws {BeaconApiMissingError}
 * @throws {ParentNodeMissingError}
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
  const parts = await getOutputCommitment(context.l1, header.number, oracle, outputIndex, commitment.word)
  const derived = await getDerivedOutput(context.keyroll, outputIndex, parts)
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
  const { l1, l2, replica } = context
  const { source, outputIndex, checkpoint } = parameters
  const [root, { outputOracle, challengePeriod, outputBridgeAlias }, activeAt] = await Promise.all([
    getReplicaRoot(l2, replica, source, outputIndex),
    getReplicaParameters(l2, replica),
    getSourceActiveAt(l2, replica, source),
  ])
  if (isAddressEqual(source, outputBridgeAlias)) throw new BridgeProvesNothingError(source)
  await assertActive(context, source, activeAt)
  if (root.finalized) throw new RootFinalizedError(source, outputIndex)

  const vouched = await vouch(context, { source, checkpoint })
  const header = await getBlockHeader('L1 node', l1, vouched.hash)
  if (header.number <= root.l1BlockNumber) {
    const seen = `the replica saw output ${outputIndex} in L1 block ${root.l1BlockNumber} already`
    throw new LaggingError('L2 node', `its source vouches for L1 block ${header.number} only, and ${seen}`)
  }
  const commitment = await proveCommitment(l1, header, outputOracle, outputIndex)
  return { header, vouched, commitment, oracle: outputOracle, challengePeriod }
}

async function assertActive(
  { l2, replica }: ProverContext,
  source: Address,
  activeAt: number,
): Promise<void> {
  if (activeAt === BUILT_IN) return
  const { timestamp } = await answered('L2 node', 'its newest block', getBlock(l2))
  if (activeAt === 0 || timestamp < activeAt) throw new SourceNotActiveError(source, replica, activeAt)
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
    accountProof: joinNodes(commitment.accountProof.map(toHex)),
    storageProof: joinNodes(commitment.storageProof.map(toHex)),
    output,
  }
  const { hash, number, timestamp } = header
  return {
    proof,
    data: encodeFunctionData({ abi: keystoreReplicaAbi, functionName: 'updateRoot', args: [proof] }),
    l1Block: { hash, number, timestamp },
    isFleeting: vouched.isFleeting,
    isFinal: commitment.word !== undefined && timestamp >= output.l1Timestamp + BigInt(challengePeriod),
  }
}
