#!/usr/bin/env -S npx tsx
// Writes docs/gas.md from a run of the gas benchmark.
//
//   tsx tools/writeGasDoc.ts
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { renderGasDocument } from '../bench/gas/gasDocument.ts'
import { benchmarkGas } from '../bench/gas.ts'

writeFileSync(join(import.meta.dirname, '../docs/gas.md'), renderGasDocument(await benchmarkGas()))
