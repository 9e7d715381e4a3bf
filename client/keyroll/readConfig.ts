import { type Config, ConfigJsonError, configFromJson, type JsonObject } from '../../protocol/index.ts'
import { WrongNodeAnswerError } from '../errors.ts'

/**
 * Reads the config in a node's answer; undefined when the node knows none.
 *
 * @throws {WrongNodeAnswerError} when it is none.
 */
export function readConfig(method: string, answer: JsonObject): Config | undefined {
  if (!answer.has('config')) return undefined
  try {
    return configFromJson(answer.raw('config'))
  } catch (cause) {
    if (!(cause instanceof ConfigJsonError)) throw cause
    throw new WrongNodeAnswerError(method, `config: ${cause.message}`, { cause })
  }
}
