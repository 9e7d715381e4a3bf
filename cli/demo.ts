import { Command } from 'commander'
import type { DevnetInfo } from '../devnet/index.ts'
import type { DemoResult } from './demo/runDemo.ts'
import { DEMO_STAGES } from './demo/stages.ts'
import { type DevnetFlags, startDevnetFromFlags } from './devnet.ts'
import { option, readText } from './options.ts'
import { createStageTable } from './StageTable.ts'
import { createShutdownSignal } from './shutdown.ts'

type DemoFlags = { json: boolean; devnet?: string }

/** Makes the command that shows one rotation all the way. */
export function createDemoCommand(): Command {
  return new Command('demo')
    .description(
      'rotate the key of a keystore on a devnet, and watch two wallets on two chains obey the new one',
    )
    .option('--json', 'print one JSON object on standard output; the table goes to standard error', false)
    .addOption(option('--devnet <file>', 'use the running devnet that wrote this file (default: start one)'))
    .action(runDemoCommand)
}

async function runDemoCommand({ json, devnet: file }: DemoFlags): Promise<void> {
  const { parseDevnetInfo } = await import('../devnet/index.ts')
  const signal = createShutdownSignal()
  if (file !== undefined) return show(parseDevnetInfo(readText(file)), { json, signal })

  const devnet = await startDevnetFromFlags(DEMO_DEVNET, { signal, onProgress: (step) => say(`… ${step}`) })
  const crash = new AbortController()
  devnet.crashed.catch((error) => crash.abort(error))
  try {
    await show(devnet.info, { json, signal: AbortSignal.any([signal, crash.signal]) })
  } finally {
    await devnet.stop()
  }
}

/** Any free ports: the demo runs beside whatever else runs. */
const DEMO_DEVNET: DevnetFlags = {
  l1Port: 0,
  beaconPort: 0,
  aPort: 0,
  bPort: 0,
  sequencerPort: 0,
  adminPort: 0,
  nodePort: 0,
  l1ChainId: 900,
  aChainId: 901,
  bChainId: 902,
  l1BlockTime: 2,
  blockTime: 1,
  submissionInterval: 6,
  challengePeriod: 12,
  dataAvailability: 'calldata',
}

async function show(
  info: DevnetInfo,
  { json, signal }: { json: boolean; signal: AbortSignal },
): Promise<void> {
  const { runDemo } = await import('./demo/runDemo.ts')
  const stream = json ? process.stderr : process.stdout
  const color = stream.isTTY && !process.env.NO_COLOR
  const table = createStageTable({ stream, stages: DEMO_STAGES, color, now: () => performance.now() })
  const startedAt = performance.now()
  stream.write('\nOne passkey is replaced, and wallets on two chains obey the new one.\n\n')
  let result: DemoResult
  try {
    result = await runDemo({ info, table, signal })
  } finally {
    table.close()
  }
  if (json) process.stdout.write(`${JSON.stringify(result)}\n`)
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  stream.write(`\nOne rotation, two chains, ${seconds} s: the old passkey opens nothing any more.\n`)
}

function say(message: string): void {
  process.stderr.write(`${message}\n`)
}
