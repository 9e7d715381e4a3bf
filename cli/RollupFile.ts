import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import type { RollupParameters, RollupPlan } from '../devnet/deployRollup.ts'
import { type RollupConfig, rollupConfigToJson } from '../protocol/index.ts'
import { CliError } from './CliError.ts'
import { parseHash } from './options.ts'

// While a rollup is deployed, the file of its config holds { "unfinished": its plan }, which no node takes for a config.

/** The parameters of a rollup whose chain id may be left to be drawn. */
export type WantedRollup = Omit<RollupParameters, 'l2ChainId'> & { l2ChainId: bigint | undefined }

/**
 * Reads the plan that an unfinished deployment of the same rollup left; undefined when there is no file.
 *
 * @throws {CliError} when the file is another one, or of a rollup with other parameters.
 */
export function readPlan(file: string, wanted: WantedRollup): RollupPlan | undefined {
  const text = readIfThere(file)
  if (text === undefined) return undefined
  const { l1ChainId, origin, parameters: begun } = parsePlan(file, text)
  const parameters = { ...wanted, l2ChainId: wanted.l2ChainId ?? begun.l2ChainId }
  const asText = (value: unknown) => String(value).toLowerCase()
  const names = Object.keys(parameters) as (keyof RollupParameters)[]
  const others = names.filter((name) => asText(begun[name]) !== asText(parameters[name]))
  if (others.length === 0) return { l1ChainId, origin, parameters }
  throw new CliError(
    `--out ${file}: an unfinished rollup is there, expected the same flags again; others are ${others.join(', ')}; ` +
      'to begin another rollup, name a new file',
  )
}

/** Writes the plan of a rollup to a new file. @throws {CliError} when that is not possible. */
export function writePlan(file: string, plan: RollupPlan): void {
  const toJson = (_: string, value: unknown) => (typeof value === 'bigint' ? `${value}` : value)
  try {
    writeFileSync(file, `${JSON.stringify({ unfinished: plan }, toJson, 2)}\n`, { flag: 'wx', flush: true })
  } catch (cause) {
    // Half a plan would only be in the way.
    if (!hasCode(cause, 'EEXIST')) rmSync(file, { force: true })
    throw new CliError(`--out ${file}: expected a new file in a directory that is there (${say(cause)})`, {
      cause,
    })
  }
}

/**
 * Replaces the plan of a rollup by its config, which goes to standard output where that fails.
 *
 * @throws {CliError} when it fails.
 */
export function writeRollup(file: string, rollup: RollupConfig): void {
  const text = `${JSON.stringify(rollupConfigToJson(rollup), null, 2)}\n`
  const unfinished = `${file}.part`
  try {
    writeFileSync(unfinished, text, { flush: true })
    renameSync(unfinished, file)
  } catch (cause) {
    process.stdout.write(text)
    throw new CliError(
      `--out ${file}: cannot be written (${say(cause)}); all contracts stand, and their rollup config is on ` +
        'standard output: keep it, or have it written by the same command again',
      { cause },
    )
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return undefined
    throw new CliError(`--out ${file}: cannot be read (${say(cause)})`, { cause })
  }
}

/** A plan of which only what the flags need not say again is parsed; the rest is compared with them. */
type BegunPlan = Omit<RollupPlan, 'parameters'> & {
  parameters: { [name in keyof RollupParameters]: unknown } & { l2ChainId: bigint }
}

function parsePlan(file: string, text: string): BegunPlan {
  try {
    const { l1ChainId, origin, parameters } = JSON.parse(text).unfinished
    return {
      l1ChainId: BigInt(l1ChainId),
      origin: { number: BigInt(origin.number), hash: parseHash(origin.hash) },
      parameters: { ...parameters, l2ChainId: BigInt(parameters.l2ChainId) },
    }
  } catch (cause) {
    throw new CliError(`--out ${file}: expected a new file, or one of an unfinished deployment`, { cause })
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

function say(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
