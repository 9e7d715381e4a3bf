import { Command } from 'commander'
import { announce, type NodeFlags, readNodeFlags, withNodeOptions } from './nodeOptions.ts'
import { aborted, createShutdownSignal } from './shutdown.ts'

/** Makes the command that runs a verifier. */
export function createNodeCommand(): Command {
  return withNodeOptions(new Command('node'), { dataDir: '.keyroll/node', port: 8647 })
    .description('rebuild the chain from L1 alone, serve it, and check every output')
    .action(runNode)
}

async function runNode(flags: NodeFlags): Promise<void> {
  const signal = createShutdownSignal()
  const { createVerifier } = await import('../derivation/index.ts')
  const verifier = await createVerifier(readNodeFlags(flags, 'node'))
  announce({ rpcUrl: verifier.url, wsUrl: verifier.wsUrl })
  try {
    await Promise.race([aborted(signal), verifier.stopped])
  } finally {
    await verifier.close()
  }
}
