import { type Hex, numberToHex } from 'viem'
import type { Authority, Config } from './Config.ts'
import { KeyrollError } from './errors.ts'

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
  const config = toObject('config', json)
  return {
    nonce: uintField(config, 'nonce', 64),
    signers: authorityFromJson('signers', config.signers),
    guardians: authorityFromJson('guardians', config.guardians),
    recoveryDelay: Number(uintField(config, 'recoveryDelay', 32)),
    maxStaleness: Number(uintField(config, 'maxStaleness', 32)),
    data: bytesField(config, 'data'),
  }
}

function authorityToJson({ root, threshold }: Authority): AuthorityJson {
  return { root, threshold: numberToHex(threshold) }
}

function authorityFromJson(name: string, json: unknown): Authority {
  const authority = toObject(name, json)
  return { root: bytesField(authority, 'root', 32), threshold: Number(uintField(authority, 'threshold', 8)) }
}

function toObject(name: string, json: unknown): Readonly<Record<string, unknown>> {
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return { ...json }
  throw new ConfigJsonError(name, json, 'an object')
}

function uintField(object: Readonly<Record<string, unknown>>, name: string, bits: number): bigint {
  const value = object[name]
  if (typeof value === 'string' && /^0x[0-9a-f]{1,16}$/i.test(value) && BigInt(value) < 2n ** BigInt(bits)) {
    return BigInt(value)
  }
  throw new ConfigJsonError(name, value, `a hex quantity below 2^${bits}`)
}

function bytesField(object: Readonly<Record<string, unknown>>, name: string, length?: number): Hex {
  const value = object[name]
  if (typeof value === 'string' && /^0x([0-9a-f]{2})*$/i.test(value)) {
    if (length === undefined || value.length === 2 + 2 * length) return value.toLowerCase() as Hex
  }
  throw new ConfigJsonError(name, value, `${length ?? 'any number of'} bytes in hex`)
}

/** Reports JSON that is not a config. */
export class ConfigJsonError extends KeyrollError {
  override readonly name = 'ConfigJsonError'
  constructor(field: string, got: unknown, expected: string) {
    super(`${field}: got ${JSON.stringify(got)?.slice(0, 80)}, expected ${expected}`)
  }
}
