import type { Client, Hex } from 'viem'
import { type Config, configHash, fromHex, type JsonObject, toHex } from '../../protocol/index.ts'
import { WrongNodeAnswerError } from '../errors.ts'
import { type BlockParameter, blockParameterToJson } from './BlockParameter.ts'
import { readConfig } from './readConfig.ts'
import { requestKeyroll } from './requestKeyroll.ts'

/** What a Keyroll node says is in force in a keystore. */
export type KeystoreConfig = {
  id: Hex
  configHash: Hex
  /** Whether anybody ever wrote the keystore; if not, its initial config is in force. */
  written: boolean
  /** Undefined when the node knows only the hash: of a keystore that nobody wrote. */
  config: Config | undefined
  /** The recovery that was started last, pending while its nonce is the next; `readyAt` is seconds of L2 time. */
  recovery: { configHash: Hex; readyAt: bigint } | undefined
  blockNumber: bigint
  blockHash: Hex
}

/** Which keystore to read, and at which block; the newest by default. */
export type GetConfigParameters = { id: Hex; block?: BlockParameter }

const METHOD = 'keyroll_getConfig'

/**
 * Reads the config in force in a keystore. The node is believed, but for a config that is not the one of its hash.
 *
 * @throws {KeyrollRefusedError}
 * @throws {WrongNodeAnswerError}
 */
export async function getConfig(
  client: Client,
  { id, block = 'latest' }: GetConfigParameters,
): Promise<KeystoreConfig> {
  const asked = toHex(fromHex(id, 32))
  const answer = await requestKeyroll(client, METHOD, [id, blockParameterToJson(block)])
  const hash = answer.hex('configHash', 32)
  const written = answer.boolean('written')
  const config = readConfig(METHOD, answer)
  if (config !== undefined && configHash(config) !== hash) {
    throw new WrongNodeAnswerError(METHOD, `got a config that does not hash to ${hash}`)
  }
  if (!written && hash !== asked) {
    throw new WrongNodeAnswerError(METHOD, `got ${hash} for a keystore that nobody wrote, expected its id`)
  }
  return {
    id: asked,
    configHash: hash,
    written,
    config,
    recovery: answer.has('recovery') ? readRecovery(answer.object('recovery')) : undefined,
    blockNumber: answer.quantity('blockNumber', 64),
    blockHash: answer.hex('blockHash', 32),
  }
}

function readRecovery(recovery: JsonObject): { configHash: Hex; readyAt: bigint } {
  return { configHash: recovery.hex('configHash', 32), readyAt: recovery.quantity('readyAt', 64) }
}
