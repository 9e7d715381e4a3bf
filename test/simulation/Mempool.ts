import type { Address, Hex } from 'viem'
import type { SendOutcome } from '../../sequencer/l1/L1Sender.ts'
import { decodeSent, hasBlobs, type PooledTransaction, refusalOf, withoutGappedBlobs } from '../l1Pool.ts'
import type { L1State } from './SimulatedL1.ts'

/** What L1 asks for now, in wei. */
export type BaseFees = { baseFee: bigint; blobBaseFee: bigint }

/** Transactions that wait for a block, by geth's rules. */
export interface Mempool {
  /** Takes a transaction, or refuses it as geth does. */
  submit(raw: Hex, state: L1State): { outcome: SendOutcome; message: string }
  /** Takes what a reorg put out of blocks, as far as the pool's rules and what it holds allow. */
  restore(transactions: readonly PooledTransaction[], state: L1State): void
  /** Lists what a block on `state` may hold, in the order of nonces. */
  includable(state: L1State, fees: BaseFees): PooledTransaction[]
  /** Forgets what is in a block, or can never be. */
  prune(state: L1State): void
  /** Loses a transaction without a word, as nodes do. */
  lose(transaction: PooledTransaction): void
  all(): readonly PooledTransaction[]
}

/** Makes an empty mempool. */
export function createMempool(): Mempool {
  let pool: readonly PooledTransaction[] = []
  /** A node that lags still holds what is in blocks that it does not know: to it, too, nothing is missing before the next. */
  let newest: L1State | undefined
  const nextNonce = (state: L1State, from: Address) => state.nonces.get(from) ?? 0n
  const ownOf = (account: Address) => pool.filter(({ from }) => from === account)

  return {
    submit(raw, state) {
      const transaction = decodeSent(raw)
      const { from, nonce } = transaction
      const own = ownOf(from)
      const next = nextNonce(state, from)
      const outcome = refusalOf(transaction, own, next, newest === undefined ? next : nextNonce(newest, from))
      if (outcome !== undefined) return { outcome, message: `the pool says ${outcome}` }
      pool = [...pool.filter((other) => !own.includes(other) || other.nonce !== nonce), transaction]
      return { outcome: 'accepted', message: '' }
    },
    restore(transactions, state) {
      newest = state
      for (const transaction of transactions) {
        const own = ownOf(transaction.from)
        const isHeld = own.some(({ nonce }) => nonce === transaction.nonce)
        const isOtherKind = own.some((other) => hasBlobs(other) !== hasBlobs(transaction))
        if (!isHeld && !isOtherKind) pool = [...pool, transaction]
      }
      pool = withoutGappedBlobs(pool, (account) => nextNonce(state, account))
    },
    includable(state, { baseFee, blobBaseFee }) {
      const nonces = new Map<Address, bigint>()
      return [...pool]
        .sort((a, b) => Number(a.nonce - b.nonce))
        .filter((transaction) => {
          const { from, nonce, maxFeePerGas, maxFeePerBlobGas } = transaction
          const expected = nonces.get(from) ?? nextNonce(state, from)
          if (nonce !== expected || maxFeePerGas < baseFee) return false
          if (hasBlobs(transaction) && maxFeePerBlobGas < blobBaseFee) return false
          nonces.set(from, nonce + 1n)
          return true
        })
    },
    prune(state) {
      newest = state
      pool = pool.filter(({ from, nonce }) => nonce >= nextNonce(state, from))
    },
    lose(lost) {
      pool = pool.filter((transaction) => transaction !== lost)
    },
    all: () => pool,
  }
}
