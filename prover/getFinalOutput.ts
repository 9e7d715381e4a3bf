import { type Hex, zeroHash } from 'viem'
import { getBlock, readContract } from 'viem/actions'
import { outputOracleAbi } from '../contracts/index.ts'
import { answered, answeredAt } from './ask.ts'
import { getOutputCommitment } from './commitment.ts'
import { LaggingError, OutputNotFinalError, RootFinalizedError } from './errors.ts'
import { getDerivedOutput } from './getDerivedOutput.ts'
import type { ProverContext } from './ProverContext.ts'
import { getReplicaParameters, getReplicaRoot, type OutputProof } from './replica.ts'

/** An output that nobody can delete any more, as the OutputBridge takes it. */
export type FinalOutput = OutputProof['output']

/**
 * Reads from L1, and checks against the Keyroll node, an output for the OutputBridge to send to the replica (protocol.md
 * §5.5). It takes no proof: the bridge reads the OutputOracle itself.
 *
 * @throws {ReplicaAbsentError} when no replica stands at the context's address.
 * @throws {RootFinalizedError} when the bridge has brought it already.
 * @throws {LaggingError} when the output does not stand on L1, or the Keyroll node has not derived its block (yet).
 * @throws {OutputNotFinalError} while its challenge period lasts.
 * @throws {WrongAnswerError} when what the L1 node says does not hash to the output's word.
 * @throws {OutputDisputedError} when the Keyroll node derived another output.
 */
export async function getFinalOutput(
  { l1, l2, keyroll, replica }: ProverContext,
  { outputIndex }: { outputIndex: bigint },
): Promise<FinalOutput> {
  const { outputOracle, challengePeriod, outputBridgeAlias } = await getReplicaParameters(l2, replica)
  const [root, head] = await Promise.all([
    getReplicaRoot(l2, replica, outputBridgeAlias, outputIndex),
    answered('L1 node', 'its newest block', getBlock(l1)),
  ])
  if (root.finalized) throw new RootFinalizedError(outputBridgeAlias, outputIndex)
  const reading = readContract(l1, {
    address: outputOracle,
    abi: outputOracleAbi,
    functionName: 'commitments',
    args: [outputIndex],
    blockNumber: head.number,
  })
  const asking = answered('L1 node', 'commitments', reading)
  const word: Hex = await answeredAt('L1 node', l1, head.number, asking)
  if (word === zeroHash) throw new LaggingError('L1 node', `output ${outputIndex} does not stand on it`)
  const parts = await getOutputCommitment(l1, head.number, outputOracle, outputIndex, word)
  const finalAt = parts.l1Timestamp + BigInt(challengePeriod)
  if (head.timestamp < finalAt) throw new OutputNotFinalError(outputIndex, finalAt, head.timestamp)
  const derived = await getDerivedOutput(keyroll, outputIndex, parts)
  const { l1Timestamp, l2BlockNumber, inputsHash } = parts
  return { index: outputIndex, ...derived, l1Timestamp, l2BlockNumber, inputsHash }
}
