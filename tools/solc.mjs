#!/usr/bin/env node
// Presents npm's solc (Emscripten) to forge as a native compiler: forge only asks
// for `--version` and for `--standard-json` on standard input.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const solc = createRequire(import.meta.url)('solc')
const args = process.argv.slice(2)

if (args.includes('--version')) {
  const version = solc.version().replace('.Emscripten.clang', '.Linux.g++')
  process.stdout.write(`solc, the solidity compiler commandline interface\nVersion: ${version}\n`)
} else if (args.includes('--standard-json')) {
  process.stdout.write(solc.compile(readFileSync(0, 'utf8')))
} else {
  process.stderr.write(`solc: unsupported arguments: ${args.join(' ')}\n`)
  process.exit(1)
}
