import { BaseError, createClient } from 'viem'
import {
  type ForcedConfig,
  keyrollActions,
  type SetConfigStage,
  type SetConfigStatus,
} from '../client/index.ts'
import { KeyrollError, toJsonObject } from '../protocol/index.ts'
import { CliError } from './CliError.ts'
import { callRpc } from './callRpc.ts'
import { httpTransport } from './httpTransport.ts'
import { waitFor } from './waitFor.ts'

/** What to wait for, and whom to ask. */
export type AwaitForcedOptions = {
  keyrollRpc: string
  forced: ForcedConfig
  /** Looks for the deposit on L1 again, which may have moved it to another block; fails with an error of viem while L1 has it in none. */
  find: () => Promise<ForcedConfig>
  tell: (text: string) => void
  /** Milliseconds. */
  timeout: number
  signal: AbortSignal
}

const POLL_INTERVAL_MS = 1_000
/** The stages of what L1 has brought to the chain. */
export const DERIVED: readonly SetConfigStage[] = ['safe', 'proposed', 'finalized']

/**
 * Waits until a node has derived a deposit from L1, wherever L1 has it by then. Whoever does not answer, or oddly, is asked
 * again: the wait is for hours, in which nodes restart.
 *
 * @throws {CliError} when the time is over, or the node is past the end of the sequencing window without the deposit.
 */
export async function awaitForced(
  options: AwaitForcedOptions,
): Promise<{ forced: ForcedConfig; status: SetConfigStatus }> {
  const { keyrollRpc, find, tell, timeout, signal } = options
  const node = createClient({ transport: httpTransport(keyrollRpc) }).extend(keyrollActions())
  let { forced } = options
  let fault: Error | undefined
  const what = `the deposit ${forced.transactionHash} on ${originOf(keyrollRpc)}`
  tell(`waiting for ${what}; L1 block ${forced.latestL1Block} is the latest that can bring it`)

  const outliving = async <T>(ask: () => Promise<T>, isPassing: (error: unknown) => error is Error) => {
    try {
      return await ask()
    } catch (error) {
      if (!isPassing(error)) throw error
      fault = error
      return undefined
    }
  }
  const ask = async () => {
    const read = await outliving(() => readL1(keyrollRpc), isOddAnswer)
    const status = await outliving(async () => {
      return requireOutcome(await node.getStatus({ transactionHash: forced.transactionHash }))
    }, isOddAnswer)
    if (status !== undefined && DERIVED.includes(status.stage)) return { forced, status }
    if (status === undefined || read === undefined) return undefined
    fault = undefined
    const moved = await outliving(find, isViemError)
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
  }
  try {
    return await waitFor(what, { timeout, signal, interval: POLL_INTERVAL_MS }, ask)
  } catch (error) {
    throw error instanceof CliError && fault !== undefined ? withFault(error, fault) : error
  }
}

/** Reads up to which L1 block a node has derived. */
async function readL1(keyrollRpc: string): Promise<bigint> {
  const answer = await callRpc(keyrollRpc, 'optimism_syncStatus', [])
  const wrong = (details: string) =>
    new CliError(`${originOf(keyrollRpc)} answered optimism_syncStatus wrongly: ${details}`)
  const number = toJsonObject(answer, wrong).object('current_l1').raw('number')
  if (!Number.isSafeInteger(number)) throw wrong('got no L1 block number')
  return BigInt(number as number)
}

/** What is derived has an outcome, which a node that has lost it must not be taken to deny. */
function requireOutcome(status: SetConfigStatus): SetConfigStatus {
  const { stage, valid, blockNumber } = status
  if (!DERIVED.includes(stage) || (valid !== undefined && blockNumber !== undefined)) return status
  throw new CliError(`the node answered keyroll_getStatus with stage ${stage}, but not with the outcome`)
}

/** The rest of a URL may hold a key. */
function originOf(url: string): string {
  return new URL(url).origin
}

function isViemError(error: unknown): error is Error {
  return error instanceof BaseError
}

function isOddAnswer(error: unknown): error is Error {
  return error instanceof BaseError || error instanceof KeyrollError
}

/** What viem says of a failure is put into words as a cause: it may hold a URL. */
function withFault({ message }: CliError, fault: Error): CliError {
  return new CliError(fault instanceof BaseError ? message : `${message}. ${fault.message}`, { cause: fault })
}
