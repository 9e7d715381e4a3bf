import { type Hex, numberToHex } from 'viem'
import type { Authority, Config } from './Config.ts'
import { KeyrollError } from './errors.ts'
import { type JsonObject, toJsonObject } from './JsonObject.ts'

/** An authority in JSON; the threshold is a hex quantity. */
export type AuthorityJson = { root: Hex; threshold: Hex }

/** A config as the JSON-RPC of a node shows it; numbers are hex quantities. */
export type ConfigJson = {
  nonce: Hex
  signers: AuthorityJson
  guardians: AuthorityJson
  recoveryDelay: Hex
  maxStaleness: Hex
  data: Hex
}

/** Turns a config into the JSON that {@link configFromJson} reads. */
export function configToJson(config: Config): ConfigJson {
  return {
    nonce: numberToHex(config.nonce),
    signers: authorityToJson(config.signers),
    guardians: authorityToJson(config.guardians),
    recoveryDelay: numberToHex(config.recoveryDelay),
    maxStaleness: numberToHex(config.maxStaleness),
    data: config.data,
  }
}

/**
 * Parses a config out of a node's answer.
 *
 * @throws {ConfigJsonError} naming the field that is missing, malformed or wider than its Solidity type.
 */
export function configFromJson(json: unknown): Config {
  const config = toJsonObject(json, (details) => new ConfigJsonError(details))
  return {
    nonce: config.quantity('nonce', 64),
    signers: authorityFromJson(config.object('signers')),
    guardians: authorityFromJson(config.object('guardians')),
    recoveryDelay: Number(config.quantity('recoveryDelay', 32)),
    maxStaleness: Number(config.quantity('maxStaleness', 32)),
    data: config.hex('data'),
  }
}

function authorityToJson({ root, threshold }: Authority): AuthorityJson {
  return { root, threshold: numberToHex(threshold) }
}

function authorityFromJson(authority: JsonObject): Authority {
  return { root: authority.hex('root', 32), threshold: Number(authority.quantity('threshold', 8)) }
}

/** Reports JSON that is not a config. */
export class ConfigJsonError extends KeyrollError {
  override readonly name = 'ConfigJsonError'
}
