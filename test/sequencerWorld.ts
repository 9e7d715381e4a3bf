import { once } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { createTestClient, type Hex, http, publicActions } from 'viem'
import { type DevnetAccount, devnetAccounts, type Role } from '../devnet/accounts.ts'
import type { RollupParameters } from '../devnet/deployRollup.ts'
import { createLogger } from '../node/index.ts'
import type { RollupConfig } from '../protocol/index.ts'
import type { SequencerOptions } from '../sequencer/index.ts'
import { startL1World } from './l1World.ts'

/** An anvil that mines every second, with the contracts of a rollup on it. */
export interface SequencerWorld {
  readonly rollup: RollupConfig
  readonly l1: ReturnType<typeof l1Client>
  readonly l1Url: string
  readonly accounts: Record<Role, DevnetAccount>
  /** A directory for one sequencer's database. */
  newDirectory(): Promise<string>
  /** What `createSequencer` needs, on any free port, without a log. */
  optionsFor(dataDirectory: string): SequencerOptions
  stop(): Promise<void>
}

/** What a world may have otherwise. */
type WorldChanges = {
  /** Finality on L1 is twice as many blocks behind the head. */
  slotsInAnEpoch?: number
  parameters?: Partial<RollupParameters>
  /** Leaves it to the test to mine, and gives L1 and the rollup so many blocks of history, one a second. */
  history?: number
}

/** Starts a world; L1 and rollup blocks come every second. */
export async function startSequencerWorld({
  slotsInAnEpoch = 16,
  parameters = {},
  history,
}: WorldChanges = {}): Promise<SequencerWorld> {
  const genesisTime = history === undefined ? undefined : BigInt(Math.floor(Date.now() / 1000) - history - 20)
  const world = await startL1World({
    // Finality far enough behind for the reorgs of the tests.
    anvil: { slotsInAnEpoch, ...(genesisTime !== undefined && { genesisTime }) },
    parameters,
  })
  const { url: l1Url, rollup, accounts, directory, stop } = world
  const l1 = l1Client(l1Url)
  if (history === undefined) await l1.setIntervalMining({ interval: 1 })
  else {
    await l1.setAutomine(false)
    await l1.mine({ blocks: history, interval: 1 })
  }
  return {
    rollup,
    l1,
    l1Url,
    accounts,
    newDirectory: () => mkdtemp(join(directory, 'db-')),
    optionsFor: (dataDirectory) => sequencerOptions(rollup, l1Url, dataDirectory),
    stop,
  }
}

/** The options of a sequencer that posts at once and proposes what is safe, with the devnet's keys. */
export function sequencerOptions(
  rollup: RollupConfig,
  l1Url: string,
  dataDirectory: string,
): SequencerOptions {
  const { batcher, proposer, promiseSigner } = devnetAccounts()
  return {
    rollup,
    dataDirectory,
    l1: { urls: [l1Url] },
    rpc: { host: '127.0.0.1', port: 0 },
    admin: { host: '127.0.0.1', port: 0, token: 'secret' },
    promiseKey: promiseSigner.privateKey,
    batcherKey: batcher.privateKey,
    proposerKey: proposer.privateKey,
    l1Confirmations: 0n,
    batcher: { maxChannelDuration: 0n },
    proposer: { head: 'safe' },
    pollIntervalMs: 100,
    logger: createLogger({ level: process.env.KEYROLL_LOG_LEVEL === 'debug' ? 'debug' : 'silent' }),
    version: 'keyroll/test',
  }
}

/** Longer than any good answer takes. */
const ANSWER_TIMEOUT_MS = 30_000

/** Calls a JSON-RPC method and returns the result, or throws the error object. */
export async function rpc<T>(
  url: string,
  method: string,
  params: readonly unknown[],
  { token, signal }: { token?: string; signal?: AbortSignal } = {},
): Promise<T> {
  const response = await fetch(url, {
    method: 'POST',
    signal: signal ?? AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    headers: {
      'content-type': 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  })
  const { result, error } = (await response.json()) as {
    result: T
    error?: { code: number; data: { reason: string } }
  }
  if (error !== undefined) throw error
  return result
}

/** Asks again and again until the answer is accepted; a question that is under way at the end of its time is given up. */
export async function until<T>(
  question: () => Promise<T>,
  accept: (answer: T) => boolean,
  timeoutMs = 60_000,
): Promise<T> {
  const deadline = AbortSignal.timeout(timeoutMs)
  const isOver = once(deadline, 'abort').then(() => {
    throw deadline.reason
  })
  isOver.catch(() => undefined)
  let last: unknown
  while (!deadline.aborted) {
    try {
      const answer = await Promise.race([question(), isOver])
      if (accept(answer)) return answer
      last = answer
    } catch (error) {
      if (!deadline.aborted) last = error
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const text = JSON.stringify(last, (_, value) => (typeof value === 'bigint' ? `${value}` : value))
  throw new Error(`gave up waiting; last: ${last instanceof Error ? last.message : text}`)
}

/** Resolves when a node says that it is ready. */
export async function untilReady(url: string, timeoutMs?: number): Promise<void> {
  await until(
    async () => (await fetch(`${url}/readyz`)).json() as Promise<{ ready: boolean }>,
    ({ ready }) => ready,
    timeoutMs,
  )
}

function l1Client(url: string) {
  return createTestClient({ mode: 'anvil', transport: http(url), pollingInterval: 50 }).extend(publicActions)
}

/** The answer of `keyroll_getStatus`, as far as tests look. */
export type StatusJson = {
  stage: string
  valid?: boolean
  blockNumber?: Hex
  promise?: { txHash: Hex; byBlock: Hex }
  l1?: { transactionHash: Hex | null }
  output?: { index: Hex }
}
