import type { Address, Client, Hex } from 'viem'
import { readContract } from 'viem/actions'
import { outputOracleAbi } from '../contracts/index.ts'
import { commitmentOf, commitmentSlot, inputsHashOf, type OutputCommitment } from '../protocol/index.ts'
import { answered, answeredAt } from './ask.ts'
import type { BlockHeader } from './BlockHeader.ts'
import { WrongAnswerError } from './errors.ts'
import { proveStorage } from './proveStorage.ts'

/** What L1 state says about one output: its word in the OutputOracle, proven, or proven absent. */
export type ProvenCommitment = {
  word: Hex | undefined
  accountProof: Uint8Array[]
  storageProof: Uint8Array[]
}

/**
 * Reads and checks the proof of an output's word under an L1 header's state root.
 *
 * @throws {WrongAnswerError} when the proof does not hold.
 * @throws {LaggingError}
 * @throws {BlockTooOldError}
 */
export async function proveCommitment(
  l1: Client,
  header: BlockHeader,
  oracle: Address,
  index: bigint,
): Promise<ProvenCommitment> {
  const proven = await proveStorage('L1 node', l1, header, oracle, commitmentSlot(index))
  if (proven !== undefined) {
    const { value: word, ...proofs } = proven
    return { word, ...proofs }
  }
  throw new WrongAnswerError('L1 node', `no OutputOracle stands at ${oracle} in block ${header.number}`)
}

/**
 * Reads the preimage of an output's word in an L1 block.
 *
 * @throws {WrongAnswerError} when it does not hash to the word.
 * @throws {LaggingError} when the node does not answer, and its head is below the block.
 * @throws {BlockTooOldError} when it does not answer, and keeps no state of blocks as old as this.
 */
export async function getOutputCommitment(
  l1: Client,
  blockNumber: bigint,
  oracle: Address,
  index: bigint,
  word: Hex,
): Promise<OutputCommitment> {
  const contract = { address: oracle, abi: outputOracleAbi, args: [index], blockNumber } as const
  const asking = Promise.all([
    answered('L1 node', 'getL2Output', readContract(l1, { ...contract, functionName: 'getL2Output' })),
    answered(
      'L1 node',
      'getOutputInputs',
      readContract(l1, { ...contract, functionName: 'getOutputInputs' }),
    ),
  ])
  const [output, inputs] = await answeredAt('L1 node', l1, blockNumber, asking)
  const parts: OutputCommitment = {
    outputRoot: output.outputRoot,
    l1Timestamp: output.timestamp,
    l2BlockNumber: output.l2BlockNumber,
    inputsHash: inputsHashOf(inputs),
  }
  const computed = commitmentOf(index, parts)
  if (computed === word) return parts
  throw new WrongAnswerError(
    'L1 node',
    `what it says of output ${index} hashes to ${computed}, but its word there is ${word}`,
  )
}
