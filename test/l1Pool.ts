import secp256k1 from 'secp256k1'
import { type Address, type Hex, parseTransaction, type TransactionSerialized } from 'viem'
import type { BlobProofKind } from '../node/index.ts'
import {
  concat,
  decodeRlp,
  encodeRlp,
  fromHex,
  keccak,
  rlpToBytes,
  rlpToList,
  toHex,
} from '../protocol/index.ts'
import type { SendOutcome } from '../sequencer/l1/L1Sender.ts'

/** A signed transaction as L1's nodes pass it on. */
export type PooledTransaction = {
  /** As it stands in a block: without what travels beside blobs. */
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

/** What geth's blob pool takes from one account. */
const MAX_PENDING_WITH_BLOBS = 16

/** Tells whether a transaction carries blobs. */
export function hasBlobs({ blobs }: Pick<PooledTransaction, 'blobs'>): boolean {
  return blobs.length > 0
}

/**
 * Applies the rules of geth's pools to a transaction; undefined when they take it.
 *
 * `own` is what they hold of its account, whose next nonce is `next`, or `awaited` where they know of later blocks than they tell.
 */
export function refusalOf(
  transaction: PooledTransaction,
  own: readonly PooledTransaction[],
  next: bigint,
  awaited = next,
): SendOutcome | undefined {
  const { nonce } = transaction
  const old = own.find((waiting) => waiting.nonce === nonce)
  if (nonce < next) return 'nonceTooLow'
  // An account is either in the pool of blob transactions or in that of the rest.
  if (own.some((waiting) => hasBlobs(waiting) !== hasBlobs(transaction))) return 'otherKindPending'
  if (old?.hash === transaction.hash) return 'known'
  if (old !== undefined) return mayReplace(old, transaction) ? undefined : 'underpriced'
  if (!hasBlobs(transaction)) return undefined
  if (nonce > (awaited > next ? awaited : next) + BigInt(own.length)) return 'nonceGap'
  return own.length < MAX_PENDING_WITH_BLOBS ? undefined : 'refused'
}

/** Drops what a pool of blobs does not keep: transactions behind a gap. */
export function withoutGappedBlobs(
  pool: readonly PooledTransaction[],
  nextNonce: (account: Address) => bigint,
): PooledTransaction[] {
  const held = new Map<Address, bigint>()
  const gapped = pool
    .filter(hasBlobs)
    .toSorted((a, b) => Number(a.nonce - b.nonce))
    .filter(({ from, nonce }) => {
      const expected = held.get(from) ?? nextNonce(from)
      if (nonce > expected) return true
      held.set(from, nonce + 1n)
      return false
    })
  return pool.filter((transaction) => !gapped.includes(transaction))
}

/** Ten percent more of each fee; a hundred for blobs. */
function mayReplace(old: PooledTransaction, next: PooledTransaction): boolean {
  const percent = hasBlobs(old) ? 200n : 110n
  const pays = (before: bigint, after: bigint) => after * 100n >= before * percent
  return (
    pays(old.maxFeePerGas, next.maxFeePerGas) &&
    pays(old.maxPriorityFeePerGas, next.maxPriorityFeePerGas) &&
    pays(old.maxFeePerBlobGas, next.maxFeePerBlobGas)
  )
}

/** Takes apart a signed transaction of EIP-1559 or EIP-4844, the latter with its blobs, and finds who sent it. */
export function decodeSent(sent: Hex): PooledTransaction {
  const { raw, blobs, proofs } = unwrap(sent)
  const bytes = fromHex(raw)
  const { to, data, nonce, maxFeePerGas, maxPriorityFeePerGas, maxFeePerBlobGas } = parseTransaction(
    raw as TransactionSerialized,
  )
  return {
    raw,
    hash: toHex(keccak(bytes)),
    from: senderOf(bytes),
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

/** Takes apart the form in which blob transactions travel (EIP-4844 and EIP-7594, networking); others stay as they are. */
function unwrap(raw: Hex): Pick<PooledTransaction, 'raw' | 'blobs' | 'proofs'> {
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

/** A typed transaction ends with `yParity, r, s`; what stands before is signed, under its type. */
function senderOf(raw: Uint8Array): Address {
  const fields = rlpToList(decodeRlp(raw.subarray(1)))
  const signed = concat(raw.subarray(0, 1), encodeRlp(fields.slice(0, -3)))
  const [yParity, r, s] = fields.slice(-3).map((field) => rlpToBytes(field))
  const rs = new Uint8Array(64)
  if (r !== undefined) rs.set(r, 32 - r.length)
  if (s !== undefined) rs.set(s, 64 - s.length)
  const key = secp256k1.ecdsaRecover(rs, yParity?.[0] ?? 0, keccak(signed), false)
  return toHex(keccak(key.subarray(1)).subarray(12))
}
