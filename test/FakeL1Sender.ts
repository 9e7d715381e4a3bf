import {
  type Address,
  type Hex,
  keccak256,
  parseTransaction,
  recoverTransactionAddress,
  type TransactionSerialized,
} from 'viem'
import { type BlobProofKind, TemporaryFault } from '../node/index.ts'
import { concat, decodeRlp, encodeRlp, fromHex, rlpToBytes, rlpToList, toHex } from '../protocol/index.ts'
import type { L1Sender, SendOutcome, SentReceipt } from '../sequencer/l1/L1Sender.ts'

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
  maxFeePerBlobGas: bigint
  blobs: readonly Uint8Array[]
  /** Undefined without blobs. */
  proofs: BlobProofKind | undefined
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
  reverts: (transaction: FakeTransaction) => boolean
  /** Decides whether nodes refuse a transaction by rules of their own. */
  refuses: (transaction: FakeTransaction) => boolean
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
      if (isBlobs(transaction) && transaction.maxFeePerBlobGas < (fake.blobBaseFee ?? 0n)) continue
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

  /** The rules of geth's pools; undefined when they take the transaction. */
  function refusal(transaction: FakeTransaction): SendOutcome | undefined {
    const { from, nonce, proofs } = transaction
    const next = nonceOf(from)
    const own = pool.filter((waiting) => waiting.from === from)
    const old = own.find((waiting) => waiting.nonce === nonce)
    if (fake.broke.has(from)) return 'insufficientFunds'
    if (fake.refuses(transaction)) return 'refused'
    if (nonce < next) return 'nonceTooLow'
    if (proofs !== undefined && proofs !== fake.blobProofs) return 'wrongProofs'
    if (own.some((waiting) => isBlobs(waiting) !== isBlobs(transaction))) return 'otherKindPending'
    if (old?.hash === transaction.hash) return 'known'
    if (old !== undefined) return replaces(transaction, old) ? undefined : 'underpriced'
    if (!isBlobs(transaction)) return undefined
    if (nonce > next + BigInt(own.length)) return 'nonceGap'
    return own.length < MAX_PENDING_WITH_BLOBS ? undefined : 'refused'
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
    mine,
    reorg(depth) {
      blocks.splice(blocks.length - depth)
      // A pool of blobs keeps nothing behind a gap.
      const isBehindGap = ({ from, nonce }: FakeTransaction) => {
        const before = pool.filter((other) => other.from === from && other.nonce < nonce).length
        return nonce > nonceOf(from) + BigInt(before)
      }
      while (pool.some((waiting) => isBlobs(waiting) && isBehindGap(waiting))) {
        pool = pool.filter((waiting) => !isBlobs(waiting) || !isBehindGap(waiting))
      }
    },
    forgetPool() {
      pool = []
    },
    chainId: () => answer(() => 900n),
    nextNonce: (account) => answer(() => nonceOf(account.toLowerCase() as Address)),
    gasPrices: () =>
      answer(() => ({
        baseFee: fake.baseFee,
        priorityFee: fake.priorityFee,
        blobBaseFee: fake.blobBaseFee,
      })),
    estimateGas: () => answer(() => 100_000n),
    blobProofKind: () => answer(() => fake.saidBlobProofs),
    async send(raw) {
      if (fake.isDown) throw new TemporaryFault('the fake L1 is down')
      const transaction = await decode(raw)
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

const MAX_PENDING_WITH_BLOBS = 16

function isBlobs({ blobs }: FakeTransaction): boolean {
  return blobs.length > 0
}

function replaces(transaction: FakeTransaction, old: FakeTransaction): boolean {
  const percent = isBlobs(transaction) ? 200n : 110n
  const raises = (fee: bigint, before: bigint) => fee * 100n >= before * percent
  return (
    raises(transaction.maxFeePerGas, old.maxFeePerGas) &&
    raises(transaction.maxPriorityFeePerGas, old.maxPriorityFeePerGas) &&
    raises(transaction.maxFeePerBlobGas, old.maxFeePerBlobGas)
  )
}

/** Takes apart the form in which blob transactions travel; others stay as they are. */
function unwrap(raw: Hex): Pick<FakeTransaction, 'raw' | 'blobs' | 'proofs'> {
  if (!raw.startsWith('0x03')) return { raw, blobs: [], proofs: undefined }
  const [body, ...rest] = rlpToList(decodeRlp(fromHex(raw).subarray(1)))
  const hasVersion = rest[0] instanceof Uint8Array
  const [blobs, commitments, proofs] = hasVersion ? rest.slice(1) : rest
  const count = rlpToList(blobs).length
  rlpToList(commitments, count)
  rlpToList(proofs, hasVersion ? 128 * count : count)
  return {
    raw: toHex(concat(Uint8Array.of(3), encodeRlp(body ?? []))),
    blobs: rlpToList(blobs).map((blob) => rlpToBytes(blob, 131_072)),
    proofs: hasVersion ? 'cells' : 'blob',
  }
}

async function decode(sent: Hex): Promise<FakeTransaction> {
  const { raw, blobs, proofs } = unwrap(sent)
  const serializedTransaction = raw as TransactionSerialized
  const { to, data, nonce, maxFeePerGas, maxPriorityFeePerGas, maxFeePerBlobGas } =
    parseTransaction(serializedTransaction)
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
    maxFeePerBlobGas: maxFeePerBlobGas ?? 0n,
    blobs,
    proofs,
  }
}
