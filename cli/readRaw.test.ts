import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CliError } from './CliError.ts'
import { readRaw } from './readRaw.ts'

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'keyroll-raw-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

describe('readRaw', () => {
  it('takes hex itself, or a file that holds it', () => {
    const path = join(directory, 'set-config.hex')
    writeFileSync(path, '0x4BC0\n')
    expect(readRaw('0x4BC0')).toBe('0x4bc0')
    expect(readRaw(path)).toBe('0x4bc0')
  })

  it.each(['', '0x', '0x4bc', '0x4bzz', '4bc0', `0x4b${'00'.repeat(32_768)}`])('refuses %#', (text) => {
    expect(() => readRaw(text)).toThrow(CliError)
  })
})
