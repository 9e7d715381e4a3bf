import { Command } from 'commander'
import { type AlarmFlags, readAlarmFlags, untilStopped, withAlarmOptions } from './alarmOptions.ts'
import { announce, type NodeFlags, readNodeFlags, withNodeOptions } from './nodeOptions.ts'
import { option, parseRpcUrl } from './options.ts'
import { createShutdownSignal } from './shutdown.ts'

/** Makes the command that runs a verifier. */
export function createNodeCommand(): Command {
  return withAlarmOptions(withNodeOptions(new Command('node'), { dataDir: '.keyroll/node', port: 8647 }))
    .description('rebuild the chain from L1 alone, serve it, and check every output')
    .addOption(
      option(
        '--sequencer <url>',
        'follow the unsafe blocks of this sequencer, ws(s):// or http(s)://, checking each',
      ).argParser(parseRpcUrl),
    )
    .action(runNode)
}

type VerifierFlags = NodeFlags & AlarmFlags & { sequencer?: string }

async function runNode(flags: VerifierFlags): Promise<void> {
  const signal = createShutdownSignal()
  const { createVerifier } = await import('../derivation/index.ts')
  const verifier = await createVerifier({
    ...readNodeFlags(flags, 'node'),
    alarms: readAlarmFlags(flags),
    ...(flags.sequencer !== undefined && { sequencerUrl: flags.sequencer }),
  })
  announce({ rpcUrl: verifier.url, wsUrl: verifier.wsUrl })
  try {
    await untilStopped(signal, verifier.stopped)
  } finally {
    await verifier.close()
  }
}
