import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { parseRollupConfig } from '../protocol/index.ts'
import { TEST_ROLLUP } from '../test/TestChain.ts'
import { CliError } from './CliError.ts'
import { readPlan, writePlan, writeRollup } from './RollupFile.ts'

const ADDRESS = '0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1'
const parameters = {
  owner: ADDRESS,
  batcher: ADDRESS,
  promiseSigner: ADDRESS,
  proposer: ADDRESS,
  challenger: ADDRESS,
  l2ChainId: 2n ** 53n - 1n,
  blockTime: 6n,
  challengePeriod: 1_000,
  minRecoveryDelay: 100,
  submissionInterval: 10n,
  permissionlessDelay: 1_000n,
  maxSequencerDrift: 1_800n,
  seqWindowSize: 3_600n,
  channelTimeout: 50n,
} as const
const plan = { l1ChainId: 1n, origin: { number: 5n, hash: `0x${'ab'.repeat(32)}` }, parameters } as const

let directory: string
let file: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'keyroll-plan-'))
  file = join(directory, 'rollup.json')
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(directory, { recursive: true })
})

const written = () => JSON.parse(readFileSync(file, 'utf8')).unfinished

describe('readPlan', () => {
  it('reads what was written, whether or not the chain id is asked for again', () => {
    writePlan(file, plan)
    expect(readPlan(file, parameters)).toEqual(plan)
    expect(readPlan(file, { ...parameters, l2ChainId: undefined })).toEqual(plan)
  })

  it('finds no plan where there is no file', () => {
    expect(readPlan(file, parameters)).toBeUndefined()
  })

  it('names every parameter that differs, but no letter case', () => {
    writePlan(file, plan)
    const lower = { ...parameters, owner: ADDRESS.toLowerCase() as typeof ADDRESS }
    expect(readPlan(file, lower)?.parameters.owner).toBe(lower.owner)
    const other = { ...parameters, blockTime: 7n, challengePeriod: 7 }
    expect(() => readPlan(file, other)).toThrow('others are blockTime, challengePeriod;')
  })

  it.each([
    ['nothing', () => ''],
    ['half a plan', () => '{"unfinished": {'],
    ['null', () => 'null'],
    ['a list', () => '[]'],
    ['no plan', () => '{"unfinished": null}'],
    ['no origin', () => JSON.stringify({ unfinished: { ...written(), origin: undefined } })],
    [
      'a short hash',
      () => JSON.stringify({ unfinished: { ...written(), origin: { number: '5', hash: '0x' } } }),
    ],
    ['no L1', () => JSON.stringify({ unfinished: { ...written(), l1ChainId: 'mainnet' } })],
    ['no parameters', () => JSON.stringify({ unfinished: { ...written(), parameters: undefined } })],
    ['no chain id', () => JSON.stringify({ unfinished: { ...written(), parameters: {} } })],
  ])('refuses a file with %s', (_, text) => {
    writePlan(file, plan)
    writeFileSync(file, text())
    expect(() => readPlan(file, parameters)).toThrow(CliError)
    expect(() => readPlan(file, parameters)).toThrow(
      'expected a new file, or one of an unfinished deployment',
    )
  })

  it('takes a parameter that is gone from the plan for another one', () => {
    writePlan(file, plan)
    const { blockTime: _, ...rest } = written().parameters
    writeFileSync(file, JSON.stringify({ unfinished: { ...written(), parameters: rest } }))
    expect(() => readPlan(file, parameters)).toThrow('others are blockTime;')
  })

  it('refuses what is no file', () => {
    mkdirSync(file)
    expect(() => readPlan(file, parameters)).toThrow(CliError)
  })
})

describe('writePlan', () => {
  it('never replaces a file, such as that of another run at the same time', () => {
    writePlan(file, plan)
    const before = readFileSync(file, 'utf8')
    expect(() => writePlan(file, { ...plan, l1ChainId: 2n })).toThrow(CliError)
    expect(readFileSync(file, 'utf8')).toBe(before)
  })

  it('says what is wrong with a directory that is not there', () => {
    rmSync(directory, { recursive: true })
    expect(() => writePlan(file, plan)).toThrow('expected a new file in a directory that is there (ENOENT')
    mkdirSync(directory)
  })
})

describe('writeRollup', () => {
  it('puts the config in the place of the plan', () => {
    writePlan(file, plan)
    writeRollup(file, TEST_ROLLUP)
    expect(parseRollupConfig(JSON.parse(readFileSync(file, 'utf8')))).toEqual(TEST_ROLLUP)
    expect(existsSync(`${file}.part`)).toBe(false)
  })

  it.skipIf(!existsSync('/dev/full'))('keeps the plan and shows the config when the disk is full', () => {
    const stdout = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    writePlan(file, plan)
    symlinkSync('/dev/full', `${file}.part`)
    expect(() => writeRollup(file, TEST_ROLLUP)).toThrow(/ENOSPC.* is on standard output/)
    expect(parseRollupConfig(JSON.parse(String(stdout.mock.calls[0]?.[0])))).toEqual(TEST_ROLLUP)
    expect(readPlan(file, parameters)).toEqual(plan)
  })
})
