import { Command } from 'commander'
import type { Hex } from 'viem'
import { callRpc } from './callRpc.ts'
import { option, parseBlock, parseHash, parseHttpUrl } from './options.ts'

/** Makes the command that shows a keystore. */
export function createGetCommand(): Command {
  return new Command('get')
    .description('show the config of a keystore, as JSON')
    .argument('<id>', 'keystore id, 32 bytes in hex', parseHash)
    .addOption(keyrollRpcOption())
    .addOption(
      option('--block <block>', 'latest, safe, finalized, earliest, or a block number in decimal or hex')
        .argParser(parseBlock)
        .default('latest'),
    )
    .action(async (id: Hex, { keyrollRpc, block }: { keyrollRpc: string; block: string }) => {
      const config = await callRpc(keyrollRpc, 'keyroll_getConfig', [id, block])
      process.stdout.write(`${JSON.stringify(config, null, 2)}\n`)
    })
}

/** The option that names a Keyroll node. */
export function keyrollRpcOption() {
  return option('--keyroll-rpc <url>', 'JSON-RPC of a Keyroll node')
    .argParser(parseHttpUrl)
    .default('http://127.0.0.1:8645')
}
