// Imports the snapshot in argv[2] as the database argv[3] of the rollup config in the file argv[4].

import { readFileSync } from 'node:fs'
import { importSnapshot } from '../node/index.ts'
import { parseRollupConfig } from '../protocol/index.ts'

const [, , file = '', path = '', config = ''] = process.argv
const rollup = parseRollupConfig(JSON.parse(readFileSync(config, 'utf8')))
await importSnapshot({ file, path, rollup, check: async () => undefined })
