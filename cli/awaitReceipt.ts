import {
  type Account,
  type Chain,
  type Client,
  type Hash,
  type ReplacementReason,
  type TransactionReceipt,
  type Transport,
  WaitForTransactionReceiptTimeoutError,
} from 'viem'
import { getTransactionCount, waitForTransactionReceipt } from 'viem/actions'
import { CliError } from './CliError.ts'

/** The longest that Node's timers run; they end at once what is longer. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1
const TIMEOUT_MS = 180_000

/**
 * Waits until a transaction, or the same one with other fees, is in a block.
 *
 * @param timeout - Milliseconds.
 * @throws {CliError} when it reverted, another transaction took its nonce, or the time is over.
 */
export async function awaitReceipt(
  client: Client<Transport, Chain | undefined, Account>,
  { hash, timeout = TIMEOUT_MS }: { hash: Hash; timeout?: number },
): Promise<TransactionReceipt> {
  let replaced: ReplacementReason | undefined
  const waiting = waitForTransactionReceipt(client, {
    hash,
    timeout: Math.min(timeout, MAX_TIMEOUT_MS),
    onReplaced: ({ reason }) => {
      replaced = reason
    },
  })
  const receipt = await waiting.catch(async (error) => {
    throw error instanceof WaitForTransactionReceiptTimeoutError
      ? await toTimeout(client, hash, timeout)
      : error
  })
  if (replaced !== undefined && replaced !== 'repriced') {
    throw new CliError(
      `transaction ${hash} took no effect: another one, ${receipt.transactionHash}, took its nonce; ` +
        `is the key of ${client.account.address} in use elsewhere?`,
    )
  }
  if (receipt.status === 'success') return receipt
  throw new CliError(`transaction ${receipt.transactionHash} reverted in block ${receipt.blockNumber}`)
}

async function toTimeout(
  client: Client<Transport, Chain | undefined, Account>,
  hash: Hash,
  timeout: number,
): Promise<CliError> {
  const { address } = client.account
  const [mined, pending] = await Promise.all([
    getTransactionCount(client, { address, blockTag: 'latest' }),
    getTransactionCount(client, { address, blockTag: 'pending' }),
  ])
  return new CliError(
    `waited ${timeout / 1000} s for transaction ${hash}, in vain: ` +
      (pending > mined
        ? `${pending - mined} of ${address} wait, the first with nonce ${mined}: its fees may have become too low, ` +
          'then send another with that nonce for more'
        : `the node knows of none of ${address} that waits: send it again`),
  )
}
