import { readFileSync } from 'node:fs'
import type { Hex } from 'viem'
import { MAX_TRANSACTION_BYTES } from '../protocol/index.ts'
import { CliError } from './CliError.ts'
import { readText } from './options.ts'

/** Describes the argument of commands that take a set-config. */
export const RAW_ARGUMENT =
  'the bytes of the set-config in hex, a file that holds them, or - for standard input'

/**
 * Reads what {@link RAW_ARGUMENT} says.
 *
 * @throws {CliError} when it is not bytes in hex, or too many.
 */
export function readRaw(argument: string): Hex {
  const { text, where } = readArgument(argument)
  if (text === '' || text === '0x') throw new CliError(`${where}: got nothing, expected a set-config in hex`)
  if (!/^0x([0-9a-f]{2})+$/i.test(text)) {
    throw new CliError(`${where}: got text that is not bytes in hex, expected 0x and pairs of hex digits`)
  }
  const length = text.length / 2 - 1
  if (length > MAX_TRANSACTION_BYTES) {
    throw new CliError(`${where}: got ${length} bytes, expected at most ${MAX_TRANSACTION_BYTES}`)
  }
  return text.toLowerCase() as Hex
}

function readArgument(argument: string): { text: string; where: string } {
  if (/^(0x|$)/i.test(argument)) return { text: argument, where: 'the argument' }
  if (argument === '-') return { text: readFileSync(0, 'utf8').trim(), where: 'standard input' }
  return { text: readText(argument).trim(), where: argument }
}
