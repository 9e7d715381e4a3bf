import type { GasPrices } from './L1Sender.ts'

/** EIP-1559 fees of one transaction, in wei per gas. */
export type Fees = { maxFeePerGas: bigint; maxPriorityFeePerGas: bigint }

/** The least and the most that an account pays, in wei per gas. */
export type FeeLimits = { minPriorityFeePerGas: bigint; maxFeePerGas: bigint }

/** Nodes take a replacement only when it raises both fees by at least this. */
const BUMP_PERCENT = 10n

/**
 * Chooses fees that stay includable while the base fee doubles, within the limits.
 *
 * Above the ceiling it is better to wait than to pay: the transaction is offered at the ceiling.
 */
export function suggestFees({ baseFee, priorityFee }: GasPrices, limits: FeeLimits): Fees {
  const tip = max(priorityFee, limits.minPriorityFeePerGas)
  const maxFeePerGas = min(2n * baseFee + tip, limits.maxFeePerGas)
  return { maxFeePerGas, maxPriorityFeePerGas: min(tip, maxFeePerGas) }
}

/**
 * Chooses fees that replace a transaction which paid `previous`; undefined when no node would take a replacement
 * below the ceiling.
 */
export function bumpFees(previous: Fees, prices: GasPrices, limits: FeeLimits): Fees | undefined {
  const suggested = suggestFees(prices, limits)
  const least = { fee: bump(previous.maxFeePerGas), tip: bump(previous.maxPriorityFeePerGas) }
  if (least.fee > limits.maxFeePerGas) return undefined
  const maxFeePerGas = max(least.fee, suggested.maxFeePerGas)
  return {
    maxFeePerGas,
    maxPriorityFeePerGas: min(max(least.tip, suggested.maxPriorityFeePerGas), maxFeePerGas),
  }
}

function bump(fee: bigint): bigint {
  return (fee * (100n + BUMP_PERCENT)) / 100n + 1n
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}
