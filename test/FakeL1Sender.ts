import {
  type Address,
  type Hex,
  keccak256,
  parseTransaction,
  recoverTransactionAddress,
  type TransactionSerialized,
} from 'viem'
import { TemporaryFault } from '../node/index.ts'
import type { L1Sender, SentReceipt } from '../sequencer/L1Sender.ts'

/** A transaction in the fake's pool or in one of its blocks. */
export type FakeTransaction = {
  raw: Hex
  hash: Hex
  from: Address
  to: Address
  data: Hex
  nonce: bigint
  maxFeePerGas: bigint
  maxPriorityFeePerGas: bigint
}

type FakeBlock = {
  number: bigint
  hash: Hex
  included: readonly { transaction: FakeTransaction; status: SentReceipt['status'] }[]
}

/** An L1 with a pool that has geth's rules of replacement and order, blocks on demand, and reorgs. */
export interface FakeL1Sender extends L1Sender {
  baseFee: bigint
  priorityFee: bigint
  finalized: bigint
  /** While true every call fails as an unreachable node does. */
  isDown: boolean
  /** Decides whether a transaction reverts when it is mined. */
  reverts: (transaction: FakeTransaction) => boolean
  /** Accounts without money. */
  readonly broke: Set<Address>
  /** Transactions in blocks, in order. */
  mined(): readonly FakeTransaction[]
  pool(): readonly FakeTransaction[]
  /** Makes a block of what the pool holds and the base fee allows. */
  mine(): void
  /** Drops the newest blocks; their transactions are lost, as in the worst of reorgs. */
  reorg(depth: number): void
  /** Empties the pool, as a restarted node does. */
  forgetPool(): void
}

/** Makes an empty {@link FakeL1Sender}. */
export function createFakeL1Sender(): FakeL1Sender {
  const blocks: FakeBlock[] = []
  let pool: FakeTransaction[] = []
  const nonceOf = (account: Address) =>
    BigInt(
      blocks.flatMap(({ included }) => included).filter(({ transaction }) => transaction.from === account)
        .length,
    )

  function answer<T>(value: () => T): Promise<T> {
    return fake.isDown ? Promise.reject(new TemporaryFault('the fake L1 is down')) : Promise.resolve(value())
  }

  function mine() {
    const included: FakeBlock['included'][number][] = []
    const byNonce = [...pool].sort((a, b) => Number(a.nonce - b.nonce))
    const next = new Map<Address, bigint>()
    for (const transaction of byNonce) {
      const expected = next.get(transaction.from) ?? nonceOf(transaction.from)
      if (transaction.nonce !== expected || transaction.maxFeePerGas < fake.baseFee) continue
      next.set(transaction.from, expected + 1n)
      included.push({ transaction, status: fake.reverts(transaction) ? 'reverted' : 'success' })
    }
    const number = BigInt(blocks.length)
    blocks.push({ number, hash: keccak256(`0x${number.toString(16).padStart(16, '0')}`), included })
    pool = pool.filter(
      (waiting) =>
        !included.some(
          ({ transaction }) => transaction.nonce === waiting.nonce && transaction.from === waiting.from,
        ),
    )
  }

  const fake: FakeL1Sender = {
    baseFee: 1_000_000_000n,
    priorityFee: 1_000_000_000n,
    finalized: -1n,
    isDown: false,
    reverts: () => false,
    broke: new Set(),
    mined: () => blocks.flatMap(({ included }) => included.map(({ transaction }) => transaction)),
    pool: () => pool,
    mine,
    reorg(depth) {
      blocks.splice(blocks.length - depth)
    },
    forgetPool() {
      pool = []
    },
    chainId: () => answer(() => 900n),
    nextNonce: (account) => answer(() => nonceOf(account.toLowerCase() as Address)),
    gasPrices: () => answer(() => ({ baseFee: fake.baseFee, priorityFee: fake.priorityFee })),
    estimateGas: () => answer(() => 100_000n),
    async send(raw) {
      if (fake.isDown) throw new TemporaryFault('the fake L1 is down')
      const transaction = await decode(raw)
      if (fake.broke.has(transaction.from))
        return { outcome: 'insufficientFunds', message: 'insufficient funds' }
      if (transaction.nonce < nonceOf(transaction.from))
        return { outcome: 'nonceTooLow', message: 'nonce too low' }
      const old = pool.find(({ from, nonce }) => from === transaction.from && nonce === transaction.nonce)
      if (old?.hash === transaction.hash) return { outcome: 'known', message: 'already known' }
      if (old !== undefined) {
        const replaces =
          transaction.maxFeePerGas * 100n >= old.maxFeePerGas * 110n &&
          transaction.maxPriorityFeePerGas * 100n >= old.maxPriorityFeePerGas * 110n
        if (!replaces) return { outcome: 'underpriced', message: 'replacement transaction underpriced' }
      }
      pool = [...pool.filter((waiting) => waiting !== old), transaction]
      return { outcome: 'accepted', message: '' }
    },
    receipt: (hash) =>
      answer(() => {
        for (const block of blocks) {
          const found = block.included.find(({ transaction }) => transaction.hash === hash)
          if (found === undefined) continue
          return {
            transactionHash: hash,
            status: found.status,
            blockNumber: block.number,
            blockHash: block.hash,
          }
        }
        return undefined
      }),
    heads: () => answer(() => ({ latest: BigInt(blocks.length) - 1n, finalized: fake.finalized })),
  }
  return fake
}

async function decode(raw: Hex): Promise<FakeTransaction> {
  const serializedTransaction = raw as TransactionSerialized
  const { to, data, nonce, maxFeePerGas, maxPriorityFeePerGas } = parseTransaction(serializedTransaction)
  const from = await recoverTransactionAddress({ serializedTransaction })
  return {
    raw,
    hash: keccak256(raw),
    from: from.toLowerCase() as Address,
    to: (to ?? '0x').toLowerCase() as Address,
    data: data ?? '0x',
    nonce: BigInt(nonce ?? 0),
    maxFeePerGas: maxFeePerGas ?? 0n,
    maxPriorityFeePerGas: maxPriorityFeePerGas ?? 0n,
  }
}
