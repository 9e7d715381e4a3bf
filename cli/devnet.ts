import { Command } from 'commander'
import type { Devnet } from '../devnet/index.ts'
import type { DataAvailability } from '../sequencer/index.ts'
import { option, parseCount, parsePort } from './options.ts'
import { aborted, createShutdownSignal } from './shutdown.ts'

/** The flags of `keyroll devnet`, as commander gives them. */
export type DevnetFlags = {
  l1Port: number
  beaconPort: number
  aPort: number
  bPort: number
  sequencerPort: number
  adminPort: number
  nodePort: number
  l1ChainId: number
  aChainId: number
  bChainId: number
  l1BlockTime: number
  blockTime: number
  submissionInterval: number
  challengePeriod: number
  dataAvailability: DataAvailability
  dataDir?: string
  out?: string
}

/** Makes the command that starts a whole world on this machine. */
export function createDevnetCommand(): Command {
  const port = (name: string, what: string, value: number) =>
    devnetOption(`--${name}-port <port>`, `port of ${what}, 0 for any free one`)
      .argParser(parsePort)
      .default(value)
  const chainId = (name: string, what: string, value: number) =>
    devnetOption(`--${name}-chain-id <id>`, `chain id of ${what}`).argParser(parseCount).default(value)
  const count = (flags: string, description: string, value: number) =>
    devnetOption(flags, description).argParser(parseCount).default(value)

  return new Command('devnet')
    .description(
      'start L1, two OP-like chains, the contracts, a sequencer and an independent node on this machine',
    )
    .addOption(port('l1', 'the L1 node', 8545))
    .addOption(port('beacon', "L1's beacon API", 5052))
    .addOption(port('a', 'chain A', 9545))
    .addOption(port('b', 'chain B', 9546))
    .addOption(port('sequencer', 'the sequencer', 8645))
    .addOption(port('admin', "the sequencer's admin methods", 8646))
    .addOption(port('node', 'the independent node', 8647))
    .addOption(chainId('l1', 'L1', 900))
    .addOption(chainId('a', 'chain A', 901))
    .addOption(chainId('b', 'chain B', 902))
    .addOption(count('--l1-block-time <seconds>', 'time between L1 blocks', 2))
    .addOption(count('--block-time <seconds>', 'time between Keyroll blocks', 1))
    .addOption(count('--submission-interval <blocks>', 'Keyroll blocks between two outputs', 6))
    .addOption(count('--challenge-period <seconds>', 'time until an output is final', 12))
    .addOption(
      devnetOption(
        '--data-availability <kind>',
        'what batches are posted in; with blobs every process takes some seconds to load KZG',
      )
        .choices(['auto', 'calldata', 'blobs'])
        .default('calldata'),
    )
    .addOption(
      devnetOption('--data-dir <dir>', 'where databases and logs go (default: a temporary directory)'),
    )
    .addOption(
      devnetOption('--out <file>', 'where to write everything about the devnet as JSON').default(
        '.keyroll/devnet.json',
      ),
    )
    .action(runDevnet)
}

function devnetOption(flags: string, description: string) {
  const made = option(flags, description)
  return made.env(`KEYROLL_DEVNET_${made.name().toUpperCase().replaceAll('-', '_')}`)
}

async function runDevnet(flags: DevnetFlags): Promise<void> {
  const { devnetBanner } = await import('../devnet/index.ts')
  const signal = createShutdownSignal()
  const say = (message: string) => process.stderr.write(`${message}\n`)
  const devnet = await startDevnetFromFlags(flags, { signal, onProgress: (message) => say(`… ${message}`) })
  try {
    const color = process.stdout.isTTY && !process.env.NO_COLOR
    process.stdout.write(`${devnetBanner(devnet.info, { color })}\n`)
    say('Ctrl-C stops everything')
    await Promise.race([aborted(signal), devnet.crashed])
    say('stopping')
  } finally {
    await devnet.stop()
  }
}

/** Starts a devnet by flags; it runs the `keyroll` that runs now. */
export async function startDevnetFromFlags(
  flags: DevnetFlags,
  { signal, onProgress }: { signal: AbortSignal; onProgress: (message: string) => void },
): Promise<Devnet> {
  // Only this command needs anvil and Optimism's contracts, which a production install leaves out.
  const { startDevnet } = await import('../devnet/index.ts')
  const [script = ''] = process.argv.slice(1)
  return startDevnet({
    ports: {
      l1: flags.l1Port,
      beacon: flags.beaconPort,
      chainA: flags.aPort,
      chainB: flags.bPort,
      sequencer: flags.sequencerPort,
      admin: flags.adminPort,
      node: flags.nodePort,
    },
    chainIds: { l1: flags.l1ChainId, chainA: flags.aChainId, chainB: flags.bChainId },
    l1BlockTime: flags.l1BlockTime,
    blockTime: flags.blockTime,
    submissionInterval: flags.submissionInterval,
    challengePeriod: flags.challengePeriod,
    dataAvailability: flags.dataAvailability,
    dataDir: flags.dataDir,
    out: flags.out,
    keyroll: { command: process.execPath, args: [...process.execArgv, script] },
    onProgress,
    signal,
  })
}
