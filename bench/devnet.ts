import { fileURLToPath } from 'node:url'
import { type Devnet, startDevnet } from '../devnet/index.ts'

const CLI = fileURLToPath(new URL('../cli/main.js', import.meta.url))

/** Starts a devnet on free ports, its nodes compiled; runs `use` on it and stops it. */
export async function withDevnet<T>(use: (devnet: Devnet) => Promise<T>): Promise<T> {
  const devnet = await startDevnet({
    ports: { l1: 0, beacon: 0, chainA: 0, chainB: 0, sequencer: 0, admin: 0, node: 0 },
    chainIds: { l1: 900, chainA: 901, chainB: 902 },
    l1BlockTime: 2,
    blockTime: 1,
    submissionInterval: 6,
    challengePeriod: 12,
    dataAvailability: 'calldata',
    dataDir: undefined,
    out: undefined,
    keyroll: { command: process.execPath, args: [CLI] },
    onProgress: () => undefined,
    signal: new AbortController().signal,
  })
  try {
    return await Promise.race([use(devnet), devnet.crashed])
  } finally {
    await devnet.stop()
  }
}
