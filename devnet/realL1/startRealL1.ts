import { createPublicClient, http } from 'viem'
import { type Ending, startOrRelease } from '../../node/index.ts'
import type { BeaconChain } from '../BeaconChain.ts'
import { SLOTS_PER_EPOCH, serveBeaconApi } from '../beaconApi.ts'
import { createBeaconDriver } from './BeaconDriver.ts'
import { createEngineApi } from './EngineApi.ts'
import { createL1Genesis } from './genesis.ts'
import { startEthereumJs } from './startEthereumJs.ts'

/** An L1 of a real execution client, and a beacon chain that drives it: a block a second, but for missed slots. */
export interface RealL1 {
  readonly url: string
  readonly beaconUrl: string
  readonly beacon: BeaconChain
  /** Rejects when the client ends or its driver fails; never resolves. */
  readonly crashed: Promise<never>
  /** Stops driving it, and then the client. */
  stop(): Promise<void>
}

/** Cancun and Deneb end, and Prague and Electra begin, with this epoch. */
const ELECTRA_EPOCH = 1

/**
 * Starts an L1 whose databases and logs go into the directory.
 *
 * @throws {DevnetError} when the client is not installed, or does not start.
 */
export function startRealL1(options: { directory: string; chainId: number }): Promise<RealL1> {
  return startOrRelease((ending) => start(options, ending))
}

async function start(
  { directory, chainId }: { directory: string; chainId: number },
  ending: Ending,
): Promise<RealL1> {
  const time = Math.floor(Date.now() / 1000)
  const pragueTime = time + ELECTRA_EPOCH * SLOTS_PER_EPOCH
  const client = await startEthereumJs(directory, createL1Genesis({ chainId, time, pragueTime }))
  ending.onRelease(() => client.stop())
  const { url, jwtSecret } = client
  const genesis = await createPublicClient({ transport: http(url) }).getBlock()
  const engine = createEngineApi({ url, jwtSecret })
  const driver = createBeaconDriver({ engine, chainId, genesis, electraEpoch: ELECTRA_EPOCH })
  const api = await serveBeaconApi({ chain: driver, port: 0 })
  ending.onRelease(() => api.close())
  const driving = driver.run(ending.signal)
  ending.onRelease(() => driving.catch(() => undefined))
  const crashed = Promise.race([driving.then(() => client.crashed), client.crashed])
  crashed.catch(() => undefined)
  return {
    url,
    beaconUrl: api.url,
    beacon: driver,
    crashed,
    stop: () => ending.release(),
  }
}
