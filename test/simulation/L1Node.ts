import type { Hex } from 'viem'
import { type L1Client, type L1Header, ResetFault, TemporaryFault } from '../../node/index.ts'
import type { RollupConfig } from '../../protocol/index.ts'
import type { L1Contracts } from '../../sequencer/l1/L1Contracts.ts'
import { type L1Sender, TransactionRevertedError } from '../../sequencer/l1/L1Sender.ts'
import type { Host } from './Host.ts'
import type { BaseFees, Mempool } from './Mempool.ts'
import type { Random } from './Random.ts'
import type { L1View, SimulatedL1 } from './SimulatedL1.ts'
import { ACCOUNTS } from './World.ts'

/** How badly a process's L1 node behaves; all probabilities are of one call. */
export type L1Weather = {
  fails: number
  /** It answers from what it knew some time ago, on another fork perhaps. */
  lags: number
  /** It does what it is asked, and the answer is lost. */
  losesAnswer: number
  /** It has forgotten a block that is not canonical. */
  forgets: number
  /** Most milliseconds of a call, and of a lag. */
  slowness: number
  lag: number
}

/** L1 as one process sees it. */
export type L1Node = { client: L1Client; sender: L1Sender; contracts: L1Contracts }

/** What an {@link L1Node} stands in. */
export type L1NodeModules = {
  l1: SimulatedL1
  /** Reads the contents of every block ever mined. */
  contents: Pick<L1Client, 'transactions' | 'receipts' | 'blobs' | 'mayHaveLogs'>
  mempool: Mempool
  baseFees: () => BaseFees
  /** The chain as it was at some time. */
  viewAt: (time: number) => L1View
  now: () => number
  rollup: RollupConfig
  host: Host
  random: Random
  weather: () => L1Weather
}

const FAST_MS = 40

/** Makes the L1 node of a process. */
export function createL1Node(modules: L1NodeModules): L1Node {
  const { l1, contents, mempool, rollup, host, random, weather, now, viewAt } = modules
  const first = l1.view()[0]?.number ?? 0n

  /** Asks the node as it is when the question arrives. */
  async function ask<T>(answer: (view: L1View) => T | Promise<T>): Promise<T> {
    const { fails, lags, losesAnswer, slowness, lag } = weather()
    await host.pause(random.integer(1, Math.max(FAST_MS, random.chance(0.1) ? slowness : FAST_MS)))
    if (random.chance(fails)) throw new TemporaryFault('the L1 node does not answer')
    const isLagging = random.chance(lags)
    const result = await answer(viewAt(isLagging ? now() - random.integer(0, lag) : now()))
    if (random.chance(losesAnswer)) throw new TemporaryFault('the answer of the L1 node is lost')
    return result
  }

  const at = (view: L1View, number: bigint) => (number < first ? undefined : view[Number(number - first)])
  const finalizedOf = (view: L1View) => {
    const head = view.at(-1)?.number ?? first
    return head < l1.finalized() ? head : l1.finalized()
  }
  const headOf = (view: L1View): L1Header => {
    const head = view.at(-1)
    if (head === undefined) throw new TemporaryFault('the L1 node has no block')
    return head
  }
  const isOn = (view: L1View, { number, hash }: L1Header) => at(view, number)?.hash === hash

  async function contentsOf<T>(header: L1Header, read: () => Promise<T>): Promise<T> {
    return ask((view) => {
      if (!isOn(view, header) && random.chance(weather().forgets)) {
        throw new ResetFault(`the L1 node no longer has block ${header.number} ${header.hash}`)
      }
      return read()
    })
  }

  return {
    client: {
      chainId: () => ask(() => rollup.l1ChainId),
      assertChainId: () => ask(() => undefined),
      header: (numberOrTag) =>
        ask((view) => {
          if (typeof numberOrTag === 'bigint') return at(view, numberOrTag)
          return numberOrTag === 'latest' ? view.at(-1) : at(view, finalizedOf(view))
        }),
      headerByHash: (hash) =>
        ask((view) => {
          const found = view.find((header) => header.hash === hash) ?? l1.known(hash)
          const isGone = found !== undefined && !isOn(view, found) && random.chance(weather().forgets)
          return isGone ? undefined : found
        }),
      transactions: (header) => contentsOf(header, () => contents.transactions(header)),
      receipts: (header) => contentsOf(header, () => contents.receipts(header)),
      blobs: (header, hashes) => contentsOf(header, () => contents.blobs(header, hashes)),
      mayHaveLogs: contents.mayHaveLogs,
      close: async () => undefined,
    },
    sender: {
      nextNonce: (account) =>
        ask((view) => l1.stateOf(headOf(view)).nonces.get(account.toLowerCase() as Hex) ?? 0n),
      blobProofKind: () => ask(() => 'cells' as const),
      gasPrices: () =>
        ask(() => ({
          ...modules.baseFees(),
          priorityFee: 1_000_000_000n,
          calldataFloor: 'EIP-7623' as const,
        })),
      estimateGas: ({ from, to, data }) =>
        ask((view) => {
          const call = { from: from.toLowerCase() as Hex, to: to.toLowerCase() as Hex, data }
          if (!l1.wouldSucceed(headOf(view), call))
            throw new TransactionRevertedError(to, 'execution reverted')
          return 100_000n
        }),
      send: (raw) => ask((view) => mempool.submit(raw, l1.stateOf(headOf(view)))),
      receipt: (hash) =>
        ask((view) => {
          for (const { number, hash: blockHash, ...header } of view.toReversed()) {
            const { executed } = l1.stateOf({ number, hash: blockHash, ...header })
            const found = executed.find(({ transaction }) => transaction.hash === hash)
            if (found === undefined) continue
            return { transactionHash: hash, status: found.status, blockNumber: number, blockHash }
          }
          return undefined
        }),
      heads: () => ask((view) => ({ latest: headOf(view).number, finalized: finalizedOf(view) })),
    },
    contracts: {
      promiseSigner: () => ask((view) => l1.stateOf(headOf(view)).promiseSigner),
      batcher: async () => ACCOUNTS.batcher,
      proposer: async () => ACCOUNTS.proposer,
      submissionCount: () => ask((view) => l1.stateOf(headOf(view)).submissions),
      nextOutputBlock: () =>
        ask((view) => (l1.stateOf(headOf(view)).outputs.at(-1) ?? 0n) + rollup.submissionInterval),
    },
  }
}
