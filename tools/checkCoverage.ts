// Line and branch coverage of contracts/src by the forge tests, as a table. Ends with 1 below 95 % of either.
//
//   tsx tools/checkCoverage.ts [--lcov FILE]
//
// --lcov reads a report that is there already, such as the last one, contracts/cache/lcov.info.
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

/** Forge ended without a report, or a file is not as expected. */
class CoverageError extends Error {
  override name = 'CoverageError'
}

interface Count {
  hit: number
  found: number
}

interface FileCoverage {
  file: string
  lines: Count
  branches: Count
  /** Lines that no test reaches. */
  missed: string[]
}

const least = 95
const root = join(import.meta.dirname, '..')
const { values: options } = parseArgs({ options: { lcov: { type: 'string' } } })

const files = parseLcov(options.lcov === undefined ? measure() : readFileSync(options.lcov, 'utf8'))
const total: FileCoverage = {
  file: 'contracts/src',
  lines: sum(files.map(({ lines }) => lines)),
  branches: sum(files.map(({ branches }) => branches)),
  missed: [],
}
for (const { file, lines, branches, missed } of [...files, total])
  console.log(`${file.padEnd(52)} ${share(lines)} ${share(branches)}  ${missed.join(' ')}`)
if (percent(total.lines) < least || percent(total.branches) < least) {
  console.log(`expected at least ${least} % of lines and branches`)
  process.exitCode = 1
}

/**
 * Runs the tests in a copy, compiled as forge needs for coverage: without the optimizer, which is what finds room on the
 * stack for OpenZeppelin's P-256. The precompile answers in its place; our own code around it stays as it is.
 */
function measure(): string {
  const directory = mkdtempSync(join(tmpdir(), 'keyroll-coverage-'))
  try {
    for (const path of [
      'contracts/src',
      'contracts/test',
      'test/vectors',
      'test/accounts',
      'tools/solc.mjs',
      'foundry.toml',
    ])
      cpSync(join(root, path), join(directory, path), { recursive: true })
    linkPackages(directory)
    const report = join(root, 'contracts/cache/lcov.info')
    mkdirSync(join(root, 'contracts/cache'), { recursive: true })
    rmSync(report, { force: true })
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [
        join(root, 'tools/forge.mjs'),
        ...['coverage', '--root', directory, '--report', 'lcov', '--report-file', report],
        // Gas without the optimizer says nothing, and the precompile is needed here.
        ...['--no-match-path', 'contracts/test/gas/**'],
        ...['--no-match-test', '[gG]as|[oO]verhead|[cC]ost|without_precompile'],
      ],
      {
        cwd: directory,
        encoding: 'utf8',
        maxBuffer: 2 ** 28,
        env: { ...process.env, FOUNDRY_FUZZ_RUNS: '64' },
      },
    )
    const failures = stdout.split('\n').filter((line) => line.startsWith('[FAIL'))
    if (failures.length !== 0) throw new CoverageError(`tests fail:\n${failures.join('\n')}`)
    try {
      return readFileSync(report, 'utf8')
    } catch {
      throw new CoverageError(`forge wrote no report:\n${stdout.slice(-4000)}${stderr.slice(-4000)}`)
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function linkPackages(directory: string): void {
  const packages = join(directory, 'node_modules')
  mkdirSync(join(packages, '@openzeppelin'), { recursive: true })
  for (const name of readdirSync(join(root, 'node_modules')))
    if (name !== '@openzeppelin') symlinkSync(join(root, 'node_modules', name), join(packages, name))
  const contracts = join(packages, '@openzeppelin/contracts')
  cpSync(join(root, 'node_modules/@openzeppelin/contracts'), contracts, { recursive: true })

  const file = join(contracts, 'utils/cryptography/P256.sol')
  const source = readFileSync(file, 'utf8')
  const start = source.indexOf('        JPoint[16] memory points', source.indexOf('function verifySolidity('))
  const end = source.indexOf('    }\n', start)
  if (start < 0 || end < 0) throw new CoverageError(`got another ${file} than expected`)
  writeFileSync(
    file,
    `${source.slice(0, start)}        return _rip7212(h, r, s, qx, qy);\n${source.slice(end)}`,
  )
}

/** Reads `SF`, `DA` and `BRDA` records; files without lines are interfaces. */
function parseLcov(report: string): FileCoverage[] {
  const found: FileCoverage[] = []
  for (const record of report.split('end_of_record')) {
    const file = /^SF:(.*)$/m.exec(record)?.[1]
    if (file === undefined || !file.includes('contracts/src/')) continue
    const lines = [...record.matchAll(/^DA:(\d+),(\d+)/gm)]
    const branches = [...record.matchAll(/^BRDA:(\d+),.*,(\d+|-)$/gm)]
    if (lines.length === 0) continue
    const isHit = (match: RegExpExecArray) => match[2] !== '0' && match[2] !== '-'
    const missed = [...lines, ...branches].filter((match) => !isHit(match)).map((match) => match[1] ?? '')
    found.push({
      file: file.slice(file.indexOf('contracts/src/')),
      lines: { hit: lines.filter(isHit).length, found: lines.length },
      branches: { hit: branches.filter(isHit).length, found: branches.length },
      missed: [...new Set(missed)].sort((a, b) => Number(a) - Number(b)),
    })
  }
  if (found.length === 0) throw new CoverageError('the report has no file of contracts/src')
  return found.sort((a, b) => a.file.localeCompare(b.file))
}

function sum(counts: Count[]): Count {
  return counts.reduce((all, { hit, found }) => ({ hit: all.hit + hit, found: all.found + found }), {
    hit: 0,
    found: 0,
  })
}

function percent({ hit, found }: Count): number {
  return found === 0 ? 100 : (100 * hit) / found
}

function share(count: Count): string {
  return `${percent(count).toFixed(1).padStart(5)} % ${`${count.hit}/${count.found}`.padStart(9)}`
}
