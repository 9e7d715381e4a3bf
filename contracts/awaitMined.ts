import {
  type Chain,
  type Client,
  type Hash,
  type ReplacementReason,
  type TransactionReceipt,
  type Transport,
  WaitForTransactionReceiptTimeoutError,
} from 'viem'
import { waitForTransactionReceipt } from 'viem/actions'

/** The longest that Node's timers run; they end at once what is longer. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1

/** For how long transactions are waited for where nothing else is said. */
export const MINING_TIMEOUT_MS = 180_000

/** What is in a block: the transaction waited for, or what took its nonce and how that differs. */
export type Mined = { receipt: TransactionReceipt; replaced?: ReplacementReason }

/**
 * Waits until a transaction, or another one with its nonce, is in a block. What has been paid for is asked for again until the
 * time is over, whatever the node says: viem gives up at the first failure, and for a receipt that comes a moment after its
 * block it takes the transaction for its own replacement.
 *
 * @param timeout - Milliseconds.
 * @throws viem's `WaitForTransactionReceiptTimeoutError` when the time is over.
 */
export async function awaitMined(
  client: Client<Transport, Chain | undefined>,
  { hash, timeout = MINING_TIMEOUT_MS }: { hash: Hash; timeout?: number },
): Promise<Mined> {
  const deadline = Date.now() + Math.min(timeout, MAX_TIMEOUT_MS)
  for (;;) {
    // Without any time viem would wait for ever.
    const left = Math.max(deadline - Date.now(), 1)
    const mined = await askUntil(client, hash, left).catch(() => undefined)
    if (mined !== undefined) return mined
    if (Date.now() >= deadline) throw new WaitForTransactionReceiptTimeoutError({ hash })
    await new Promise((resolve) => setTimeout(resolve, Math.min(client.pollingInterval, left)))
  }
}

async function askUntil(
  client: Client<Transport, Chain | undefined>,
  hash: Hash,
  timeout: number,
): Promise<Mined> {
  let reason: ReplacementReason | undefined
  const onReplaced = (replacement: { reason: ReplacementReason }) => {
    reason = replacement.reason
  }
  const receipt = await waitForTransactionReceipt(client, { hash, timeout, onReplaced })
  return reason === undefined || receipt.transactionHash === hash
    ? { receipt }
    : { receipt, replaced: reason }
}
