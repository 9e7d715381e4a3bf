import secp256k1 from 'secp256k1'
import {
  type Address,
  type Hex,
  parseTransaction,
  serializeTransaction,
  type TransactionSerialized,
} from 'viem'
import { fromHex, keccak, keccakHex, toHex } from '../../protocol/index.ts'
import type { SendOutcome } from '../../sequencer/l1/L1Sender.ts'
import type { L1State } from './SimulatedL1.ts'

/** A signed transaction as L1's nodes pass it on. */
export type PooledTransaction = {
  raw: Hex
  hash: Hex
  from: Address
  to: Address
  data: Hex
  blobs: readonly Uint8Array[]
  nonce: bigint
  maxFeePerGas: bigint
  maxPriorityFeePerGas: bigint
  maxFeePerBlobGas: bigint
}

/** Transactions that wait for a block, by geth's rules. */
export interface Mempool {
  /** Takes a transaction, or refuses it as geth does. */
  submit(raw: Hex, state: L1State): { outcome: SendOutcome; message: string }
  /** Takes what a reorg put out of its block, where nothing else has its nonce. */
  restore(transaction: PooledTransaction): void
  /** Lists what a block on `state` may hold, in the order of nonces. */
  includable(state: L1State, baseFee: bigint): PooledTransaction[]
  /** Forgets what is in a block, or can never be. */
  prune(state: L1State): void
  /** Loses a transaction without a word, as nodes do. */
  lose(transaction: PooledTransaction): void
  all(): readonly PooledTransaction[]
}

/** Makes an empty mempool. */
export function createMempool(): Mempool {
  let pool: readonly PooledTransaction[] = []
  const nextNonce = (state: L1State, from: Address) => state.nonces.get(from) ?? 0n
  const isSame = (a: PooledTransaction, b: PooledTransaction) => a.from === b.from && a.nonce === b.nonce

  return {
    submit(raw, state) {
      const transaction = decode(raw)
      const { from, nonce, blobs } = transaction
      if (nonce < nextNonce(state, from)) return { outcome: 'nonceTooLow', message: 'nonce too low' }
      const others = pool.filter((other) => other.from === from)
      // An account is either in the pool of blob transactions or in that of the rest.
      if (others.some((other) => other.blobs.length > 0 !== blobs.length > 0)) {
        return { outcome: 'refused', message: 'address already reserved' }
      }
      const old = others.find((other) => other.nonce === nonce)
      if (old?.hash === transaction.hash) return { outcome: 'known', message: 'already known' }
      if (old !== undefined && !mayReplace(old, transaction)) {
        return { outcome: 'underpriced', message: 'replacement transaction underpriced' }
      }
      pool = [...pool.filter((other) => other !== old), transaction]
      return { outcome: 'accepted', message: '' }
    },
    restore(transaction) {
      if (!pool.some((other) => isSame(other, transaction))) pool = [...pool, transaction]
    },
    includable(state, baseFee) {
      const nonces = new Map<Address, bigint>()
      return [...pool]
        .sort((a, b) => Number(a.nonce - b.nonce))
        .filter(({ from, nonce, maxFeePerGas }) => {
          const expected = nonces.get(from) ?? nextNonce(state, from)
          if (nonce !== expected || maxFeePerGas < baseFee) return false
          nonces.set(from, nonce + 1n)
          return true
        })
    },
    prune(state) {
      pool = pool.filter(({ from, nonce }) => nonce >= nextNonce(state, from))
    },
    lose(lost) {
      pool = pool.filter((transaction) => transaction !== lost)
    },
    all: () => pool,
  }
}

/** Ten percent more of each fee; a hundred for blobs. */
function mayReplace(old: PooledTransaction, next: PooledTransaction): boolean {
  const percent = old.blobs.length > 0 ? 200n : 110n
  const pays = (before: bigint, after: bigint) => after * 100n >= before * percent
  return (
    pays(old.maxFeePerGas, next.maxFeePerGas) &&
    pays(old.maxPriorityFeePerGas, next.maxPriorityFeePerGas) &&
    (old.blobs.length === 0 || pays(old.maxFeePerBlobGas, next.maxFeePerBlobGas))
  )
}

function decode(raw: Hex): PooledTransaction {
  const parsed = parseTransaction(raw as TransactionSerialized)
  const { to, data, nonce, maxFeePerGas, maxPriorityFeePerGas, r, s, v, yParity, ...rest } = parsed
  const sidecars = 'sidecars' in rest && Array.isArray(rest.sidecars) ? rest.sidecars : []
  const unsigned = {
    ...parsed,
    sidecars: undefined,
    r: undefined,
    s: undefined,
    v: undefined,
    yParity: undefined,
  }
  const digest = keccak(fromHex(serializeTransaction(unsigned)))
  const rs = fromHex(`0x${(r ?? '0x').slice(2).padStart(64, '0')}${(s ?? '0x').slice(2).padStart(64, '0')}`)
  const key = secp256k1.ecdsaRecover(rs, yParity ?? Number((v ?? 27n) - 27n), digest, false)
  return {
    raw,
    hash: keccakHex(fromHex(raw)),
    from: toHex(keccak(key.subarray(1)).subarray(12)),
    to: (to ?? '0x').toLowerCase() as Address,
    data: data ?? '0x',
    blobs: sidecars.map(({ blob }: { blob: Hex }) => fromHex(blob)),
    nonce: BigInt(nonce ?? 0),
    maxFeePerGas: maxFeePerGas ?? 0n,
    maxPriorityFeePerGas: maxPriorityFeePerGas ?? 0n,
    maxFeePerBlobGas: 'maxFeePerBlobGas' in rest ? (rest.maxFeePerBlobGas ?? 0n) : 0n,
  }
}
