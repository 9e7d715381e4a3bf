import { Command } from 'commander'
import type { Hex } from 'viem'
import { callRpc } from './callRpc.ts'
import { keyrollRpcOption } from './get.ts'
import { parseBytes } from './options.ts'

/** Makes the command that hands a signed set-config to the sequencer. */
export function createSendCommand(): Command {
  return new Command('send')
    .description('hand a signed set-config to the sequencer, and show its promise as JSON')
    .argument('<raw>', 'the bytes of the set-config in hex', parseBytes)
    .addOption(keyrollRpcOption())
    .action(async (raw: Hex, { keyrollRpc }: { keyrollRpc: string }) => {
      const promise = await callRpc(keyrollRpc, 'keyroll_sendConfig', [raw])
      process.stdout.write(`${JSON.stringify(promise, null, 2)}\n`)
    })
}
