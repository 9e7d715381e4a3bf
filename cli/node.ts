import { Command } from 'commander'
import { announce, type NodeFlags, readNodeFlags, withNodeOptions } from './nodeOptions.ts'
import { option, parseRpcUrl } from './options.ts'
import { aborted, createShutdownSignal } from './shutdown.ts'

/** Makes the command that runs a verifier. */
export function createNodeCommand(): Command {
  return withNodeOptions(new Command('node'), { dataDir: '.keyroll/node', port: 8647 })
    .description('rebuild the chain from L1 alone, serve it, and check every output')
    .addOption(
      option(
        '--sequencer <url>',
        'follow the unsafe blocks of this sequencer, ws(s):// or http(s)://, checking each',
      ).argParser(parseRpcUrl),
    )
    .action(runNode)
}

type VerifierFlags = NodeFlags & { sequencer?: string }

async function runNode(flags: VerifierFlags): Promise<void> {
  const signal = createShutdownSignal()
  const { createVerifier } = await import('../derivation/index.ts')
  const verifier = await createVerifier({
    ...readNodeFlags(flags, 'node'),
    ...(flags.sequencer !== undefined && { sequencerUrl: flags.sequencer }),
  })
  announce({ rpcUrl: verifier.url, wsUrl: verifier.wsUrl })
  try {
    await Promise.race([aborted(signal), verifier.stopped])
  } finally {
    await verifier.close()
  }
}
