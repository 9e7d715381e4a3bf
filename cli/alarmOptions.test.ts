import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { WrongOutputError } from '../derivation/index.ts'
import { type AlarmFlags, readAlarmFlags, untilStopped, withAlarmOptions } from './alarmOptions.ts'
import { CliError } from './CliError.ts'

const directory = mkdtempSync(join(tmpdir(), 'keyroll-alarm-'))
afterAll(() => rmSync(directory, { recursive: true }))
afterEach(() => vi.unstubAllEnvs())

function parse(...flags: string[]): AlarmFlags {
  const command = withAlarmOptions(new Command('node').exitOverride().configureOutput({ writeErr: () => {} }))
  return command.parse(flags, { from: 'user' }).opts<AlarmFlags>()
}

describe('flags of alarms', () => {
  it('tell and go on unless they say otherwise', () => {
    expect(readAlarmFlags(parse())).toEqual({
      onWrongOutput: 'alarm',
      patienceMs: 900_000,
      repeatMs: 3_600_000,
    })
  })

  it('leave a webhook as it is, and take its secret from a file or the environment', () => {
    const url = 'https://hooks.example/a/?b=c&d=/'
    const file = join(directory, 'secret')
    writeFileSync(file, 'a secret from a file\n')
    vi.stubEnv('KEYROLL_ALARM_SECRET', 'a secret from the environment')
    const flags = ['--alarm-webhook', url, '--alarm-after', '60', '--alarm-repeat', '5']
    expect(readAlarmFlags(parse(...flags))).toMatchObject({
      patienceMs: 60_000,
      repeatMs: 5_000,
      webhook: { url, secret: 'a secret from the environment' },
    })
    const { webhook } = readAlarmFlags(parse(...flags, '--alarm-secret-file', file))
    expect(webhook?.secret).toBe('a secret from a file')
  })

  it('refuse what cannot be meant', () => {
    expect(() => parse('--alarm-webhook', 'ftp://hooks.example')).toThrow(/http:\/\/ or https:\/\//)
    expect(() => parse('--on-wrong-output', 'ignore')).toThrow(/alarm/)
    expect(() => parse('--alarm-after', '0')).toThrow(/from 1 to/)
    vi.stubEnv('KEYROLL_ALARM_SECRET', 'short')
    expect(() => readAlarmFlags(parse())).toThrow(CliError)
  })
})

describe('untilStopped', () => {
  const never = new AbortController().signal

  it('gives a wrong output an exit code of its own', async () => {
    const ended = untilStopped(never, Promise.reject(new WrongOutputError('output 7 is wrong')))
    await expect(ended).rejects.toMatchObject({ exitCode: 3, message: 'output 7 is wrong' })
  })

  it('passes on whatever else ends a node', async () => {
    const fault = new CliError('something else')
    await expect(untilStopped(never, Promise.reject(fault))).rejects.toBe(fault)
    expect(fault.exitCode).toBe(1)
  })

  it('ends when a person wants it', async () => {
    const stop = new AbortController()
    const ended = untilStopped(stop.signal, new Promise(() => undefined))
    stop.abort()
    await ended
  })
})
