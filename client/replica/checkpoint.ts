import { type Address, type Hash, type Hex, type Log, parseEventLogs } from 'viem'
import { l1BlockSourceAbi } from '../../contracts/index.ts'
import type { SendingClient, TransactionOptions } from '../SendingClient.ts'
import { sendCall } from '../sendCall.ts'

/** Which source shall store what it vouches for now. */
export type CheckpointParameters = { source: Address } & TransactionOptions

/** Of a new entry. Where somebody has stored already what a source vouches for now, a checkpoint seems to cost less than in a later block. */
const NEW_ENTRY_GAS = 50_000n

/** Sends `checkpoint` to a source, so that proofs from what it vouches for now stay good (protocol.md §7.1). */
export function checkpoint(
  client: SendingClient,
  { source, ...options }: CheckpointParameters,
): Promise<Hash> {
  const call = { address: source, abi: l1BlockSourceAbi, functionName: 'checkpoint' } as const
  return sendCall(client, call, options, NEW_ENTRY_GAS)
}

/** Finds what a `checkpoint` stored in the logs of its receipt: an L1 block hash, a beacon root, or an L3's parent block's hash. */
export function findCheckpoint(source: Address, logs: readonly Log[]): Hex | undefined {
  const ofSource = logs.filter(({ address }) => address.toLowerCase() === source.toLowerCase())
  const [event] = parseEventLogs({ abi: l1BlockSourceAbi, eventName: 'Checkpointed', logs: ofSource })
  return event?.args.stored
}
