import { type Address, BlockNotFoundError, type Hex, type PublicClient } from 'viem'
import { batchInboxAbi, outputOracleAbi, revertReason } from '../../contracts/index.ts'
import { type BlobProofKind, TemporaryFault } from '../../node/index.ts'
import { KeyrollError } from '../../protocol/index.ts'
import { type L1Nodes, LONGEST_PART, l1MessageOf, nodeMessageOf } from './L1Nodes.ts'

/** What an L1 transaction came to. */
export type SentReceipt = {
  transactionHash: Hex
  status: 'success' | 'reverted'
  blockNumber: bigint
  blockHash: Hex
}

/** The rule in force for what a byte of calldata costs at least: 10 gas for a zero and 40 for any other (Prague), or 64 for each (Amsterdam). */
export type CalldataFloor = 'EIP-7623' | 'EIP-7976'

/** Current prices of L1 gas and blob gas, in wei; without a blob base fee L1 has no blobs. */
export type GasPrices = { baseFee: bigint; priorityFee: bigint; blobBaseFee?: bigint | undefined }

/** The same, with what decides how much gas data take. */
export type DataPrices = GasPrices & { calldataFloor: CalldataFloor }

/** What L1 said to a raw transaction. */
export type SendOutcome =
  | 'accepted'
  /** It is in the pool, or in a block. */
  | 'known'
  /** Another transaction took the nonce, or this one is in a block. */
  | 'nonceTooLow'
  /** The pool holds a transaction of this nonce that pays about as much, or wants a higher fee. */
  | 'underpriced'
  /** The pool holds a transaction of the other kind (blobs or calldata) from this account. */
  | 'otherKindPending'
  /** The pool lacks a transaction of this account before this one. */
  | 'nonceGap'
  /** The node wants the other kind of blob proofs. */
  | 'wrongProofs'
  | 'insufficientFunds'
  | 'refused'

/** A transaction as far as its gas depends on it. */
export type EstimatedCall = { from: Address; to: Address; data: Hex; blobVersionedHashes?: readonly Hex[] }

/** The L1 calls that sending needs; every method throws as `L1Nodes`: `TemporaryFault` when L1 does not answer. */
export interface L1Sender {
  /** Counts the account's transactions in blocks: its next nonce. */
  nextNonce(account: Address): Promise<bigint>
  gasPrices(): Promise<DataPrices>
  /**
   * Estimates the gas of a call.
   *
   * @throws {TransactionRevertedError} when it would revert.
   */
  estimateGas(call: EstimatedCall): Promise<bigint>
  /** Tells which proofs L1 wants beside blobs, by the newest block's fork. */
  blobProofKind(): Promise<BlobProofKind>
  send(raw: Hex): Promise<{ outcome: SendOutcome; message: string }>
  receipt(hash: Hex): Promise<SentReceipt | undefined>
  /** Reads the number of the newest block, and of the newest finalized one, if L1 has finalized any. */
  heads(): Promise<{ latest: bigint; finalized: bigint | undefined }>
}

/**
 * Osaka brought Ethereum the P-256 precompile (EIP-7951) together with cell proofs (EIP-7594): whether it recognises a good
 * signature tells the fork on every node, also on those without `eth_config`.
 */
const P256_VERIFY: Address = '0x0000000000000000000000000000000000000100'
const P256_PROBE: Hex =
  '0x4cee90eb86eaa050036147a12d49004b6b9c72bd725d39d4785011fe190f0b4da73bd4903f0ce3b639bbbf6e8e80d16931ff4bcf5993d58468e8fb19086e8cac36dbcd03009df8c59286b162af3bd7fcc0450c9aa81be5d10d312af6c66b1d604aebd3099c618202fcfe16ae7770b0c49ab5eadf74b754204a3bb6060e44eff37618b065f9832de4ca6ca971a7a1adc826d0f7c00181a5fb2ddf79ae00b4e10e'

/** Of the contracts that a sequencer sends to. */
const CONTRACT_ERRORS = [...batchInboxAbi, ...outputOracleAbi]

/** Makes an {@link L1Sender} of L1 nodes. */
export function createL1Sender({ ask, tell }: L1Nodes): L1Sender {
  return {
    nextNonce: (address) =>
      ask(async (node) => BigInt(await node.getTransactionCount({ address, blockTag: 'latest' }))),
    gasPrices: () =>
      ask(async (node) => {
        const [block, priorityFee, blobBaseFee] = await Promise.all([
          node.getBlock({ blockTag: 'latest' }),
          node.estimateMaxPriorityFeePerGas(),
          readBlobBaseFee(node),
        ])
        return { baseFee: block.baseFeePerGas ?? 0n, priorityFee, blobBaseFee, calldataFloor: floorOf(block) }
      }),
    estimateGas: ({ from, to, data, blobVersionedHashes = [] }) =>
      ask(async (node) => {
        const call = { from, to, data }
        const hasBlobs = blobVersionedHashes.length > 0
        const blobs = hasBlobs ? { blobVersionedHashes: [...blobVersionedHashes] } : {}
        try {
          const [estimate] = await Promise.all([
            node.request({ method: 'eth_estimateGas', params: [{ ...call, ...blobs }] }),
            // Some nodes take a revert for an answer when they estimate, but not when they call. A call has no blobs there.
            hasBlobs ? undefined : node.request({ method: 'eth_call', params: [call, 'latest'] }),
          ])
          return BigInt(estimate)
        } catch (cause) {
          if (!/revert/i.test(nodeMessageOf(cause) ?? '')) throw cause
          const reason = revertReason(CONTRACT_ERRORS, cause)?.slice(0, LONGEST_PART)
          throw new TransactionRevertedError(to, reason ?? l1MessageOf(cause))
        }
      }),
    blobProofKind: () =>
      ask(async (node) => {
        const { data } = await node.call({ to: P256_VERIFY, data: P256_PROBE })
        return data !== undefined && BigInt(data) === 1n ? 'cells' : 'blob'
      }),
    send: (raw) =>
      tell(
        async (node): ReturnType<L1Sender['send']> => {
          try {
            await node.sendRawTransaction({ serializedTransaction: raw })
            return { outcome: 'accepted', message: '' }
          } catch (error) {
            // Only the node's own words count: viem calls whatever has code -32000 an invalid parameter.
            const said = nodeMessageOf(error)
            const outcome = said === undefined ? undefined : classifyRefusal(said)
            if (outcome === undefined) throw error
            return { outcome, message: l1MessageOf(error) }
          }
        },
        ({ outcome }) => outcome === 'accepted' || outcome === 'known',
      ),
    receipt: (hash) =>
      ask(async (node) => {
        try {
          const { status, blockNumber, blockHash } = await node.getTransactionReceipt({ hash })
          // Some nodes make a receipt of what waits.
          if (blockNumber === null || blockHash === null) return undefined
          if (status !== 'success' && status !== 'reverted')
            throw new TemporaryFault(`L1 gave a receipt for ${hash} that does not say how it ended`)
          return { transactionHash: hash, status, blockNumber, blockHash }
        } catch (error) {
          if (error instanceof Error && error.name === 'TransactionReceiptNotFoundError') return undefined
          throw error
        }
      }),
    heads: () =>
      ask(async (node) => ({
        latest: await node.getBlockNumber({ cacheTime: 0 }),
        finalized: await finalizedNumber(node),
      })),
  }
}

/** Sorts an L1 node's refusal of a raw transaction by what to do about it; undefined when it is not about the transaction. */
export function classifyRefusal(message: string): SendOutcome | undefined {
  // The words of geth, Erigon, Nethermind, Besu, Reth, EthereumJS and anvil.
  const text = message.toLowerCase()
  if (/rate limit|too many requests|request exceeds defined limit/.test(text)) return undefined
  if (/already known|alreadyknown|already imported|known transaction|already in the (tx)?pool/.test(text)) {
    return 'known'
  }
  if (
    /already ?reserved|conflicts with existing transaction|pending transaction type conflict|conflictingtype/.test(
      text,
    )
  ) {
    return 'otherKindPending'
  }
  if (
    /sidecar version|sidecar (after|before) osaka|version of network wrapper|txproofversion|number of \d* ?blob proofs/.test(
      text,
    )
  ) {
    return 'wrongProofs'
  }
  if (/nonce too high|gapped nonce|noncegap|nonce gap/.test(text)) return 'nonceGap'
  if (/nonce too low|oldnonce|nonce has already been used|nonce is lower/.test(text)) return 'nonceTooLow'
  if (
    /underpriced|feetoolow|fee too low|less than block (blob )?(base|gas) ?fee|not enough to replace|could not replace|replacementnotallowed|below configured minimum|below current base fee|replacement (blob )?gas too low|cannot pay basefee/.test(
      text,
    )
  ) {
    return 'underpriced'
  }
  if (
    /insufficient funds|insufficientfunds|exceeds (transaction sender )?account balance|not have enough balance/.test(
      text,
    )
  ) {
    return 'insufficientFunds'
  }
  if (
    /invalid|exceeds|fee ?cap exceeded|intrinsic gas|oversized|limit|txpool|pool is full|not supported|unexpected eip|blob|sidecar|rlp/.test(
      text,
    )
  ) {
    return 'refused'
  }
  return undefined
}

/** Tells the rule by the header, of which EIP-7928, of the same fork, appended a field. */
function floorOf(block: object): CalldataFloor {
  const isAmsterdam = 'blockAccessListHash' in block && typeof block.blockAccessListHash === 'string'
  return isAmsterdam ? 'EIP-7976' : 'EIP-7623'
}

/** Asks in both ways that nodes have; undefined where neither is known, or it is below 1 wei, as before Cancun. */
async function readBlobBaseFee(node: PublicClient): Promise<bigint | undefined> {
  try {
    return (await node.getBlobBaseFee()) || undefined
  } catch (error) {
    if (!isUnknownMethod(error)) throw error
  }
  const history: { baseFeePerBlobGas?: readonly Hex[] } = await node.request({
    method: 'eth_feeHistory',
    params: ['0x1', 'latest', []],
  })
  const next = history.baseFeePerBlobGas?.at(-1)
  return next === undefined ? undefined : BigInt(next) || undefined
}

function isUnknownMethod(error: unknown): boolean {
  return /not (found|supported|available|exist)|unknown method/i.test(l1MessageOf(error))
}

async function finalizedNumber(node: PublicClient): Promise<bigint | undefined> {
  try {
    const { number } = await node.getBlock({ blockTag: 'finalized' })
    return number ?? undefined
  } catch (error) {
    // A young L1: some nodes answer null, geth and Erigon an error.
    const isNone =
      error instanceof BlockNotFoundError || /block not found|unknown block/i.test(l1MessageOf(error))
    if (isNone) return undefined
    throw error
  }
}

/** Reports a transaction that would revert, or did, on L1. */
export class TransactionRevertedError extends KeyrollError {
  override readonly name = 'TransactionRevertedError'
  constructor(to: Address, reason: string, options?: ErrorOptions) {
    super(`a transaction to ${to} reverts on L1: ${reason}`, options)
  }
}
