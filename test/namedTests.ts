import { existsSync, readFileSync } from 'node:fs'

const ROOT = new URL('..', import.meta.url)
const SOLIDITY_TESTS = new URL('contracts/test/', ROOT)

/** A test that a document names as proof of what it says: the file, and the test's name or a part of it. */
export type NamedTest = { file: string; name: string }

/** Reads a document, by its path from the repository's root. */
export function readDocument(path: string): string {
  return readFileSync(new URL(path, ROOT), 'utf8')
}

/** Finds the tests that a text names: `file` “name”, “name”; a file alone names the whole of it, the name `''`. */
export function findNamedTests(text: string): NamedTest[] {
  return [...text.matchAll(/`([^`]+\.(?:test\.ts|t\.sol))`((?:,? “[^”]+”)*)/g)].flatMap(
    ([, file = '', names = '']) => {
      const found = [...names.matchAll(/“([^”]+)”/g)].map(([, name = '']) => ({ file, name }))
      return found.length > 0 ? found : [{ file, name: '' }]
    },
  )
}

/** Says what is wrong with a named test: that there is no such file, from the root or from contracts/test, or no such test in it. */
export function findFault({ file, name }: NamedTest): string | undefined {
  const url = [ROOT, SOLIDITY_TESTS].map((base) => new URL(file, base)).find((at) => existsSync(at))
  if (url === undefined) return `there is no ${file}`
  const source = readFileSync(url, 'utf8').replaceAll("\\'", "'")
  // A test of forge is a function: a name within another's, or in a comment, is none.
  const isThere =
    file.endsWith('.t.sol') && name !== '' ? source.includes(`function ${name}(`) : source.includes(name)
  return isThere ? undefined : `${file} has no test “${name}”`
}
