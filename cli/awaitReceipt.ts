import {
  type Account,
  type Chain,
  type Client,
  type Hash,
  type TransactionReceipt,
  type Transport,
  WaitForTransactionReceiptTimeoutError,
} from 'viem'
import { getTransactionCount } from 'viem/actions'
import { awaitMined, MINING_TIMEOUT_MS } from '../contracts/awaitMined.ts'
import { CliError } from './CliError.ts'

/**
 * Waits until a transaction, or the same one with other fees, is in a block.
 *
 * @param timeout - Milliseconds.
 * @throws {CliError} when it reverted, another transaction took its nonce, or the time is over.
 */
export async function awaitReceipt(
  client: Client<Transport, Chain | undefined, Account>,
  { hash, timeout = MINING_TIMEOUT_MS }: { hash: Hash; timeout?: number },
): Promise<TransactionReceipt> {
  const { receipt, replaced } = await awaitMined(client, { hash, timeout }).catch(async (error) => {
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
  const waited = `waited ${timeout / 1000} s for transaction ${hash}, in vain`
  try {
    return new CliError(`${waited}: ${await describeWaiting(client)}`)
  } catch (cause) {
    return new CliError(
      `${waited}, nor does the node answer now: look whether it is in a block before you send it again`,
      { cause },
    )
  }
}

async function describeWaiting(client: Client<Transport, Chain | undefined, Account>): Promise<string> {
  const { address } = client.account
  const [mined, pending] = await Promise.all([
    getTransactionCount(client, { address, blockTag: 'latest' }),
    getTransactionCount(client, { address, blockTag: 'pending' }),
  ])
  return pending > mined
    ? `${pending - mined} of ${address} wait, the first with nonce ${mined}: its fees may have become too low, ` +
        'then send another with that nonce for more'
    : `the node knows of none of ${address} that waits: unless it is in a block, send it again`
}
