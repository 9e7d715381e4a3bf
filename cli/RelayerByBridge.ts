import {
  type Address,
  createWalletClient,
  type Hash,
  http,
  type LocalAccount,
  type TransactionReceipt,
} from 'viem'
import { getChainId, waitForTransactionReceipt } from 'viem/actions'
import {
  deliverOutput,
  forwardOutput,
  getRoot,
  type ReplicaReadActions,
  type SendingClient,
  sendOutput,
} from '../client/index.ts'
import { OutputNotFinalError, type Prover } from '../prover/index.ts'
import { CliError } from './CliError.ts'

/** What telling a replica of an output without any proof takes. */
export type BridgeRelay = {
  l1Url: string
  /** Of an L3: JSON-RPC of the chain below it. */
  parentUrl: string | undefined
  account: LocalAccount
  /** Of the replica. */
  chain: SendingClient & ReplicaReadActions
  replica: Address
  /** On the chain below: the OptimismPortal of the replica's chain. */
  portal: Address | undefined
  prover: Prover
  /** Asks again while an answer is undefined or somebody lags. */
  patiently: <T>(what: string, ask: () => Promise<T | undefined>) => Promise<T>
  timeout: number
  signal: AbortSignal
}

/**
 * Has the OutputBridge tell the replica of an output once that is final, and waits until the replica has it: on L1 directly,
 * to an L2 from L1, to an L3 from the chain below it, whose replica must have got it by the bridge before.
 *
 * @returns The receipt of the transaction on L1, or on the chain below.
 */
export async function sendByBridge(relay: BridgeRelay, outputIndex: bigint): Promise<TransactionReceipt> {
  const { l1Url, parentUrl, account, chain, timeout, signal } = relay
  const { outputBridge, source } = await chain.getOutputBridge()
  const payer = createWalletClient({ account, transport: http(parentUrl ?? l1Url), pollingInterval: 100 })
  const send = parentUrl === undefined ? sendFromL1 : forwardFromParent
  const hash = await send(relay, payer, { outputBridge, source, outputIndex })
  const receipt = await waitForTransactionReceipt(payer, { hash })
  if (receipt.status !== 'success') throw new CliError(`transaction ${hash} reverted`)
  await chain.waitForRoot({ source, outputIndex, timeout, signal, pollingInterval: 100 })
  return receipt
}

type Sent = { outputBridge: Address; source: Address; outputIndex: bigint }

async function sendFromL1(
  { chain, replica, portal, prover, patiently }: BridgeRelay,
  l1: SendingClient,
  { outputBridge, outputIndex }: Sent,
): Promise<Hash> {
  const isOnL1 = (await getChainId(chain)) === (await getChainId(l1))
  const through = isOnL1 ? undefined : requirePortal(portal)
  const output = await patiently(`output ${outputIndex} to be final`, async () => {
    try {
      return await prover.getFinalOutput({ outputIndex })
    } catch (error) {
      if (error instanceof OutputNotFinalError) return undefined
      throw error
    }
  })
  return through === undefined
    ? deliverOutput(l1, { outputBridge, replica, output })
    : sendOutput(l1, { outputBridge, portal: through, replica, output })
}

async function forwardFromParent(
  { replica, portal, patiently }: BridgeRelay,
  parent: SendingClient,
  { outputBridge, source, outputIndex }: Sent,
): Promise<Hash> {
  const through = requirePortal(portal)
  await patiently(`output ${outputIndex} to reach the replica of the chain below by the bridge`, () =>
    getRoot(parent, { replica, source, outputIndex }),
  )
  return forwardOutput(parent, { outputBridge, portal: through, replica, source, outputIndex })
}

function requirePortal(portal: Address | undefined): Address {
  if (portal !== undefined) return portal
  throw new CliError("the bridge sends by the OptimismPortal of the replica's chain: give it with --portal")
}
