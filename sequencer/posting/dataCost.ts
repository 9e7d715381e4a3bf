import type { GasPrices } from '../l1/L1Sender.ts'

/** What the batch inbox does beside receiving data, measured; its first submission costs more. */
const INBOX_GAS = 37_700n
const TRANSACTION_GAS = 21_000n
/** EIP-4844. */
const GAS_PER_BLOB = 131_072n
/** EIP-7623. */
const GAS_PER_TOKEN = 4n
const FLOOR_GAS_PER_TOKEN = 10n
const TOKENS_PER_NONZERO_BYTE = 4n

/** Computes the gas of a submission in calldata: a transaction of little execution pays EIP-7623's floor for its bytes. */
export function calldataGas(data: Uint8Array): bigint {
  let zeros = 0
  for (const byte of data) if (byte === 0) zeros++
  const tokens = BigInt(zeros) + TOKENS_PER_NONZERO_BYTE * BigInt(data.length - zeros)
  const [usual, floor] = [GAS_PER_TOKEN * tokens + INBOX_GAS, FLOOR_GAS_PER_TOKEN * tokens]
  return TRANSACTION_GAS + (usual > floor ? usual : floor)
}

/** The first submission of an inbox writes to a slot that was zero, and more blobs take more hashing: both measured. */
const SPARE_GAS = 40_000n

/**
 * Computes gas with which a submission surely succeeds: what is not used is not paid, and there are L1 nodes that estimate too
 * little, such as those that leave the blobs out of account.
 */
export function submissionGas(data: Uint8Array): bigint {
  return calldataGas(data) + SPARE_GAS
}

/** Computes what submissions in calldata, each in a transaction of its own, cost at these prices, in wei. */
export function calldataCost(data: readonly Uint8Array[], { baseFee, priorityFee }: GasPrices): bigint {
  return data.reduce((gas, each) => gas + calldataGas(each), 0n) * (baseFee + priorityFee)
}

/** Computes what one transaction with this many blobs costs, in wei; undefined where L1 has no blobs. */
export function blobsCost(blobCount: number, prices: GasPrices): bigint | undefined {
  const { baseFee, priorityFee, blobBaseFee } = prices
  if (blobBaseFee === undefined) return undefined
  const execution = (TRANSACTION_GAS + INBOX_GAS) * (baseFee + priorityFee)
  return execution + BigInt(blobCount) * GAS_PER_BLOB * blobBaseFee
}
