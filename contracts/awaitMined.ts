import {
  type Chain,
  type Client,
  type Hash,
  isAddressEqual,
  type ReplacementReason,
  type Transaction,
  TransactionNotFoundError,
  type TransactionReceipt,
  TransactionReceiptNotFoundError,
  type Transport,
  WaitForTransactionReceiptTimeoutError,
} from 'viem'
import {
  getBlock,
  getBlockNumber,
  getTransaction,
  getTransactionCount,
  getTransactionReceipt,
} from 'viem/actions'

/** For how long transactions are waited for where nothing else is said. */
export const MINING_TIMEOUT_MS = 180_000

/** What waits for long is asked for less often, in the end so seldom. */
const LONGEST_PAUSE_MS = 4_000

/** A node that names the head may be so far ahead of the one that counts transactions. */
const BLOCKS_APART = 8n

/** What is in a block: the transaction waited for, or what took its nonce and how that differs. */
export type Mined = { receipt: TransactionReceipt; replaced?: ReplacementReason }

/** A transaction as it waited, and the last block at which its nonce was still free. */
type Waiting = { transaction: Transaction; block: bigint }

/**
 * Waits until a transaction, or another one with its nonce, is in a block. What has been paid for is asked for again until the
 * time is over, whatever the node says. viem's own function gives up at the first failure, asks for a receipt but once for each
 * block, and takes a transaction whose receipt comes a moment after its block for its own replacement.
 *
 * @param timeout - Milliseconds.
 * @throws viem's `WaitForTransactionReceiptTimeoutError` when the time is over.
 */
export async function awaitMined(
  client: Client<Transport, Chain | undefined>,
  { hash, timeout = MINING_TIMEOUT_MS }: { hash: Hash; timeout?: number },
): Promise<Mined> {
  const start = Date.now()
  let waiting: Waiting | undefined

  /** Looks once; undefined when neither is in a block. */
  const look = async (): Promise<Mined | undefined> => {
    const receipt = await findReceipt(client, hash)
    if (receipt !== undefined) return { receipt }
    // Before the nonce is looked at, so that what takes it later stands above.
    const head = await getBlockNumber(client, { cacheTime: 0 })
    const transaction = waiting?.transaction ?? (await findTransaction(client, hash))
    if (transaction === undefined) return undefined
    const { from: address, nonce } = transaction
    waiting ??= { transaction, block: head }
    if ((await getTransactionCount(client, { address, blockTag: 'latest' })) > nonce) {
      return findReplacement(client, waiting)
    }
    waiting.block = head
    return undefined
  }

  for (;;) {
    const mined = await look().catch(() => undefined)
    if (mined !== undefined) return mined
    const waited = Date.now() - start
    if (waited >= timeout) throw new WaitForTransactionReceiptTimeoutError({ hash })
    const pause = Math.min(Math.max(waited / 16, client.pollingInterval), LONGEST_PAUSE_MS, timeout - waited)
    await new Promise((resolve) => setTimeout(resolve, pause))
  }
}

/** Finds the receipt of a transaction in a block; some nodes make one of what waits. */
async function findReceipt(client: Client, hash: Hash): Promise<TransactionReceipt | undefined> {
  const receipt = await getTransactionReceipt(client, { hash }).catch(unless(TransactionReceiptNotFoundError))
  return receipt?.transactionHash === hash && typeof receipt.blockNumber === 'bigint' ? receipt : undefined
}

function findTransaction(client: Client, hash: Hash): Promise<Transaction | undefined> {
  return getTransaction(client, { hash }).catch(unless(TransactionNotFoundError))
}

/** Looks for what took a nonce in the blocks since it was free; undefined when that is the transaction itself, or not shown yet. */
async function findReplacement(
  client: Client,
  { transaction: waited, block }: Waiting,
): Promise<Mined | undefined> {
  const head = await getBlockNumber(client, { cacheTime: 0 })
  for (let blockNumber = head; blockNumber >= 0n && blockNumber > block - BLOCKS_APART; blockNumber--) {
    const { transactions } = await getBlock(client, { blockNumber, includeTransactions: true })
    const found = transactions.find(
      ({ from, nonce }) => nonce === waited.nonce && isAddressEqual(from, waited.from),
    )
    if (found === undefined) continue
    const receipt = found.hash === waited.hash ? undefined : await findReceipt(client, found.hash)
    return receipt && { receipt, replaced: compare(waited, found) }
  }
  return undefined
}

function compare(waited: Transaction, found: Transaction): ReplacementReason {
  if (found.to === waited.to && found.value === waited.value && found.input === waited.input) {
    return 'repriced'
  }
  return found.from === found.to && found.value === 0n ? 'cancelled' : 'replaced'
}

function unless(absent: abstract new (...args: never[]) => Error): (error: unknown) => undefined {
  return (error) => {
    if (!(error instanceof absent)) throw error
    return undefined
  }
}
