import type { Address, Hash, LocalAccount, TransactionReceipt } from 'viem'
import { getChainId } from 'viem/actions'
import {
  deliverOutput,
  type FeeLimits,
  forwardOutput,
  getRoot,
  type ReplicaReadActions,
  type SendingClient,
  sendOutput,
} from '../client/index.ts'
import { answered, type Prover, RootFinalizedError } from '../prover/index.ts'
import { awaitReceipt } from './awaitReceipt.ts'
import { CliError } from './CliError.ts'
import { createPayer } from './createPayer.ts'

/** What telling a replica of an output without any proof takes. */
export type BridgeRelay = {
  l1Url: string
  /** Of an L3: JSON-RPC of the chain below it. */
  parentUrl: string | undefined
  account: LocalAccount
  feeLimits: FeeLimits | undefined
  /** Of the replica. */
  chain: SendingClient & ReplicaReadActions
  replica: Address
  /** On the chain below: the OptimismPortal of the replica's chain. */
  portal: Address | undefined
  prover: Prover
  /** Asks again while an answer is undefined or somebody lags. */
  patiently: <T>(what: string, ask: () => Promise<T | undefined>) => Promise<T>
}

/**
 * Has the OutputBridge tell the replica of an output once that is final, and waits until the replica has it: on L1 directly,
 * to an L2 from L1, to an L3 from the chain below it, whose replica must have got it by the bridge before.
 *
 * @returns The receipt of the transaction on L1, or on the chain below; undefined when the replica knows the output already.
 * @throws {RootFinalizedError} when somebody else was faster.
 */
export async function sendByBridge(
  relay: BridgeRelay,
  outputIndex: bigint,
): Promise<TransactionReceipt | undefined> {
  const { l1Url, parentUrl, account, chain, patiently } = relay
  const { outputBridge, source } = await chain.getOutputBridge()
  const findRoot = () => answered('L2 node', 'root', chain.getRoot({ source, outputIndex }))
  if ((await findRoot()) !== undefined) return undefined
  const payer = await createPayer(parentUrl ?? l1Url, account)
  const send = parentUrl === undefined ? sendFromL1 : forwardFromParent
  const hash = await send(relay, payer, { outputBridge, source, outputIndex })
  const receipt = await awaitReceipt(payer, { hash })
  await patiently(`the deposit with output ${outputIndex} to arrive at the replica`, findRoot)
  return receipt
}

type Sent = { outputBridge: Address; source: Address; outputIndex: bigint }

async function sendFromL1(
  { chain, replica, portal, prover, feeLimits, patiently }: BridgeRelay,
  l1: SendingClient,
  { outputBridge, outputIndex }: Sent,
): Promise<Hash> {
  const isOnL1 = (await getChainId(chain)) === (await getChainId(l1))
  const through = isOnL1 ? undefined : requirePortal(portal)
  const output = await patiently(`output ${outputIndex} to be final`, () =>
    prover.getFinalOutput({ outputIndex }),
  )
  const sent = { outputBridge, replica, output, ...(feeLimits && { feeLimits }) }
  return through === undefined ? deliverOutput(l1, sent) : sendOutput(l1, { ...sent, portal: through })
}

async function forwardFromParent(
  { chain, replica, portal, feeLimits, patiently }: BridgeRelay,
  parent: SendingClient,
  { outputBridge, source, outputIndex }: Sent,
): Promise<Hash> {
  const through = requirePortal(portal)
  await patiently(`output ${outputIndex} to reach the replica of the chain below by the bridge`, async () => {
    const reading = getRoot(parent, { replica, source, outputIndex })
    if ((await answered('parent node', 'root', reading)) === undefined) return undefined
    // Anybody may have sent it on while it was waited for.
    const known = await answered('L2 node', 'root', chain.getRoot({ source, outputIndex }))
    if (known !== undefined) throw new RootFinalizedError(source, outputIndex)
    return true
  })
  const sent = { outputBridge, replica, source, outputIndex, ...(feeLimits && { feeLimits }) }
  return forwardOutput(parent, { ...sent, portal: through })
}

function requirePortal(portal: Address | undefined): Address {
  if (portal !== undefined) return portal
  throw new CliError("the bridge sends by the OptimismPortal of the replica's chain: give it with --portal")
}
