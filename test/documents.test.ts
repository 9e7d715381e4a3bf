import { describe, expect, it } from 'vitest'
import { findFault, findNamedTests, readDocument } from './namedTests.ts'

describe.each(['docs/op-rules.md', 'docs/security.md'])('%s', (path) => {
  const named = findNamedTests(readDocument(path))

  it('names tests that are there', () => {
    expect(named.length).toBeGreaterThan(50)
    expect(named.map(findFault).filter((fault) => fault !== undefined)).toEqual([])
  })
})

describe('the tables of docs/security.md', () => {
  const rows = readDocument('docs/security.md').split('\n')

  it('show every claim that has a column for it', () => {
    let isShown = false
    let claims = 0
    for (const row of rows) {
      if (/^\| .* shown by \|$/.test(row)) isShown = true
      else if (!row.startsWith('|')) isShown = false
      else if (isShown && !row.startsWith('|---')) {
        claims++
        expect(findNamedTests(row), row).not.toEqual([])
      }
    }
    expect(claims).toBeGreaterThan(40)
  })
})

describe('a named test', () => {
  it('is missed when the file is not there, or the test is not in it', () => {
    expect(findFault({ file: 'test/documents.test.ts', name: 'is missed when' })).toBeUndefined()
    expect(findFault({ file: 'libraries/Ssz.t.sol', name: 'test_refusesEveryOtherIndex' })).toBeUndefined()
    expect(findFault({ file: 'libraries/Ssz.t.sol', name: 'test_refusesEveryOther' })).toMatch(/has no test/)
    expect(findFault({ file: 'libraries/None.t.sol', name: 'test_any' })).toMatch(/there is no/)
  })

  it('is found by its file and every name behind that', () => {
    expect(findNamedTests('| x | `a.test.ts` “one”, “two”; `b/c.t.sol` and `no.ts` “no” |')).toEqual([
      { file: 'a.test.ts', name: 'one' },
      { file: 'a.test.ts', name: 'two' },
      { file: 'b/c.t.sol', name: '' },
    ])
  })
})
