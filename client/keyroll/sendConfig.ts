import type { Client, Hex } from 'viem'
import type { SignedPromise } from '../../protocol/index.ts'
import { readSignedPromise } from './readSignedPromise.ts'
import { requestKeyroll } from './requestKeyroll.ts'

/** A signed set-config in its raw bytes. */
export type SendConfigParameters = { raw: Hex }

const METHOD = 'keyroll_sendConfig'

/**
 * Hands a set-config to the sequencer, which answers with its promise once the set-config is on its disk.
 *
 * The promise is as good as its signature: check it with `findPromiseFault`.
 *
 * @throws {KeyrollRefusedError} with the reason, when the sequencer does not take it.
 * @throws {WrongNodeAnswerError}
 */
export async function sendConfig(client: Client, { raw }: SendConfigParameters): Promise<SignedPromise> {
  return readSignedPromise(METHOD, await requestKeyroll(client, METHOD, [raw]))
}
