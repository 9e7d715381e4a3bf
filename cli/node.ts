import { Command } from 'commander'
import { type AlarmFlags, readAlarmFlags, untilStopped, withAlarmOptions } from './alarmOptions.ts'
import { announce, type NodeFlags, readNodeFlags, withNodeOptions } from './nodeOptions.ts'
import { option, parseRpcUrl } from './options.ts'
import { createStatusLine } from './StatusLine.ts'
import { createShutdownSignal } from './shutdown.ts'
import { type SnapshotFlags, startFromSnapshot, withSnapshotOptions } from './snapshotOptions.ts'

/** Makes the command that runs a verifier. */
export function createNodeCommand(): Command {
  const command = withNodeOptions(new Command('node'), { dataDir: '.keyroll/node', port: 8647 })
  return withAlarmOptions(withSnapshotOptions(command))
    .description('rebuild the chain from L1 alone, serve it, and check every output')
    .addOption(
      option(
        '--sequencer <url>',
        'follow the unsafe blocks of this sequencer, ws(s):// or http(s)://, checking each',
      ).argParser(parseRpcUrl),
    )
    .action(runNode)
}

type VerifierFlags = NodeFlags & SnapshotFlags & AlarmFlags & { sequencer?: string }

async function runNode(flags: VerifierFlags): Promise<void> {
  const signal = createShutdownSignal()
  const { createVerifier } = await import('../derivation/index.ts')
  // A person at a terminal gets one line that changes; whatever else reads standard error gets JSON lines.
  const statusLine = process.stderr.isTTY ? createStatusLine(process.stderr) : undefined
  const options = readNodeFlags(flags, 'node', statusLine)
  await startFromSnapshot(flags, options, signal)
  const verifier = await createVerifier({
    ...options,
    ...(statusLine && { onProgress: statusLine.show }),
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
