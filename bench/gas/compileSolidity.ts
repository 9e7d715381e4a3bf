import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Abi, Hex } from 'viem'
import { BenchmarkError } from '../report.ts'

/** What a benchmark deploys: ABI and runtime code. */
export type Compiled = { abi: Abi; runtime: Hex }

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** Prefixes of import paths, and where they lead to; see foundry.toml. */
const REMAPPINGS = [
  ['@account-abstraction/contracts/', 'node_modules/@account-abstraction/contracts/'],
  ['@eth-optimism/', 'node_modules/@eth-optimism/'],
  ['@openzeppelin/contracts/', 'node_modules/@openzeppelin/contracts/'],
  ['keyroll/', 'contracts/src/'],
  ['solady/', 'node_modules/solady/src/'],
] as const

/**
 * Compiles contracts that only benchmarks need, with the settings of those that ship (foundry.toml).
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
      optimizer: { enabled: true, runs: 200 },
      evmVersion: 'osaka',
      metadata: { appendCBOR: false, bytecodeHash: 'none' },
      remappings: REMAPPINGS.map(([from, to]) => `${from}=${to}`),
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

function resolve(imported: string, from: string): string {
  if (imported.startsWith('.')) return posix.normalize(posix.join(posix.dirname(from), imported))
  const remapping = REMAPPINGS.find(([prefix]) => imported.startsWith(prefix))
  return remapping === undefined ? imported : remapping[1] + imported.slice(remapping[0].length)
}
