import { readFileSync } from 'node:fs'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type Address, type Hex, isAddress, isHex, type LocalAccount } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import {
  type Config,
  configFromJson,
  KeyrollError,
  parseRollupConfig,
  type RollupConfig,
} from '../protocol/index.ts'
import { CliError } from './CliError.ts'

/** Makes an option whose environment twin is `KEYROLL_` and the flag in capitals; a value that it takes is not empty. */
export function option(flags: string, description: string): Option {
  const option = new Option(flags, description)
  if (option.required) option.argParser(parseText)
  return option.env(`KEYROLL_${option.name().toUpperCase().replaceAll('-', '_')}`)
}

/** Reads the environment twins of a command's switches: commander takes whatever stands there for yes, `false` as well. */
export function readSwitches(command: Command): void {
  for (const option of command.options) {
    const name = option.attributeName()
    if (!option.isBoolean() || command.getOptionValueSource(name) !== 'env') continue
    const text = process.env[option.envVar ?? ''] ?? ''
    if (!['true', 'false', '1', '0'].includes(text)) {
      throw new CliError(`${option.envVar}: got ${JSON.stringify(text)}, expected true or false`)
    }
    command.setOptionValueWithSource(name, text === 'true' || text === '1', 'env')
  }
}

function parseText(text: string): string {
  if (text === '') throw new InvalidArgumentError('expected something.')
  return text
}

/** Parses a TCP port, 0 for any free one. */
export function parsePort(text: string): number {
  return parseWhole(text, 65_535)
}

/** Parses a whole number of at least 1. */
export function parseCount(text: string): number {
  return parseWhole(text, 2 ** 32 - 1, 1)
}

/** Parses a time in milliseconds that a timer can wait: Node's end at once what is longer. */
export function parseMilliseconds(text: string): number {
  return parseWhole(text, 2 ** 31 - 1, 1)
}

/** Parses an unsigned integer that may exceed 2^53. */
export function parseQuantity(text: string): bigint {
  if (!/^\d{1,20}$/.test(text)) throw new InvalidArgumentError('expected a whole number.')
  return BigInt(text)
}

function parseWhole(text: string, maximum: number, minimum = 0): number {
  const number = Number(text)
  if (/^\d{1,10}$/.test(text) && number >= minimum && number <= maximum) return number
  throw new InvalidArgumentError(`expected a whole number from ${minimum} to ${maximum}.`)
}

/** Parses the URL of an HTTP API, without the slash at its end. */
export function parseHttpUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new InvalidArgumentError('expected a URL that starts with http:// or https://.')
  }
  return text.replace(/\/+$/, '')
}

/** Parses the URL of a JSON-RPC node, over HTTP or WebSocket. */
export function parseRpcUrl(text: string): string {
  if (URL.canParse(text) && /^(https?|wss?):$/.test(new URL(text).protocol)) return text
  throw new InvalidArgumentError('expected a URL that starts with ws://, wss://, http:// or https://.')
}

/** Parses one of several URLs, each in its own flag or separated by commas. */
export function parseHttpUrls(text: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, ...text.split(',').map((url) => parseHttpUrl(url.trim()))]
}

/** Parses an address, refusing a wrong checksum. */
export function parseAddress(text: string): Address {
  if (!isAddress(text))
    throw new InvalidArgumentError('expected an address of 20 bytes with a right checksum.')
  return text
}

/** Parses 32 bytes in hex, such as a keystore id. */
export function parseHash(text: string): Hex {
  if (!isHex(text) || text.length !== 66) throw new InvalidArgumentError('expected 32 bytes in hex, with 0x.')
  return text.toLowerCase() as Hex
}

/** Parses a block tag or number, in decimal or hex, into what JSON-RPC takes. */
export function parseBlock(text: string): string {
  if (['latest', 'safe', 'finalized', 'earliest'].includes(text) || /^0x[0-9a-f]{1,16}$/i.test(text))
    return text
  if (/^\d{1,19}$/.test(text)) return `0x${BigInt(text).toString(16)}`
  throw new InvalidArgumentError(
    'expected latest, safe, finalized, earliest, or a block number in decimal or hex.',
  )
}

/** Reads a rollup config from its file. @throws {CliError} when it cannot be read or is wrong. */
export function readRollupConfig(file: string): RollupConfig {
  return parseFile(file, parseRollupConfig)
}

/** Reads a keystore's config from its file. @throws {CliError} when it cannot be read or is wrong. */
export function readConfig(file: string): Config {
  return parseFile(file, configFromJson)
}

function parseFile<T>(file: string, parse: (json: unknown) => T): T {
  const json = readJson(file)
  try {
    return parse(json)
  } catch (cause) {
    if (!(cause instanceof KeyrollError)) throw cause
    throw new CliError(`${file}: ${cause.message}`, { cause })
  }
}

function readJson(file: string): unknown {
  const text = readText(file)
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new CliError(`${file}: got text that is not JSON`, { cause })
  }
}

/** Reads a text file. @throws {CliError} when it cannot be read. */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new CliError(`${file}: cannot be read (${cause instanceof Error ? cause.message : cause})`, {
      cause,
    })
  }
}

/**
 * Reads a private key from the file of `--<name>-key-file`, or from the environment variable `KEYROLL_<NAME>_KEY`.
 * There is no flag for the key itself: every user of a machine sees the flags of its processes.
 *
 * @throws {CliError} when there is none, or it is malformed; the message never holds the key.
 */
export function readKey(name: string, file: string | undefined): Hex {
  const key = readOptionalKey(name, file)
  if (key !== undefined) return key
  throw new CliError(`no ${name} key: set ${keyVariable(name)} or --${name}-key-file`)
}

/** Reads a private key as {@link readKey} does; undefined when there is none. */
export function readOptionalKey(name: string, file: string | undefined): Hex | undefined {
  const secret = readSecret(keyVariable(name), file)
  if (secret === undefined) return undefined
  const { text, where } = secret
  if (!/^0x[0-9a-fA-F]{64}$/.test(text))
    throw new CliError(`${where}: expected a private key, 0x and 64 hex digits`)
  try {
    privateKeyToAccount(text as Hex)
  } catch {
    throw new CliError(`${where}: got 32 bytes that are no private key of secp256k1`)
  }
  return text as Hex
}

/** Reads the account of a private key, see {@link readKey}. */
export function readAccount(name: string, file: string | undefined): LocalAccount {
  return privateKeyToAccount(readKey(name, file))
}

/** Reads a secret from a file, else from an environment variable; undefined when there is neither. */
export function readSecret(
  variable: string,
  file: string | undefined,
): { text: string; where: string } | undefined {
  const text = file === undefined ? process.env[variable] : readText(file)
  return text === undefined ? undefined : { text: text.trim(), where: file ?? variable }
}

function keyVariable(name: string): string {
  return `KEYROLL_${name.toUpperCase().replaceAll('-', '_')}_KEY`
}
