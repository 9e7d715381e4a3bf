import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { posix } from 'node:path'
import type { Abi, Hex } from 'viem'
import { BenchmarkError } from '../report.ts'
import { ROOT } from '../root.ts'

/** What a benchmark deploys: ABI and runtime code. */
export type Compiled = { abi: Abi; runtime: Hex }

const FOUNDRY = readFileSync(posix.join(ROOT, 'foundry.toml'), 'utf8')

/** Prefixes of import paths, and where they lead to. */
const REMAPPINGS = [
  ...[...FOUNDRY.matchAll(/^ {2}"([^"=]+)=([^"]+)",$/gm)].map(([, from = '', to = '']) => ({ from, to })),
  { from: '@eth-optimism/', to: 'node_modules/@eth-optimism/' },
]

/**
 * Compiles contracts that only benchmarks need, with the settings of foundry.toml, as those that ship.
 *
 * @param paths Source files, from the project's root.
 * @param names Contracts in them.
 * @throws {BenchmarkError} when one does not compile, or is not there.
 */
export function compileSolidity<const name extends string>(
  paths: readonly string[],
  names: readonly name[],
): Record<name, Compiled> {
  const sources: Record<string, { content: string }> = {}
  for (const path of paths) collect(path, sources)
  const input = {
    language: 'Solidity',
    sources,
    settings: {
      optimizer: { enabled: true, runs: Number(setting('optimizer_runs')) },
      evmVersion: setting('evm_version'),
      metadata: { appendCBOR: false, bytecodeHash: 'none' },
      remappings: REMAPPINGS.map(({ from, to }) => `${from}=${to}`),
      outputSelection: Object.fromEntries(
        paths.map((path) => [path, { '*': ['abi', 'evm.deployedBytecode.object'] }]),
      ),
    },
  }
  const answer = execFileSync(process.execPath, ['tools/solc.mjs', '--standard-json'], {
    input: JSON.stringify(input),
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  })
  const { contracts = {}, errors = [] } = JSON.parse(answer) as CompilerOutput
  const fatal = errors.find(({ severity }) => severity === 'error')
  if (fatal !== undefined) throw new BenchmarkError(`solc: ${fatal.formattedMessage}`)
  const compiled = Object.assign({}, ...Object.values(contracts)) as CompilerOutput['contracts'][string]
  const entries = names.map((name) => {
    const contract = compiled[name]
    if (contract === undefined) throw new BenchmarkError(`no source of ${paths.join()} holds ${name}`)
    return [name, { abi: contract.abi, runtime: `0x${contract.evm.deployedBytecode.object}` }]
  })
  return Object.fromEntries(entries) as Record<name, Compiled>
}

type CompilerOutput = {
  contracts: Record<string, Record<string, { abi: Abi; evm: { deployedBytecode: { object: string } } }>>
  errors?: { severity: string; formattedMessage: string }[]
}

/** Reads a file and what it imports. */
function collect(path: string, sources: Record<string, { content: string }>): void {
  if (sources[path] !== undefined) return
  // Optimism pins another compiler in some files.
  const content = readFileSync(posix.join(ROOT, path), 'utf8').replace(
    'pragma solidity 0.8.15;',
    'pragma solidity ^0.8.15;',
  )
  sources[path] = { content }
  for (const [, imported = ''] of content.matchAll(/^(?:import|\} from)\s[^;"']*["']([^"']+)["'];/gm)) {
    collect(resolve(imported, path), sources)
  }
}

function resolve(imported: string, importer: string): string {
  if (imported.startsWith('.')) return posix.normalize(posix.join(posix.dirname(importer), imported))
  const remapping = REMAPPINGS.find(({ from }) => imported.startsWith(from))
  return remapping === undefined ? imported : remapping.to + imported.slice(remapping.from.length)
}

/** Reads how the contracts that ship are compiled. */
function setting(name: string): string {
  const value = new RegExp(`^${name} = "?([^"\n]+)"?$`, 'm').exec(FOUNDRY)?.[1]
  if (value === undefined) throw new BenchmarkError(`foundry.toml does not say ${name}`)
  return value
}
