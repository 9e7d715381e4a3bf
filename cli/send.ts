import { Command } from 'commander'
import { callRpc } from './callRpc.ts'
import { keyrollRpcOption } from './get.ts'
import { RAW_ARGUMENT, readRaw } from './readRaw.ts'

/** Makes the command that hands a signed set-config to the sequencer. */
export function createSendCommand(): Command {
  return new Command('send')
    .description('hand a signed set-config to the sequencer, and show its promise as JSON')
    .argument('<raw>', RAW_ARGUMENT)
    .addOption(keyrollRpcOption())
    .action(async (argument: string, { keyrollRpc }: { keyrollRpc: string }) => {
      const promise = await callRpc(keyrollRpc, 'keyroll_sendConfig', [readRaw(argument)])
      process.stdout.write(`${JSON.stringify(promise, null, 2)}\n`)
    })
}
