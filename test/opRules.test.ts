import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const ROOT = new URL('..', import.meta.url)
const text = readFileSync(new URL('docs/op-rules.md', ROOT), 'utf8')
const rows = text.split('\n').filter((line) => /^\| (?!rule )/.test(line))
const columns = (row: string) => row.slice(2, -2).split(' | ')

/** Every test that a row names: the file, and what it says there. */
function testsOf(row: string): { file: string; names: string[] }[] {
  const [shown = ''] = columns(row).slice(-1)
  return [...shown.matchAll(/`([^`]+)`((?:,? “[^”]+”)*)/g)].map(([, file = '', names = '']) => ({
    file,
    names: [...names.matchAll(/“([^”]+)”/g)].map(([, name = '']) => name),
  }))
}

describe('the table of OP rules', () => {
  it('says of each rule what became of it, why where it is not plain, and what shows it', () => {
    expect(rows.length).toBeGreaterThan(80)
    for (const row of rows) {
      const [rule, here = '', why, shown, ...more] = columns(row)
      expect(more, row).toEqual([])
      expect(rule, row).not.toBe('')
      expect(here, row).toMatch(/^(kept|tightened|changed|stripped)/)
      if (!here.startsWith('kept')) expect(why, row).not.toBe('')
      expect(shown, row).not.toBe('')
      expect(testsOf(row), row).not.toEqual([])
    }
  })

  it.each(rows.map((row) => [columns(row)[0] ?? '', row]))('names tests that are there: %s', (_rule, row) => {
    for (const { file, names } of testsOf(row)) {
      expect(existsSync(new URL(file, ROOT)), file).toBe(true)
      const source = readFileSync(new URL(file, ROOT), 'utf8').replaceAll("\\'", "'")
      for (const name of names) expect(source, `${file}: ${name}`).toContain(name)
    }
  })
})
