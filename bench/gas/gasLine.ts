import type { Measurement } from '../report.ts'

/** What a transaction used, as its receipt says, and the bytes of its calldata. */
export type TransactionGas = { gasUsed: number; zeroBytes: number; nonzeroBytes: number }

/** A figure of gas; of a whole transaction if it says how many bytes of calldata that has. */
export type GasMeasurement = Measurement & {
  zeroBytes?: number
  nonzeroBytes?: number
  /** Of the figure, what its calldata costs, and what is left for execution besides the 21,000 of a transaction. */
  calldata?: number
  execution?: number
  /** What the transaction will use by the calldata floor of EIP-7976, other prices being the same. */
  raised?: number
  /** Whether the calldata floor of EIP-7623 is what it uses. */
  isAtFloor?: boolean
}

/** Intrinsic gas of every transaction. */
const BASE = 21_000
/** Gas per byte of calldata, zero and other. */
const [ZERO, NONZERO] = [4, 16]
/** Least gas per byte of calldata by EIP-7976, whether it is zero or not. */
const RAISED_FLOOR = 64
/** The same by EIP-7623, of zero and other bytes. */
const [ZERO_FLOOR, NONZERO_FLOOR] = [10, 40]

/** Makes the line of an execution's gas. */
export function executionLine(name: string, value: number, load: string): GasMeasurement {
  return { name, value, unit: 'gas', load }
}

/** Makes the line of a transaction, or of each of `shares` that are in it. */
export function transactionLine(
  name: string,
  { gasUsed, zeroBytes, nonzeroBytes }: TransactionGas,
  load: string,
  shares = 1,
): GasMeasurement {
  const calldata = ZERO * zeroBytes + NONZERO * nonzeroBytes
  return {
    name,
    value: Math.ceil(gasUsed / shares),
    unit: 'gas',
    load,
    calldata: Math.ceil(calldata / shares),
    execution: Math.ceil((gasUsed - BASE - calldata) / shares),
    zeroBytes,
    nonzeroBytes,
    raised: Math.ceil(raisedGas({ gasUsed, zeroBytes, nonzeroBytes }) / shares),
    isAtFloor: gasUsed === BASE + ZERO_FLOOR * zeroBytes + NONZERO_FLOOR * nonzeroBytes,
  }
}

/**
 * Computes what a transaction will use by EIP-7976. Its floor is above that of EIP-7623 for every byte, so it does not
 * matter whether the latter is what the transaction uses now.
 */
export function raisedGas({ gasUsed, zeroBytes, nonzeroBytes }: TransactionGas): number {
  return BASE + Math.max(gasUsed - BASE, RAISED_FLOOR * (zeroBytes + nonzeroBytes))
}
