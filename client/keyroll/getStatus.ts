import type { Client, Hex } from 'viem'
import type { JsonObject } from '../../protocol/index.ts'
import { WrongNodeAnswerError } from '../errors.ts'
import { readSignedPromise } from './readSignedPromise.ts'
import { requestKeyroll } from './requestKeyroll.ts'
import { SET_CONFIG_STAGES, type SetConfigStage, type SetConfigStatus } from './SetConfigStatus.ts'

/** Which set-config to ask for: the hash of its raw bytes. */
export type GetStatusParameters = { transactionHash: Hex }

const METHOD = 'keyroll_getStatus'

/**
 * Asks a Keyroll node how far a set-config has come.
 *
 * @throws {KeyrollRefusedError}
 * @throws {WrongNodeAnswerError} also when the node answers for another set-config.
 */
export async function getStatus(
  client: Client,
  { transactionHash }: GetStatusParameters,
): Promise<SetConfigStatus> {
  const answer = await requestKeyroll(client, METHOD, [transactionHash])
  const answered = answer.hex('transactionHash', 32)
  if (answered !== transactionHash.toLowerCase()) {
    throw new WrongNodeAnswerError(METHOD, `got the status of ${answered}, expected ${transactionHash}`)
  }
  return {
    stage: readStage(answer.text('stage')),
    transactionHash: answered,
    ...(answer.has('promise') && { signedPromise: readSignedPromise(METHOD, answer) }),
    ...(answer.has('displacedReason') && { displacedReason: answer.text('displacedReason') }),
    ...(answer.has('blockNumber') && { blockNumber: answer.quantity('blockNumber', 64) }),
    ...(answer.has('blockHash') && { blockHash: answer.hex('blockHash', 32) }),
    ...(answer.has('valid') && { valid: answer.boolean('valid') }),
    ...(answer.has('invalidReason') && { invalidReason: answer.text('invalidReason') }),
    ...(answer.has('l1') && { l1: readL1(answer.object('l1')) }),
    ...(answer.has('output') && { output: readOutput(answer.object('output')) }),
  }
}

function readStage(text: string): SetConfigStage {
  const stage = SET_CONFIG_STAGES.find((known) => known === text)
  if (stage !== undefined) return stage
  throw new WrongNodeAnswerError(METHOD, `got stage ${text}, expected one of ${SET_CONFIG_STAGES.join(', ')}`)
}

function readL1(l1: JsonObject) {
  return {
    blockNumber: l1.quantity('blockNumber', 64),
    blockHash: l1.hex('blockHash', 32),
    transactionHash: l1.has('transactionHash') ? l1.hex('transactionHash', 32) : undefined,
  }
}

function readOutput(output: JsonObject) {
  return {
    index: output.quantity('index', 64),
    outputRoot: output.hex('outputRoot', 32),
    l1Timestamp: output.quantity('l1Timestamp', 64),
    l2BlockNumber: output.quantity('l2BlockNumber', 64),
  }
}
