import { maximum, minimum } from '../../node/index.ts'
import type { GasPrices } from './L1Sender.ts'

/** Which of L1's two markets a transaction's data are bought on; nodes keep a pool for each, with its own rules. */
export type TransactionKind = 'calldata' | 'blobs'

/** Fees of one transaction, in wei per gas (EIP-1559) and per blob gas (EIP-4844; 0 without blobs). */
export type Fees = { maxFeePerGas: bigint; maxPriorityFeePerGas: bigint; maxFeePerBlobGas: bigint }

/** The least and the most that an account pays, in wei per gas and per blob gas. */
export type FeeLimits = {
  minPriorityFeePerGas: bigint
  /** The tip is paid in full, and what is usual is whatever one L1 node says. */
  maxPriorityFeePerGas: bigint
  maxFeePerGas: bigint
  maxFeePerBlobGas: bigint
}

/** Nodes take a replacement only when it raises every fee by at least this. */
const BUMP_PERCENT: Readonly<Record<TransactionKind, bigint>> = { calldata: 10n, blobs: 100n }

/** A fee cap below this saves nothing, and would have to be doubled many times to follow the market. */
const MIN_BLOB_FEE_CAP = 1_000_000_000n

/** How far base fees may rise before a transaction waits, in percent of what they are: twice, or one full block's rise. */
const HEADROOM = { ample: 200n, scant: 113n } as const

/**
 * Chooses fees that stay includable while the base fees double, or with `scant` headroom for a block, within the limits.
 *
 * Above the ceiling it is better to wait than to pay: the transaction is offered at the ceiling.
 */
export function suggestFees(
  prices: GasPrices,
  limits: FeeLimits,
  kind: TransactionKind,
  headroom: keyof typeof HEADROOM = 'ample',
): Fees {
  const { baseFee, priorityFee, blobBaseFee = 0n } = prices
  const rise = (fee: bigint) => (fee * HEADROOM[headroom]) / 100n
  // A tip at its ceiling could not be replaced, even with higher caps: there is room for one replacement more.
  const highestTip = ((limits.maxPriorityFeePerGas - 1n) * 100n) / (100n + BUMP_PERCENT[kind])
  const tip = minimum(maximum(priorityFee, limits.minPriorityFeePerGas), highestTip)
  const maxFeePerGas = minimum(rise(baseFee) + tip, limits.maxFeePerGas)
  const blobFee = minimum(maximum(rise(blobBaseFee), MIN_BLOB_FEE_CAP), limits.maxFeePerBlobGas)
  const fees = {
    maxFeePerGas,
    maxPriorityFeePerGas: minimum(tip, maxFeePerGas),
    maxFeePerBlobGas: kind === 'blobs' ? blobFee : 0n,
  }
  return headroom === 'ample' ? withLastCaps(fees, limits, kind) : fees
}

/** The least fee in place of another one that nodes take. */
function bump(fee: bigint, kind: TransactionKind): bigint {
  return (fee * (100n + BUMP_PERCENT[kind])) / 100n + 1n
}

/** Where one of the fees leaves no room for another replacement, both caps go to their ceilings at once: a cap is not what is paid. */
function withLastCaps(fees: Fees, limits: FeeLimits, kind: TransactionKind): Fees {
  const isLast =
    bump(fees.maxFeePerGas, kind) > limits.maxFeePerGas ||
    bump(fees.maxPriorityFeePerGas, kind) > limits.maxPriorityFeePerGas ||
    (kind === 'blobs' && bump(fees.maxFeePerBlobGas, kind) > limits.maxFeePerBlobGas)
  if (!isLast) return fees
  const { maxFeePerGas, maxFeePerBlobGas } = limits
  return { ...fees, maxFeePerGas, maxFeePerBlobGas: kind === 'blobs' ? maxFeePerBlobGas : 0n }
}

/**
 * Chooses fees that replace a transaction which paid `previous`; undefined when no node would take a replacement
 * below the ceilings.
 */
export function bumpFees(
  previous: Fees,
  prices: GasPrices,
  limits: FeeLimits,
  kind: TransactionKind,
): Fees | undefined {
  const suggested = suggestFees(prices, limits, kind)
  const least = {
    maxFeePerGas: bump(previous.maxFeePerGas, kind),
    maxPriorityFeePerGas: bump(previous.maxPriorityFeePerGas, kind),
    maxFeePerBlobGas: kind === 'blobs' ? bump(previous.maxFeePerBlobGas, kind) : 0n,
  }
  if (least.maxPriorityFeePerGas > limits.maxPriorityFeePerGas) return undefined
  const wanted = {
    maxFeePerGas: maximum(least.maxFeePerGas, suggested.maxFeePerGas),
    maxPriorityFeePerGas: maximum(least.maxPriorityFeePerGas, suggested.maxPriorityFeePerGas),
    maxFeePerBlobGas: maximum(least.maxFeePerBlobGas, suggested.maxFeePerBlobGas),
  }
  const fees = withLastCaps(wanted, limits, kind)
  if (fees.maxFeePerGas < least.maxFeePerGas || fees.maxFeePerBlobGas < least.maxFeePerBlobGas)
    return undefined
  return { ...fees, maxPriorityFeePerGas: minimum(fees.maxPriorityFeePerGas, fees.maxFeePerGas) }
}

/**
 * Chooses fees to outbid a transaction of unknown fees, beside which nodes refused `previous`: twice as much, as far as the
 * ceilings allow; undefined when they allow no more.
 */
export function outbidFees(
  previous: Fees,
  prices: GasPrices,
  limits: FeeLimits,
  kind: TransactionKind,
): Fees | undefined {
  const suggested = suggestFees(prices, limits, kind)
  const raise = (fee: bigint, wanted: bigint, ceiling: bigint) => minimum(maximum(2n * fee, wanted), ceiling)
  const maxFeePerGas = raise(previous.maxFeePerGas, suggested.maxFeePerGas, limits.maxFeePerGas)
  const raised = {
    maxFeePerGas,
    maxPriorityFeePerGas: raise(
      previous.maxPriorityFeePerGas,
      suggested.maxPriorityFeePerGas,
      minimum(maxFeePerGas, limits.maxPriorityFeePerGas),
    ),
    maxFeePerBlobGas: raise(
      previous.maxFeePerBlobGas,
      suggested.maxFeePerBlobGas,
      kind === 'blobs' ? limits.maxFeePerBlobGas : 0n,
    ),
  }
  const fees = withLastCaps(raised, limits, kind)
  const isMore =
    fees.maxFeePerGas > previous.maxFeePerGas ||
    fees.maxPriorityFeePerGas > previous.maxPriorityFeePerGas ||
    fees.maxFeePerBlobGas > previous.maxFeePerBlobGas
  return isMore ? fees : undefined
}

/**
 * Chooses fees in place of `previous`, which nodes refused for what they could cost: an account has to own a fee cap, and
 * nodes have limits of their own, so only as much as L1 asks for now. Undefined when that is about the same.
 */
export function trimFees(
  previous: Fees,
  prices: GasPrices,
  limits: FeeLimits,
  kind: TransactionKind,
): Fees | undefined {
  const fees = suggestFees(prices, limits, kind, 'scant')
  const isLess = isClearlyLess(fees, previous)
  const isTooCheap =
    previous.maxFeePerGas < prices.baseFee ||
    (kind === 'blobs' && previous.maxFeePerBlobGas < (prices.blobBaseFee ?? 0n))
  const isMore =
    fees.maxFeePerGas > previous.maxFeePerGas || fees.maxFeePerBlobGas > previous.maxFeePerBlobGas
  return isLess || (isTooCheap && isMore) ? fees : undefined
}

/** Tells whether one of the caps is so much lower that nodes would not take these fees in place of the other ones. */
export function isClearlyLess(fees: Fees, other: Fees): boolean {
  const isLess = (own: bigint, others: bigint) =>
    own * (100n + BUMP_PERCENT.calldata) <= others * 100n && own < others
  return (
    isLess(fees.maxFeePerGas, other.maxFeePerGas) || isLess(fees.maxFeePerBlobGas, other.maxFeePerBlobGas)
  )
}
