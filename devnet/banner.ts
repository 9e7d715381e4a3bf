import { styleText } from 'node:util'
import type { DevnetInfo } from './DevnetInfo.ts'

/** Writes what a person needs to use a devnet: names, chain ids, URLs, addresses and keys. */
export function devnetBanner(info: DevnetInfo, { color }: { color: boolean }): string {
  const style = (format: Parameters<typeof styleText>[0], text: string) =>
    color ? styleText(format, text, { validateStream: false }) : text
  const title = (text: string) => ['', style(['bold', 'cyan'], `  ${text}`)]
  const row = (name: string, ...values: string[]) =>
    `    ${style('dim', name.padEnd(LABEL_WIDTH))}${values.join('  ')}`

  const { l1, chains, sequencer, node, rollup, contracts, accounts } = info
  return [
    ...LOGO.map((line) => style(['bold', 'green'], line)),
    ...title('chains'),
    row('L1', `chain ${l1.chainId}`.padEnd(CHAIN_WIDTH), l1.rpcUrl),
    row('L1 beacon API', ''.padEnd(CHAIN_WIDTH), l1.beaconUrl),
    row('Keyroll', `chain ${rollup.l2ChainId}`.padEnd(CHAIN_WIDTH), sequencer.rpcUrl, '(sequencer)'),
    row('', ''.padEnd(CHAIN_WIDTH), node.rpcUrl, '(independent node)'),
    row('', ''.padEnd(CHAIN_WIDTH), sequencer.adminUrl, '(sequencer admin)'),
    row('admin token', sequencer.adminToken),
    ...chains.map(({ name, chainId, rpcUrl, source }) =>
      row(name, `chain ${chainId}`.padEnd(CHAIN_WIDTH), rpcUrl, `(reads ${source.kind})`),
    ),
    ...title('contracts on L1'),
    ...Object.entries(contracts.l1).map(([name, address]) => row(words(name), address)),
    ...chains.map(({ name, portal }) => row(`optimism portal of ${name}`, portal)),
    ...title('contracts on A, B and L1'),
    ...Object.entries(contracts.l2).map(([name, address]) => row(words(name), address)),
    ...title('accounts (public test keys: never send real money there)'),
    ...Object.entries(accounts).map(([role, { address, privateKey }]) =>
      row(words(role), address, privateKey),
    ),
    ...title('files'),
    row('this as JSON', info.path),
    row('rollup config', rollup.configPath),
    row('databases, logs', info.dataDir),
    '',
  ].join('\n')
}

const LABEL_WIDTH = 20
const CHAIN_WIDTH = 20

const LOGO = String.raw`
  _                        _ _
 | | _____ _   _ _ __ ___ | | |
 | |/ / _ \ | | | '__/ _ \| | |
 |   <  __/ |_| | | | (_) | | |
 |_|\_\___|\__, |_|  \___/|_|_|   devnet
           |___/`.split('\n')

/** `beaconRootsSource` -> `beacon roots source`, `l1BlockSource` -> `l1 block source`. */
function words(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}
