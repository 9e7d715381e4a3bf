#!/usr/bin/env node
import { Command } from 'commander'
import { CliError } from './CliError.ts'
import { createDemoCommand } from './demo.ts'
import { createDeployCommand } from './deploy.ts'
import { describeError } from './describeError.ts'
import { createDevnetCommand } from './devnet.ts'
import { createForceCommand } from './force.ts'
import { createGetCommand } from './get.ts'
import { createNodeCommand } from './node.ts'
import { VERSION } from './nodeOptions.ts'
import { readSwitches } from './options.ts'
import { createRelayCommand } from './relay.ts'
import { createSendCommand } from './send.ts'
import { createSequencerCommand } from './sequencer.ts'
import { Interrupted } from './shutdown.ts'
import { createSnapshotCommand } from './snapshot.ts'

const program = new Command('keyroll')
  .description('A keystore rollup: one record of keys per smart wallet, proven to every chain through L1.')
  .version(VERSION)
  .addCommand(createDevnetCommand())
  .addCommand(createDemoCommand())
  .addCommand(createSequencerCommand())
  .addCommand(createNodeCommand())
  .addCommand(createSnapshotCommand())
  .addCommand(createDeployCommand())
  .addCommand(createRelayCommand())
  .addCommand(createGetCommand())
  .addCommand(createSendCommand())
  .addCommand(createForceCommand())
  .hook('preAction', (_, command) => readSwitches(command))

process.stdout.on('error', (error) => {
  // Whoever reads it, such as `head`, may have had enough: shells call that 128 + SIGPIPE.
  process.exit('code' in error && error.code === 'EPIPE' ? 141 : report(error))
})

try {
  await program.parseAsync()
} catch (error) {
  // Whatever else is still waiting for an answer waits in vain.
  process.exit(report(error))
}

function report(error: unknown): number {
  if (error instanceof Interrupted) return 130
  process.stderr.write(`error: ${describeError(error)}\n`)
  return error instanceof CliError ? error.exitCode : 1
}
