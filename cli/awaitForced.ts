import { BaseError, createClient, http } from 'viem'
import { type ForcedConfig, keyrollActions, type SetConfigStatus } from '../client/index.ts'
import { toJsonObject } from '../protocol/index.ts'
import { CliError } from './CliError.ts'
import { callRpc } from './callRpc.ts'
import { waitFor } from './waitFor.ts'

/** What to wait for, and whom to ask. */
export type AwaitForcedOptions = {
  keyrollRpc: string
  forced: ForcedConfig
  /** Looks for the deposit on L1 again, which may have moved it to another block, for at most so many milliseconds. */
  find: (timeout: number) => Promise<ForcedConfig>
  tell: (text: string) => void
  /** Milliseconds. */
  timeout: number
  signal: AbortSignal
}

const POLL_INTERVAL_MS = 1_000
const DERIVED = ['safe', 'proposed', 'finalized']

/**
 * Waits until a node has derived a deposit from L1, wherever L1 has it by then. A node that does not answer is asked again.
 *
 * @throws {CliError} when the time is over, or the node is past the end of the sequencing window without the deposit.
 */
export async function awaitForced(
  options: AwaitForcedOptions,
): Promise<{ forced: ForcedConfig; status: SetConfigStatus }> {
  const { keyrollRpc, find, tell, timeout, signal } = options
  const node = createClient({ transport: http(keyrollRpc) }).extend(keyrollActions())
  const deadline = Date.now() + timeout
  let { forced } = options
  const what = `the deposit ${forced.transactionHash} on ${originOf(keyrollRpc)}`
  tell(`waiting for ${what}; L1 block ${forced.latestL1Block} is the latest that can bring it`)

  return waitFor(what, { timeout, signal, interval: POLL_INTERVAL_MS }, async () => {
    const read = await readL1(keyrollRpc)
    const status = await outliving(() => node.getStatus({ transactionHash: forced.transactionHash }))
    if (read === undefined || status === undefined) return undefined
    if (DERIVED.includes(status.stage)) return { forced, status }
    const moved = await outliving(() => find(Math.max(deadline - Date.now(), 1)))
    if (moved !== undefined && moved.transactionHash !== forced.transactionHash) {
      tell(`L1 reorganised: the deposit is ${moved.transactionHash} now, in L1 block ${moved.l1BlockNumber}`)
      forced = moved
    } else if (moved !== undefined && read > forced.latestL1Block) {
      throw new CliError(
        `${originOf(keyrollRpc)} has read L1 up to block ${read} without the deposit, ` +
          `expected it by block ${forced.latestL1Block}: is it a node of this rollup, on the same L1?`,
      )
    }
    return undefined
  })
}

/** Reads up to which L1 block a node has derived; undefined while it does not answer. */
async function readL1(keyrollRpc: string): Promise<bigint | undefined> {
  let answer: unknown
  try {
    answer = await callRpc(keyrollRpc, 'optimism_syncStatus', [])
  } catch (error) {
    if (error instanceof CliError) return undefined
    throw error
  }
  const wrong = (details: string) =>
    new CliError(`${originOf(keyrollRpc)} answered optimism_syncStatus wrongly: ${details}`)
  const number = toJsonObject(answer, wrong).object('current_l1').raw('number')
  if (typeof number !== 'number') throw wrong('got no L1 block number')
  return BigInt(number)
}

/** The rest of a URL may hold a key. */
function originOf(url: string): string {
  return new URL(url).origin
}

/** Who waits for hours outlives a node that restarts. */
async function outliving<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof BaseError) return undefined
    throw error
  }
}
