// Runs a sequencer as its own process, so that tests can kill it: argv[2] is {rollup, l1Url, dataDirectory} as JSON. Sends its
// URL to its parent.

import { parseRollupConfig } from '../protocol/index.ts'
import { createSequencer } from '../sequencer/index.ts'
import { sequencerOptions } from './sequencerWorld.ts'

const { rollup, l1Url, dataDirectory } = JSON.parse(process.argv[2] ?? '{}')
const sequencer = await createSequencer(sequencerOptions(parseRollupConfig(rollup), l1Url, dataDirectory))
process.send?.(sequencer.url)
await sequencer.stopped
