import { describe, expect, it } from 'vitest'
import { findNamedTests, readDocument } from './namedTests.ts'

const rows = readDocument('docs/op-rules.md')
  .split('\n')
  .filter((line) => /^\| (?!rule )/.test(line))

describe('the table of OP rules', () => {
  it('says of each rule what became of it, why where it is not plain, and what shows it', () => {
    expect(rows.length).toBeGreaterThan(80)
    for (const row of rows) {
      const columns = row.slice(2, -2).split(' | ')
      const [rule, here = '', why, , ...more] = columns
      const shown = columns.at(-1) ?? ''
      expect(more, row).toEqual([])
      expect(rule, row).not.toBe('')
      expect(here, row).toMatch(/^(kept|tightened|changed|stripped)/)
      if (!here.startsWith('kept')) expect(why, row).not.toBe('')
      expect(findNamedTests(shown), row).not.toEqual([])
    }
  })
})
