import { type Address, createWalletClient, http, type LocalAccount, type TransactionReceipt } from 'viem'
import { waitForTransactionReceipt } from 'viem/actions'
import { type ReplicaReadActions, sendOutput } from '../client/index.ts'
import { OutputNotFinalError, type Prover } from '../prover/index.ts'
import { CliError } from './CliError.ts'

/** What sending an output by a chain's own bridge takes. */
export type BridgeRelay = {
  l1Url: string
  account: LocalAccount
  /** Of the replica's chain. */
  chain: ReplicaReadActions
  replica: Address
  /** On L1: the OptimismPortal of the replica's chain. */
  portal: Address | undefined
  prover: Prover
  /** Asks again while an answer is undefined or somebody lags. */
  patiently: <T>(what: string, ask: () => Promise<T | undefined>) => Promise<T>
  timeout: number
  signal: AbortSignal
}

/**
 * Sends an output by the OutputBridge once it is final, and waits until the replica has it.
 *
 * @returns The receipt of the transaction on L1.
 */
export async function sendByBridge(relay: BridgeRelay, outputIndex: bigint): Promise<TransactionReceipt> {
  const { l1Url, account, chain, replica, portal, prover, patiently, timeout, signal } = relay
  if (portal === undefined) {
    throw new CliError(
      "the bridge sends by the OptimismPortal of the replica's chain: give it with --l1-portal",
    )
  }
  const { outputBridge, source } = await chain.getOutputBridge()
  const output = await patiently(`output ${outputIndex} to be final`, async () => {
    try {
      return await prover.getFinalOutput({ outputIndex })
    } catch (error) {
      if (error instanceof OutputNotFinalError) return undefined
      throw error
    }
  })
  const l1 = createWalletClient({ account, transport: http(l1Url), pollingInterval: 100 })
  const hash = await sendOutput(l1, { outputBridge, portal, replica, output })
  const receipt = await waitForTransactionReceipt(l1, { hash })
  if (receipt.status !== 'success') throw new CliError(`transaction ${hash} on L1 reverted`)
  await chain.waitForRoot({ source, outputIndex, timeout, signal, pollingInterval: 100 })
  return receipt
}
