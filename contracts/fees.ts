import { type Account, type Chain, type Client, Eip1559FeesNotSupportedError, type Transport } from 'viem'
import { estimateMaxPriorityFeePerGas, getBlock, getChainId, getTransactionCount } from 'viem/actions'
import { FeeCeilingError } from './errors.ts'

/** The most that a transaction pays, in wei per gas. */
export type FeeLimits = {
  maxFeePerGas: bigint
  /** The tip is paid in full, and what is usual is whatever one node says. */
  maxPriorityFeePerGas: bigint
}

/** Fees of one transaction, in wei per gas (EIP-1559). */
export type TransactionFees = { maxFeePerGas: bigint; maxPriorityFeePerGas: bigint }

const GWEI = 1_000_000_000n

/** The limits where none are given. */
export const DEFAULT_FEE_LIMITS: FeeLimits = { maxFeePerGas: 500n * GWEI, maxPriorityFeePerGas: 50n * GWEI }

/** How far the base fee may rise before a transaction waits: a cap is not what is paid. */
const HEADROOM = 2n

/**
 * Chooses fees that stay includable while the base fee doubles, within the limits whatever the node says.
 *
 * @throws {FeeCeilingError} when the base fee is above the limit: the transaction would only block the account.
 */
export async function chooseFees(
  client: Client,
  limits: FeeLimits = DEFAULT_FEE_LIMITS,
): Promise<TransactionFees> {
  const [{ baseFeePerGas }, usualTip] = await Promise.all([
    getBlock(client),
    estimateMaxPriorityFeePerGas(client),
  ])
  if (baseFeePerGas === null) throw new Eip1559FeesNotSupportedError()
  if (baseFeePerGas > limits.maxFeePerGas) throw new FeeCeilingError(baseFeePerGas, limits.maxFeePerGas)
  const tip = min(usualTip, limits.maxPriorityFeePerGas)
  const maxFeePerGas = min(HEADROOM * baseFeePerGas + tip, limits.maxFeePerGas)
  return { maxFeePerGas, maxPriorityFeePerGas: min(tip, maxFeePerGas) }
}

/** All that a transaction says besides its call and its gas. */
export type TransactionTerms = TransactionFees & { type: 'eip1559'; chainId: number; nonce?: number }

/**
 * Completes fees to the terms of a client's next transaction. Where one of them is missing, viem asks the node to fill it in
 * (`eth_fillTransaction`), and takes from its answer more than what is missing.
 *
 * @param chain - Id of the chain that it is signed for; asked of the node where neither this nor the client says.
 */
export async function completeTerms(
  client: Client<Transport, Chain | undefined, Account>,
  fees: TransactionFees,
  chain = client.chain?.id,
): Promise<TransactionTerms> {
  const { address, nonceManager } = client.account
  const [chainId, nonce] = await Promise.all([
    chain ?? getChainId(client),
    nonceManager ? undefined : getTransactionCount(client, { address, blockTag: 'pending' }),
  ])
  return { ...fees, type: 'eip1559', chainId, ...(nonce !== undefined && { nonce }) }
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}
