import { type Address, type Client, type Hex, numberToHex } from 'viem'
import { readContract } from 'viem/actions'
import { outputOracleAbi } from '../contracts/index.ts'
import {
  commitmentOf,
  commitmentSlot,
  decodeRlp,
  fromHex,
  inputsHashOf,
  KeyrollError,
  keccak,
  type OutputCommitment,
  rlpToBytes,
  rlpToList,
  slotToKey,
  storageValueFromRlp,
  toHex,
  verifyTrieProof,
} from '../protocol/index.ts'
import { answered, ask, toAnswer } from './ask.ts'
import { WrongAnswerError } from './errors.ts'
import type { L1Header } from './L1Header.ts'

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
 */
export async function proveCommitment(
  l1: Client,
  header: L1Header,
  oracle: Address,
  index: bigint,
): Promise<ProvenCommitment> {
  const slot = commitmentSlot(index)
  // Not every node takes a slot that is not padded to 32 bytes, and this one is.
  const json = await ask('L1 node', l1, 'eth_getProof', [oracle, [slot], numberToHex(header.number)])
  const answer = toAnswer('L1 node', 'eth_getProof', json)
  const accountProof = answer.hexList('accountProof').map((node) => fromHex(node))
  const storageProof = toAnswer('L1 node', 'eth_getProof', answer.list('storageProof')[0])
    .hexList('proof')
    .map((node) => fromHex(node))
  try {
    const account = verifyTrieProof(header.stateRoot, keccak(fromHex(oracle)), accountProof)
    if (account === undefined) {
      throw new WrongAnswerError('L1 node', `no OutputOracle stands at ${oracle} in block ${header.number}`)
    }
    const storageRoot = toHex(rlpToBytes(rlpToList(decodeRlp(account), 4)[2], 32))
    const value = verifyTrieProof(storageRoot, slotToKey(slot), storageProof)
    const word = value === undefined ? undefined : storageValueFromRlp(value)
    return { word, accountProof, storageProof }
  } catch (cause) {
    if (cause instanceof WrongAnswerError || !(cause instanceof KeyrollError)) throw cause
    const details = `the proof of slot ${slot} does not hold under block ${header.hash}: ${cause.message}`
    throw new WrongAnswerError('L1 node', details, { cause })
  }
}

/**
 * Reads the preimage of an output's word at an L1 block.
 *
 * @throws {WrongAnswerError} when it does not hash to the word.
 */
export async function getOutputCommitment(
  l1: Client,
  header: L1Header,
  oracle: Address,
  index: bigint,
  word: Hex,
): Promise<OutputCommitment> {
  const contract = {
    address: oracle,
    abi: outputOracleAbi,
    args: [index],
    blockNumber: header.number,
  } as const
  const [output, inputs] = await Promise.all([
    answered('L1 node', 'getL2Output', readContract(l1, { ...contract, functionName: 'getL2Output' })),
    answered(
      'L1 node',
      'getOutputInputs',
      readContract(l1, { ...contract, functionName: 'getOutputInputs' }),
    ),
  ])
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
    `what it says of output ${index} hashes to ${computed}, but its state proves ${word}`,
  )
}
