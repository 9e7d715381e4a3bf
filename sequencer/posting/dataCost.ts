import type { CalldataFloor, DataPrices, GasPrices } from '../l1/L1Sender.ts'

/** What the batch inbox does beside receiving data, measured; its first submission costs more. */
const INBOX_GAS = 37_700n
const TRANSACTION_GAS = 21_000n
/** EIP-4844. */
const GAS_PER_BLOB = 131_072n
const GAS_PER_ZERO_BYTE = 4n
const GAS_PER_NONZERO_BYTE = 16n
const FLOOR_GAS: Readonly<Record<CalldataFloor, { zero: bigint; nonzero: bigint }>> = {
  'EIP-7623': { zero: 10n, nonzero: 40n },
  'EIP-7976': { zero: 64n, nonzero: 64n },
}

/** Computes the gas of a submission in calldata: a transaction of little execution pays the floor for its bytes. */
export function calldataGas(data: Uint8Array, calldataFloor: CalldataFloor): bigint {
  let zeros = 0
  for (const byte of data) if (byte === 0) zeros++
  const nonzeros = BigInt(data.length - zeros)
  const { zero, nonzero } = FLOOR_GAS[calldataFloor]
  const usual = GAS_PER_ZERO_BYTE * BigInt(zeros) + GAS_PER_NONZERO_BYTE * nonzeros + INBOX_GAS
  const floor = zero * BigInt(zeros) + nonzero * nonzeros
  return TRANSACTION_GAS + (usual > floor ? usual : floor)
}

/** The first submission of an inbox writes to a slot that was zero, and more blobs take more hashing: both measured. */
const SPARE_GAS = 40_000n

/**
 * Computes gas with which a submission surely succeeds: what is not used is not paid, and there are L1 nodes that estimate too
 * little, such as those that leave the blobs out of account. They all know the floor, without which they would take no transaction.
 */
export function submissionGas(data: Uint8Array): bigint {
  return calldataGas(data, 'EIP-7623') + SPARE_GAS
}

/** Computes what submissions in calldata, each in a transaction of its own, cost at these prices, in wei. */
export function calldataCost(data: readonly Uint8Array[], prices: DataPrices): bigint {
  const { baseFee, priorityFee, calldataFloor } = prices
  return data.reduce((gas, each) => gas + calldataGas(each, calldataFloor), 0n) * (baseFee + priorityFee)
}

/** Computes what one transaction with this many blobs costs, in wei; undefined where L1 has no blobs. */
export function blobsCost(blobCount: number, prices: GasPrices): bigint | undefined {
  const { baseFee, priorityFee, blobBaseFee } = prices
  if (blobBaseFee === undefined) return undefined
  const execution = (TRANSACTION_GAS + INBOX_GAS) * (baseFee + priorityFee)
  return execution + BigInt(blobCount) * GAS_PER_BLOB * blobBaseFee
}
