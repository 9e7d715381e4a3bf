import {
  type Address,
  BlockNotFoundError,
  createPublicClient,
  fallback,
  type Hex,
  http,
  type PublicClient,
} from 'viem'
import { type Fetch, TemporaryFault } from '../node/index.ts'
import { KeyrollError } from '../protocol/index.ts'

/** What an L1 transaction came to. */
export type SentReceipt = {
  transactionHash: Hex
  status: 'success' | 'reverted'
  blockNumber: bigint
  blockHash: Hex
}

/** Current prices of L1 gas, in wei. */
export type GasPrices = { baseFee: bigint; priorityFee: bigint }

/** What L1 said to a raw transaction. */
export type SendOutcome =
  | 'accepted'
  /** It is in the pool, or in a block. */
  | 'known'
  /** Another transaction took the nonce, or this one is in a block. */
  | 'nonceTooLow'
  /** The pool holds a transaction of this nonce that pays about as much, or wants a higher fee. */
  | 'underpriced'
  | 'insufficientFunds'
  | 'refused'

/** The L1 calls that sending needs; every method throws `TemporaryFault` when L1 does not answer. */
export interface L1Sender {
  chainId(): Promise<bigint>
  /** Counts the account's transactions in blocks: its next nonce. */
  nextNonce(account: Address): Promise<bigint>
  gasPrices(): Promise<GasPrices>
  /**
   * Estimates the gas of a call.
   *
   * @throws {TransactionRevertedError} when it would revert.
   */
  estimateGas(call: { from: Address; to: Address; data: Hex }): Promise<bigint>
  send(raw: Hex): Promise<{ outcome: SendOutcome; message: string }>
  receipt(hash: Hex): Promise<SentReceipt | undefined>
  /** Reads the number of the newest block, and of the newest finalized one, if L1 has finalized any. */
  heads(): Promise<{ latest: bigint; finalized: bigint | undefined }>
}

/** Makes an {@link L1Sender} that asks the URLs one after the other until one answers. */
export function createL1Sender(urls: readonly string[], fetchFn?: Fetch): L1Sender {
  const client: PublicClient = createPublicClient({
    transport: fallback(urls.map((url) => http(url, { retryCount: 1, timeout: 15_000, fetchFn }))),
    cacheTime: 0,
  })

  return {
    chainId: () => ask(async () => BigInt(await client.getChainId())),
    nextNonce: (address) =>
      ask(async () => BigInt(await client.getTransactionCount({ address, blockTag: 'latest' }))),
    gasPrices: () =>
      ask(async () => {
        const [block, priorityFee] = await Promise.all([
          client.getBlock({ blockTag: 'latest' }),
          client.estimateMaxPriorityFeePerGas(),
        ])
        return { baseFee: block.baseFeePerGas ?? 0n, priorityFee }
      }),
    estimateGas: ({ from, to, data }) =>
      ask(async () => {
        try {
          return await client.estimateGas({ account: from, to, data })
        } catch (cause) {
          const message = messageOf(cause)
          if (isRevert(message)) throw new TransactionRevertedError(to, message, { cause })
          throw cause
        }
      }),
    async send(raw) {
      try {
        await client.sendRawTransaction({ serializedTransaction: raw })
        return { outcome: 'accepted', message: '' }
      } catch (error) {
        const message = messageOf(error)
        const outcome = classifyRefusal(message)
        if (outcome !== undefined) return { outcome, message }
        throw toFault(error)
      }
    },
    receipt: (hash) =>
      ask(async () => {
        try {
          const { status, blockNumber, blockHash } = await client.getTransactionReceipt({ hash })
          return { transactionHash: hash, status, blockNumber, blockHash }
        } catch (error) {
          if (error instanceof Error && error.name === 'TransactionReceiptNotFoundError') return undefined
          throw error
        }
      }),
    heads: () =>
      ask(async () => {
        const latest = await client.getBlockNumber({ cacheTime: 0 })
        return { latest, finalized: await finalizedNumber(client) }
      }),
  }
}

/** Sorts an L1 node's refusal of a raw transaction by what to do about it; undefined when it is not about the transaction. */
export function classifyRefusal(message: string): SendOutcome | undefined {
  // The words of geth, Erigon, Nethermind, Besu, Reth and anvil.
  const text = message.toLowerCase()
  if (/already known|alreadyknown|already imported|known transaction|already in the pool/.test(text)) {
    return 'known'
  }
  if (/nonce too low|oldnonce|nonce has already been used|nonce is lower/.test(text)) return 'nonceTooLow'
  if (
    /underpriced|feetoolow|fee too low|max fee per gas less than block base fee|not enough to replace/.test(
      text,
    )
  ) {
    return 'underpriced'
  }
  if (/insufficient funds|insufficientfunds|exceeds transaction sender account balance/.test(text)) {
    return 'insufficientFunds'
  }
  if (
    /invalid|exceeds|intrinsic gas|oversized|nonce too high|limit|txpool|pool is full|not supported/.test(
      text,
    )
  ) {
    return 'refused'
  }
  return undefined
}

async function finalizedNumber(client: PublicClient): Promise<bigint | undefined> {
  try {
    const { number } = await client.getBlock({ blockTag: 'finalized' })
    return number
  } catch (error) {
    // A young L1: some nodes answer null, geth and Erigon an error.
    const isNone =
      error instanceof BlockNotFoundError || /block not found|unknown block/i.test(messageOf(error))
    if (isNone) return undefined
    throw error
  }
}

async function ask<T>(question: () => Promise<T>): Promise<T> {
  try {
    return await question()
  } catch (error) {
    throw toFault(error)
  }
}

function toFault(error: unknown): unknown {
  if (error instanceof KeyrollError) return error
  return new TemporaryFault(`L1 did not answer: ${messageOf(error)}`, { cause: error })
}

function isRevert(message: string): boolean {
  return /revert/i.test(message)
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // viem's own message repeats the request with its calldata; the node's words are in the details.
  const details = 'details' in error && typeof error.details === 'string' ? error.details : undefined
  const short =
    'shortMessage' in error && typeof error.shortMessage === 'string' ? error.shortMessage : undefined
  return [short, details].filter((part) => part !== undefined).join(' ') || error.message
}

/** Reports a transaction that would revert, or did, on L1. */
export class TransactionRevertedError extends KeyrollError {
  override readonly name = 'TransactionRevertedError'
  constructor(to: Address, reason: string, options?: ErrorOptions) {
    super(`a transaction to ${to} reverts on L1: ${reason}`, options)
  }
}
