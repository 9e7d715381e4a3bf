// Mutation testing of contracts/src: for each guard and effect, a mutant without it, and whether a test fails then.
// All mutants are compiled into one copy of the contracts, where they sleep until their number is the coinbase's.
//
//   tsx tools/mutateContracts.ts [--only REGEX] [--unexcused] [--dir DIRECTORY] [--json FILE]
//
// --only takes mutants whose description matches, as `file:line function: change: code`; --unexcused leaves out those that
// survivors.json excuses. Ends with 1 if another one survives, or one that it excuses is killed.
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { instrument, type Mutant } from './mutants/instrument.ts'
import { explains, readSurvivors } from './mutants/survivors.ts'

/** The copy does not compile, its tests fail with all mutants asleep, or forge ended for another reason than a test. */
class MutationTestingError extends Error {
  override name = 'MutationTestingError'
}

interface ForgeRun {
  /** Exit code, or null if it took too long. */
  status: number | null
  output: string
}

const root = join(import.meta.dirname, '..')
const profile = `
[profile.mutants]
# A loop that never ends fails for want of gas.
gas_limit = "3000000000"
[profile.mutants.fuzz]
runs = 16
[profile.mutants.invariant]
runs = 8
depth = 60
`
/** In milliseconds. */
const slowest = { build: 3_600_000, test: 300_000 }

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    unexcused: { type: 'boolean', default: false },
    dir: { type: 'string' },
    json: { type: 'string' },
  },
})

const directory = options.dir ?? mkdtempSync(join(tmpdir(), 'keyroll-mutants-'))
const testFiles = readdirSync(join(root, 'contracts/test'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.t.sol'))
  .map((path) => `contracts/test/${path}`)

const mutants = prepare()
compile()
requireTestsPass()
const only = new RegExp(options.only)
const known = readSurvivors()
const isExcused = (mutant: Mutant) => known.some((survivor) => explains(survivor, mutant))
const chosen = mutants.filter(
  (mutant) => only.test(describe(mutant)) && !(options.unexcused && isExcused(mutant)),
)
console.log(`${chosen.length} of ${mutants.length} mutants, in ${directory}`)

const survivors: Mutant[] = []
for (const [index, mutant] of chosen.entries()) {
  if (isKilled(mutant)) continue
  survivors.push(mutant)
  console.log(`[${index + 1}/${chosen.length}] survives: ${describe(mutant)}`)
}
if (options.json !== undefined) writeFileSync(options.json, JSON.stringify({ chosen, survivors }, null, 1))

const unexplained = survivors.filter((mutant) => !isExcused(mutant))
const wronglyExcused = chosen.filter((mutant) => isExcused(mutant) && !survivors.includes(mutant))
const killed = chosen.length - survivors.length
console.log(
  `${killed} killed, ${survivors.length - unexplained.length} equivalent, ${unexplained.length} survive`,
)
for (const mutant of unexplained) console.log(describe(mutant))
for (const mutant of wronglyExcused)
  console.log(`killed, though survivors.json excuses it: ${describe(mutant)}`)
if (unexplained.length + wronglyExcused.length !== 0) process.exitCode = 1

/** Writes the copy with all mutants in it, and compiles it. */
function prepare(): Mutant[] {
  mkdirSync(directory, { recursive: true })
  for (const path of ['test/vectors', 'test/accounts', 'tools/solc.mjs'])
    cpSync(join(root, path), join(directory, path), { recursive: true })
  // How often each property is tried is the profile's to say here.
  for (const path of readdirSync(join(root, 'contracts/test'), { recursive: true, encoding: 'utf8' }))
    if (path.endsWith('.sol') && !path.startsWith('gas/')) copyTest(path)
  if (!existsSync(join(directory, 'node_modules')))
    symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'))
  writeFileSync(join(directory, 'foundry.toml'), readFileSync(join(root, 'foundry.toml'), 'utf8') + profile)

  const found: Mutant[] = []
  const sources = join(root, 'contracts/src')
  for (const path of readdirSync(sources, { recursive: true, encoding: 'utf8' }).sort()) {
    if (!path.endsWith('.sol')) continue
    const { source, mutants } = instrument(path, readFileSync(join(sources, path), 'utf8'), found.length + 1)
    const target = join(directory, 'contracts/src', path)
    mkdirSync(join(target, '..'), { recursive: true })
    writeFileSync(target, source)
    found.push(...mutants)
  }
  cpSync(join(root, 'tools/mutants/Mutant.sol'), join(directory, 'contracts/src/Mutant.sol'))
  return found
}

function copyTest(path: string): void {
  const target = join(directory, 'contracts/test', path)
  const source = readFileSync(join(root, 'contracts/test', path), 'utf8')
  mkdirSync(join(target, '..'), { recursive: true })
  writeFileSync(target, source.replace(/\/\/\/ forge-config: \w+\.(fuzz|invariant)\..*/g, ''))
}

/** Compiles all, also what no test that is run needs: forge would compile that anew for every mutant. */
function compile(): void {
  const { status, output } = forge('build', '--root', directory)
  if (status !== 0) throw new MutationTestingError(`the copy does not compile:\n${output}`)
}

function requireTestsPass(): void {
  const { status, output } = runTests(0, '**')
  if (status !== 0) throw new MutationTestingError(`tests fail with all mutants asleep:\n${output}`)
}

/**
 * Runs first the tests named after the mutant's file, but for the random ones, then those that name it, themselves or by
 * their harness, then the others: most mutants fail at once.
 */
function isKilled(mutant: Mutant): boolean {
  const name = basename(mutant.file, '.sol')
  const nearest = testFiles.filter((path) => path.includes(`/${name}/`) || basename(path).startsWith(name))
  const near = testFiles.filter((path) => sourceWithHelpers(path).includes(`/${name}.sol`))
  const others = testFiles.filter((path) => !near.includes(path))
  return fails(mutant, nearest, '|[fF]uzz|invariant') || fails(mutant, near) || fails(mutant, others)
}

/** A test with all that it imports from other tests. */
function sourceWithHelpers(path: string, seen = new Set<string>()): string {
  if (seen.has(path)) return ''
  seen.add(path)
  const source = readFileSync(join(root, path), 'utf8')
  const imported = [...source.matchAll(/from "(\.[^"]*)"/g)].map(([, target = '']) =>
    join(path, '..', target),
  )
  const helpers = imported.filter((target) => target.startsWith('contracts/test/'))
  return [source, ...helpers.map((helper) => sourceWithHelpers(helper, seen))].join('\n')
}

function fails(mutant: Mutant, paths: string[], without = ''): boolean {
  if (paths.length === 0) return false
  const { status, output } = runTests(mutant.number, `{${paths.join(',')}}`, without)
  if (status === 0) return false
  // A loop that never ends counts as noticed.
  if (status === null || output.includes('[FAIL')) return true
  throw new MutationTestingError(`forge ended with ${status} for ${describe(mutant)}:\n${output}`)
}

function runTests(number: number, paths: string, without = ''): ForgeRun {
  const coinbase = `0x6d7574616e74${number.toString(16).padStart(28, '0')}`
  return forge(
    ...['test', '--root', directory, '--match-path', paths, '--block-coinbase', coinbase],
    ...['--code-size-limit', '1000000', '--fail-fast'],
    ...['--no-match-test', `[gG]as|[oO]verhead|[cC]ost${without}`],
  )
}

function forge(...args: string[]): ForgeRun {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'tools/forge.mjs'), ...args], {
    cwd: directory,
    env: { ...process.env, FOUNDRY_PROFILE: 'mutants' },
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
    timeout: slowest[args[0] === 'build' ? 'build' : 'test'],
  })
  return { status, output: stdout + stderr }
}

function describe({ number, file, line, function: name, change, code }: Mutant): string {
  return `${file}:${line} ${name}: ${change}: ${code} (${number})`
}
