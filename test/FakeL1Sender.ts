import { type Address, type Hex, keccak256 } from 'viem'
import { type BlobProofKind, TemporaryFault } from '../node/index.ts'
import type { L1Sender, SendOutcome, SentReceipt } from '../sequencer/l1/L1Sender.ts'
import { decodeSent, hasBlobs, type PooledTransaction, refusalOf, withoutGappedBlobs } from './l1Pool.ts'

type FakeBlock = {
  number: bigint
  hash: Hex
  included: readonly { transaction: PooledTransaction; status: SentReceipt['status'] }[]
}

/** An L1 with a pool that has geth's rules of replacement and order, blocks on demand, and reorgs. */
export interface FakeL1Sender extends L1Sender {
  baseFee: bigint
  priorityFee: bigint
  /** Undefined as long as this L1 has no blobs. */
  blobBaseFee: bigint | undefined
  /** Which proofs it takes. */
  blobProofs: BlobProofKind
  /** Which proofs it says that it takes. */
  saidBlobProofs: BlobProofKind
  finalized: bigint
  /** While true every call fails as an unreachable node does. */
  isDown: boolean
  /** Decides whether a transaction reverts when it is mined. */
  reverts: (transaction: PooledTransaction) => boolean
  /** Decides whether nodes refuse a transaction by rules of their own. */
  refuses: (transaction: PooledTransaction) => boolean
  /** Accounts without money. */
  readonly broke: Set<Address>
  /** Transactions in blocks, in order. */
  mined(): readonly PooledTransaction[]
  pool(): readonly PooledTransaction[]
  /** Counts the blocks. */
  height(): number
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
  let pool: PooledTransaction[] = []
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
      if (hasBlobs(transaction) && transaction.maxFeePerBlobGas < (fake.blobBaseFee ?? 0n)) continue
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

  function refusal(transaction: PooledTransaction): SendOutcome | undefined {
    const { from, nonce, proofs } = transaction
    const next = nonceOf(from)
    if (fake.broke.has(from)) return 'insufficientFunds'
    if (fake.refuses(transaction)) return 'refused'
    if (nonce >= next && proofs !== undefined && proofs !== fake.blobProofs) return 'wrongProofs'
    const own = pool.filter((waiting) => waiting.from === from)
    return refusalOf(transaction, own, next)
  }

  const fake: FakeL1Sender = {
    baseFee: 1_000_000_000n,
    priorityFee: 1_000_000_000n,
    blobBaseFee: undefined,
    blobProofs: 'cells',
    saidBlobProofs: 'cells',
    finalized: -1n,
    isDown: false,
    reverts: () => false,
    refuses: () => false,
    broke: new Set(),
    mined: () => blocks.flatMap(({ included }) => included.map(({ transaction }) => transaction)),
    pool: () => pool,
    height: () => blocks.length,
    mine,
    reorg(depth) {
      blocks.splice(blocks.length - depth)
      pool = withoutGappedBlobs(pool, nonceOf)
    },
    forgetPool() {
      pool = []
    },
    nextNonce: (account) => answer(() => nonceOf(account.toLowerCase() as Address)),
    gasPrices: () =>
      answer(() => ({
        baseFee: fake.baseFee,
        priorityFee: fake.priorityFee,
        blobBaseFee: fake.blobBaseFee,
        calldataFloor: 'EIP-7623' as const,
      })),
    estimateGas: () => answer(() => 100_000n),
    blobProofKind: () => answer(() => fake.saidBlobProofs),
    async send(raw) {
      if (fake.isDown) throw new TemporaryFault('the fake L1 is down')
      const transaction = decodeSent(raw)
      const outcome = refusal(transaction)
      if (outcome !== undefined) return { outcome, message: `the fake L1 says ${outcome}` }
      const { from, nonce } = transaction
      pool = [...pool.filter((waiting) => waiting.from !== from || waiting.nonce !== nonce), transaction]
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
