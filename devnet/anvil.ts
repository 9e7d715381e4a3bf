import { createRequire } from 'node:module'
import { join } from 'node:path'
import { type ChildProcess, startChildProcess } from './ChildProcess.ts'
import { DevnetError } from './DevnetError.ts'

/** Settings of one anvil. */
export type AnvilOptions = {
  name: string
  chainId: number
  /** 0 takes any free port. */
  port: number
  logDirectory: string
  /** Seconds; the genesis block's. Now by default. */
  genesisTime?: bigint
  /** How many blocks behind the head `safe` is; `finalized` is twice as far. */
  slotsInAnEpoch?: number
  /** Osaka by default; an earlier one lacks the P-256 precompile. */
  hardfork?: string
  /** Whether it records the steps of transactions, for `debug_traceTransaction`. */
  tracesSteps?: boolean
}

/** A running anvil that mines a block per transaction until told otherwise. */
export type Anvil = ChildProcess & { url: string; chainId: number }

/**
 * Starts an anvil on the loopback interface with the funded accounts of the test mnemonic.
 *
 * @throws {DevnetError} when it cannot be started.
 */
export async function startAnvil(options: AnvilOptions): Promise<Anvil> {
  const {
    name,
    chainId,
    port,
    logDirectory,
    genesisTime,
    slotsInAnEpoch = 32,
    hardfork = 'osaka',
    tracesSteps = false,
  } = options
  const process = await startChildProcess({
    name,
    command: anvilBinary(),
    args: [
      ...['--host', '127.0.0.1', '--port', `${port}`, '--chain-id', `${chainId}`],
      ...(tracesSteps ? ['--steps-tracing'] : []),
      ...['--hardfork', hardfork, '--slots-in-an-epoch', `${slotsInAnEpoch}`],
      ...(genesisTime === undefined ? [] : ['--timestamp', `${genesisTime}`]),
    ],
    logFile: join(logDirectory, `${name}.log`),
    ready: /Listening on (\S+)/,
  })
  return { ...process, url: `http://${process.match[1]}`, chainId }
}

/** Finds the binary inside the platform's package: a wrapper in between would swallow signals. */
function anvilBinary(): string {
  const fromHere = createRequire(import.meta.url)
  try {
    const fromAnvil = createRequire(fromHere.resolve('@foundry-rs/anvil/package.json'))
    const binary = process.platform === 'win32' ? 'anvil.exe' : 'anvil'
    const arch = process.arch === 'x64' ? 'amd64' : process.arch
    return fromAnvil.resolve(`@foundry-rs/anvil-${process.platform}-${arch}/bin/${binary}`)
  } catch (cause) {
    throw new DevnetError('anvil', 'not installed; run: npm install --save-dev @foundry-rs/anvil', { cause })
  }
}
