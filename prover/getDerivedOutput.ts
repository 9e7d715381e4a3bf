import { type Client, type Hex, numberToHex } from 'viem'
import { type OutputCommitment, outputRoot } from '../protocol/index.ts'
import { ask, toAnswer } from './ask.ts'
import { LaggingError, OutputDisputedError } from './errors.ts'

/** What of a Keyroll block an output root commits to. */
type OutputParts = { stateRoot: Hex; keystoreRoot: Hex; blockHash: Hex }

/**
 * Reads the parts of an output root from the Keyroll node, once it has derived the block from L1.
 *
 * @throws {LaggingError} when it has not derived the block yet.
 * @throws {OutputDisputedError} when it derived another output.
 * @throws {WrongAnswerError}
 */
export async function getDerivedOutput(
  keyroll: Client,
  outputIndex: bigint,
  { outputRoot: proposed, l2BlockNumber }: OutputCommitment,
): Promise<OutputParts> {
  await assertDerived(keyroll, l2BlockNumber)
  const derived = await readOutput(keyroll, l2BlockNumber)
  const computed = outputRoot(derived)
  if (computed !== proposed) throw new OutputDisputedError(outputIndex, proposed, computed)
  return derived
}

async function readOutput(keyroll: Client, l2BlockNumber: bigint): Promise<OutputParts> {
  const json = await ask('Keyroll node', keyroll, 'eth_getBlockByNumber', [numberToHex(l2BlockNumber), false])
  if (json === null) throw new LaggingError('Keyroll node', `it does not have block ${l2BlockNumber}`)
  const block = toAnswer('Keyroll node', `block ${l2BlockNumber}`, json)
  return {
    stateRoot: block.hex('stateRoot', 32),
    keystoreRoot: block.hex('withdrawalsRoot', 32),
    blockHash: block.hex('hash', 32),
  }
}

/** Blocks above the safe head are the sequencer's word: what L1 says of them may be something else. */
async function assertDerived(keyroll: Client, l2BlockNumber: bigint): Promise<void> {
  const json = await ask('Keyroll node', keyroll, 'eth_getBlockByNumber', ['safe', false])
  const safe = toAnswer('Keyroll node', 'its safe head', json).quantity('number', 64)
  if (safe >= l2BlockNumber) return
  throw new LaggingError(
    'Keyroll node',
    `it has derived up to block ${safe}, and the output is of block ${l2BlockNumber}`,
  )
}
