import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  option,
  parseAddress,
  parseBlock,
  parseCount,
  parseHash,
  parseHttpUrl,
  parseHttpUrls,
  parseMilliseconds,
  parsePort,
  parseQuantity,
  readAccount,
  readConfig,
  readRollupConfig,
  readSwitches,
} from './options.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'keyroll-cli-'))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(directory, { recursive: true, force: true })
})

const KEY = `0x${'01'.repeat(32)}`
const ADDRESS = '0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1'

const file = (text: string) => {
  const path = join(directory, 'file')
  writeFileSync(path, text)
  return path
}

describe('options', () => {
  it('gives every flag an environment twin', () => {
    expect(option('--l1-rpc <url>', 'L1').envVar).toBe('KEYROLL_L1_RPC')
  })

  it.each([
    ['as a flag', ['--data-dir', ''], undefined],
    ['from the environment', [], ''],
  ])('takes no empty value %s', (_, args, env) => {
    vi.stubEnv('KEYROLL_DATA_DIR', env)
    const command = new Command()
      .exitOverride()
      .configureOutput({ writeErr: () => undefined })
      .addOption(option('--data-dir <dir>', 'where to'))
    expect(() => command.parse(args, { from: 'user' })).toThrow('expected something')
  })

  it('takes what is well-formed', () => {
    expect(parsePort('0')).toBe(0)
    expect(parseCount('7')).toBe(7)
    expect(parseQuantity('18446744073709551615')).toBe(2n ** 64n - 1n)
    expect(parseHttpUrl('http://127.0.0.1:8545/')).toBe('http://127.0.0.1:8545')
    expect(parseHttpUrls('https://a.example, http://b.example', ['http://c.example'])).toHaveLength(3)
    expect(parseHash(`0x${'AB'.repeat(32)}`)).toBe(`0x${'ab'.repeat(32)}`)
    expect(['safe', '0x1F', '31'].map(parseBlock)).toEqual(['safe', '0x1F', '0x1f'])
    expect(parseAddress(ADDRESS)).toBe(ADDRESS)
  })

  it.each([
    ['a port too high', () => parsePort('65536')],
    ['a port that is none', () => parsePort('80.5')],
    ['a negative number', () => parseQuantity('-1')],
    ['a count of zero', () => parseCount('0')],
    ['a count in exponent form', () => parseCount('1e3')],
    ['more milliseconds than a timer takes', () => parseMilliseconds('2147483648')],
    ['a URL without scheme', () => parseHttpUrl('localhost:8545')],
    ['a URL of another scheme', () => parseHttpUrl('ws://localhost:8545')],
    ['an empty URL in a list', () => parseHttpUrls('http://a.example,')],
    ['a short hash', () => parseHash('0xab')],
    ['a block that is none', () => parseBlock('1.5')],
    ['a wrong checksum', () => parseAddress(ADDRESS.replace('E', 'e'))],
  ])('refuses %s', (_, parse) => {
    expect(parse).toThrow(InvalidArgumentError)
  })
})

describe('readSwitches', () => {
  const read = (env: string | undefined, ...args: string[]) => {
    vi.stubEnv('KEYROLL_STOPPED', env)
    const command = new Command().addOption(option('--stopped', 'build no blocks').default(false))
    readSwitches(command.parse(args, { from: 'user' }))
    return command.opts().stopped
  }

  it.each([
    ['true', true],
    ['1', true],
    ['false', false],
    ['0', false],
    [undefined, false],
  ])('reads a switch from the environment: %s is %s', (env, expected) => {
    expect(read(env)).toBe(expected)
  })

  it('goes by the flag where there is one', () => {
    expect(read('false', '--stopped')).toBe(true)
  })

  it.each(['', 'no', 'FALSE'])('refuses what is neither yes nor no: "%s"', (env) => {
    expect(() => read(env)).toThrow(/KEYROLL_STOPPED: got ".*", expected true or false/)
  })
})

describe('readAccount', () => {
  it('reads a key from a file, before the environment', () => {
    vi.stubEnv('KEYROLL_BATCHER_KEY', `0x${'02'.repeat(32)}`)
    expect(readAccount('batcher', file(`${KEY}\n`)).address).toBe(ADDRESS)
  })

  it('reads a key from the environment', () => {
    vi.stubEnv('KEYROLL_BATCHER_KEY', KEY)
    expect(readAccount('batcher', undefined).address).toBe(ADDRESS)
  })

  it('says what to set where there is none', () => {
    vi.stubEnv('KEYROLL_BATCHER_KEY', undefined)
    expect(() => readAccount('batcher', undefined)).toThrow('set KEYROLL_BATCHER_KEY or --batcher-key-file')
  })

  it.each([`${KEY}00`, KEY.slice(2), `0x${'00'.repeat(32)}`, `0x${'ff'.repeat(32)}`])(
    'never repeats a key that it refuses',
    (text) => {
      const read = () => readAccount('batcher', file(text))
      expect(read).toThrow()
      expect(read).not.toThrow(text)
      expect(read).not.toThrow(text.slice(2))
    },
  )
})

describe('readConfig', () => {
  const authority = { root: `0x${'01'.repeat(32)}`, threshold: '0x1' }
  const json = {
    ...{ nonce: '0x0', signers: authority, guardians: authority },
    ...{ recoveryDelay: '0x0', maxStaleness: '0x3c', data: '0x' },
  }

  it('reads a config from a file', () => {
    expect(readConfig(file(JSON.stringify(json)))).toMatchObject({ nonce: 0n, maxStaleness: 60 })
  })

  it('names the file and the field that is wrong', () => {
    expect(() => readConfig(file(JSON.stringify({ ...json, data: 7 })))).toThrow(/file: .*data/)
  })
})

describe('readRollupConfig', () => {
  it('names the file that is not there, or not JSON', () => {
    expect(() => readRollupConfig(join(directory, 'absent.json'))).toThrow(/absent\.json: cannot be read/)
    expect(() => readRollupConfig(file('{'))).toThrow('not JSON')
  })

  it('names the file and the field that is wrong', () => {
    expect(() => readRollupConfig(file('{}'))).toThrow(/file: .*genesis/)
  })
})
