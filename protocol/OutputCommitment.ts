import type { Hex } from 'viem'
import { fromHex, keccakHex } from './bytes.ts'
import { createWords, writeUint256 } from './words.ts'

/** The preimage of an output's word in the OutputOracle, but for its index (protocol.md §5.4). */
export type OutputCommitment = {
  outputRoot: Hex
  /** Seconds. */
  l1Timestamp: bigint
  l2BlockNumber: bigint
  inputsHash: Hex
}

/** How many submissions and deposits L1 held when an output was proposed, and the hash chains over them (protocol.md §5.4). */
export type OutputInputs = {
  inboxCount: bigint
  inboxChainHash: Hex
  depositCount: bigint
  depositChainHash: Hex
}

/** Computes the storage slot of an output's word: `commitments` is the mapping in slot 0 (protocol.md §5.4). */
export function commitmentSlot(index: bigint): Hex {
  const words = createWords(2)
  writeUint256(words, 0, index)
  return keccakHex(words)
}

/** Computes the hash of the inputs that an output was derived from (protocol.md §5.4). */
export function inputsHashOf(inputs: OutputInputs): Hex {
  const words = createWords(4)
  writeUint256(words, 0, inputs.inboxCount)
  words.set(fromHex(inputs.inboxChainHash, 32), 32)
  writeUint256(words, 2, inputs.depositCount)
  words.set(fromHex(inputs.depositChainHash, 32), 96)
  return keccakHex(words)
}

/** Computes an output's word (protocol.md §5.4). */
export function commitmentOf(index: bigint, output: OutputCommitment): Hex {
  const words = createWords(5)
  writeUint256(words, 0, index)
  words.set(fromHex(output.outputRoot, 32), 32)
  writeUint256(words, 2, output.l1Timestamp)
  writeUint256(words, 3, output.l2BlockNumber)
  words.set(fromHex(output.inputsHash, 32), 128)
  return keccakHex(words)
}
