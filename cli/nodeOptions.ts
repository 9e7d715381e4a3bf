import { join } from 'node:path'
import { type Command, Option } from 'commander'
import { createLogger, type LogLevel } from '../node/Logger.ts'
import type { L1TrustSource } from '../node/l1/L1Client.ts'
import { makeDirectory } from '../node/store/makeDirectory.ts'
import { urlSecrets } from '../node/urlSecrets.ts'
import { isKeccakFast } from '../protocol/index.ts'
import {
  option,
  parseCount,
  parseHttpUrls,
  parseMilliseconds,
  parsePort,
  readRollupConfig,
} from './options.ts'
import type { StatusLine } from './StatusLine.ts'

/** The flags that `keyroll node` and `keyroll sequencer` share. */
export type NodeFlags = {
  l1Rpc: readonly string[]
  l1Quorum: number
  l1Trust: L1TrustSource
  l1Beacon: readonly string[]
  l1PollInterval: number
  rollupConfig: string
  dataDir: string
  host: string
  port: number
  corsOrigin?: string
  logLevel: LogLevel
}

const LOG_LEVELS: readonly LogLevel[] = ['silent', 'error', 'warn', 'info', 'debug']

/** Adds the shared flags to a command. */
export function withNodeOptions(command: Command, defaults: { dataDir: string; port: number }): Command {
  return command
    .addOption(
      option('--l1-rpc <urls>', 'JSON-RPC of one or more L1 nodes, separated by commas or repeated')
        .argParser(parseHttpUrls)
        .makeOptionMandatory(),
    )
    .addOption(
      option('--l1-trust <nodes>', 'whose word it is what L1 is: of the nodes behind --l1-rpc or --l1-beacon')
        .choices(['rpc', 'beacon'])
        .default('rpc'),
    )
    .addOption(
      option('--l1-quorum <count>', 'how many of the --l1-rpc nodes must name the same L1 block')
        .argParser(parseCount)
        .default(1),
    )
    .addOption(
      option('--l1-beacon <urls>', 'beacon API of one or more L1 nodes; blobs are read from it')
        .argParser(parseHttpUrls)
        .default([], 'none'),
    )
    .addOption(
      option('--l1-poll-interval <milliseconds>', 'how often to look for a new L1 block')
        .argParser(parseMilliseconds)
        .default(1000),
    )
    .addOption(
      option(
        '--rollup-config <file>',
        'the rollup config that came with the contracts',
      ).makeOptionMandatory(),
    )
    .addOption(option('--data-dir <dir>', 'directory of the database').default(defaults.dataDir))
    .addOption(option('--host <address>', 'address to listen on').default('127.0.0.1'))
    .addOption(
      option('--port <port>', 'port to listen on, 0 for any free one')
        .argParser(parsePort)
        .default(defaults.port),
    )
    .addOption(
      option(
        '--cors-origin <origin>',
        'web pages of this origin may ask and open WebSockets, * for all (default: none)',
      ),
    )
    .addOption(logLevelOption())
}

function logLevelOption(): Option {
  return new Option('--log-level <level>', 'how much to log, to standard error')
    .choices([...LOG_LEVELS])
    .default('info')
    .env('KEYROLL_LOG_LEVEL')
}

/** Turns the shared flags into what both nodes are made of. */
export function readNodeFlags(flags: NodeFlags, name: string, statusLine?: StatusLine) {
  const rollup = readRollupConfig(flags.rollupConfig)
  makeDirectory(flags.dataDir)
  const logger = createLogger({
    level: flags.logLevel,
    name,
    destination: statusLine,
    secrets: secretsIn(flags),
  })
  if (!isKeccakFast) logger.warn('WebAssembly is missing, or gets no memory: hashing takes ten times as long')
  return {
    rollup,
    dataDirectory: join(flags.dataDir, 'chain'),
    l1: {
      urls: flags.l1Rpc,
      quorum: flags.l1Quorum,
      trust: flags.l1Trust,
      beaconUrls: flags.l1Beacon,
    },
    pollIntervalMs: flags.l1PollInterval,
    rpc: {
      host: flags.host,
      port: flags.port,
      ...(flags.corsOrigin !== undefined && { corsOrigin: flags.corsOrigin }),
    },
    logger,
    version: VERSION,
  }
}

/** What the URLs among the flags keep secret, whatever flags a command adds. */
function secretsIn(flags: Readonly<Record<string, unknown>>): string[] {
  const texts = Object.values(flags)
    .flat()
    .filter((value) => typeof value === 'string')
  return texts.filter((text) => /^(https?|wss?):/.test(text) && URL.canParse(text)).flatMap(urlSecrets)
}

/** Name and version of this program. */
export const VERSION = 'keyroll/0.1.0'

/** Says on standard output, in one line of JSON, where a process listens: whoever chose port 0 learns it there. */
export function announce(urls: Readonly<Record<string, string>>): void {
  process.stdout.write(`${JSON.stringify(urls)}\n`)
}
