import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ChildProcess, startChildProcess } from '../ChildProcess.ts'
import { DevnetError } from '../DevnetError.ts'
import type { Genesis } from './genesis.ts'

/** A running EthereumJS, which serves JSON-RPC and, to who bears a token, the Engine API at one URL. */
export type EthereumJs = ChildProcess & { url: string; jwtSecret: Uint8Array }

/** Installed on its own: an ordinary install goes without it. */
const INSTALLATION = fileURLToPath(new URL('../ethereumjs', import.meta.url))
const CLI = join(INSTALLATION, 'node_modules/@ethereumjs/client/dist/esm/bin/cli.js')

/**
 * Starts the execution client on the loopback interface, without peers; its database and log go into the directory.
 *
 * @throws {DevnetError} when it is not installed, or cannot be started.
 */
export async function startEthereumJs(directory: string, genesis: Genesis): Promise<EthereumJs> {
  if (!existsSync(CLI)) {
    throw new DevnetError('EthereumJS', 'not installed; run: npm ci --prefix devnet/ethereumjs')
  }
  const dataDir = join(directory, 'ethereumjs')
  await mkdir(dataDir)
  const [genesisFile, secretFile] = [join(dataDir, 'genesis.json'), join(dataDir, 'jwt.hex')]
  const jwtSecret = randomBytes(32)
  await writeFile(genesisFile, JSON.stringify(genesis))
  await writeFile(secretFile, jwtSecret.toString('hex'), { mode: 0o600 })
  const port = await findFreePort()
  const process_ = await startChildProcess({
    name: 'ethereumjs',
    command: process.execPath,
    args: [
      ...[CLI, '--gethGenesis', genesisFile, '--dataDir', dataDir, '--jwtSecret', secretFile],
      ...['--rpc', '--rpcAddr', '127.0.0.1', '--rpcPort', `${port}`],
      ...['--rpcEngine', '--rpcEngineAddr', '127.0.0.1', '--rpcEnginePort', `${port}`],
      // Without synchronisation it neither listens for peers nor looks for them.
      ...['--sync', 'none', '--isSingleNode', '--no-logFile'],
    ],
    logFile: join(directory, 'ethereumjs.log'),
    ready: /Client started successfully/,
  })
  return { ...process_, url: `http://127.0.0.1:${port}`, jwtSecret }
}

/** The client does not say which port it got when it is told to take any. */
function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
