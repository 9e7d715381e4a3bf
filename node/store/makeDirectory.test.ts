import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DirectoryError, makeDirectory } from './makeDirectory.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'keyroll-mkdir-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

describe('makeDirectory', () => {
  it('makes what is missing, and leaves what is there', () => {
    const path = join(directory, 'a', 'b', 'c')
    makeDirectory(path)
    writeFileSync(join(path, 'file'), '')
    makeDirectory(path)
    expect(existsSync(join(path, 'file'))).toBe(true)
  })

  it('syncs what names each directory that it makes, as soon as it does', () => {
    const synced: string[] = []
    const path = join(directory, 'a', 'b', 'c')
    const sync = (parent: string) => {
      synced.push(parent)
      expect(existsSync(join(directory, 'a', 'b', 'c'))).toBe(synced.length === 3)
    }
    makeDirectory(path, sync)
    expect(synced).toEqual([directory, join(directory, 'a'), join(directory, 'a', 'b')])
    makeDirectory(path, sync)
    expect(synced).toHaveLength(3)
  })

  it('refuses a path through a file', () => {
    writeFileSync(join(directory, 'file'), '')
    expect(() => makeDirectory(join(directory, 'file', 'sub'))).toThrow(DirectoryError)
    expect(() => makeDirectory(join(directory, 'file'))).toThrow(/cannot make the directory/)
  })

  it.runIf(existsSync('/proc/self'))('refuses at once where the system makes none', () => {
    expect(() => makeDirectory('/proc/keyroll/chain')).toThrow(DirectoryError)
  })
})
