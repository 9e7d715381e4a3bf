import { type Client, type Hex, numberToHex } from 'viem'
import { type OutputCommitment, outputRoot } from '../protocol/index.ts'
import { ask, toAnswer } from './ask.ts'
import { LaggingError, OutputDisputedError } from './errors.ts'

/**
 * Reads the parts of an output root from the Keyroll node, which derived them.
 *
 * @throws {LaggingError} when it does not have the block.
 * @throws {OutputDisputedError} when it derived another output.
 */
export async function getDerivedOutput(
  keyroll: Client,
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
