import type { ContractFunctionArgs, Hash, Hex, Log } from 'viem'
import { type Address, parseEventLogs } from 'viem'
import { keystoreReplicaAbi } from '../../contracts/index.ts'
import type { SendingClient, TransactionOptions } from '../SendingClient.ts'
import { sendCall } from '../sendCall.ts'
import type { OnReplica } from './OnReplica.ts'

type ConfirmManyArguments = ContractFunctionArgs<typeof keystoreReplicaAbi, 'nonpayable', 'confirmMany'>

/** An output, and what to confirm by it, as the prover makes them. */
export type ConfirmManyParameters = {
  source: Address
  outputIndex: bigint
  items: ConfirmManyArguments[2]
} & TransactionOptions

/** Sends `confirmMany`: the records of many accounts follow what one output proves (protocol.md §7.4). */
export function confirmMany(
  client: SendingClient,
  { replica, source, outputIndex, items, ...options }: ConfirmManyParameters & OnReplica,
): Promise<Hash> {
  return sendCall(
    client,
    {
      address: replica,
      abi: keystoreReplicaAbi,
      functionName: 'confirmMany',
      args: [source, outputIndex, items],
    },
    options,
  )
}

/** An item that `confirmMany` left out: its place, and the error with which `confirm` would have reverted, encoded. */
export type SkippedConfirmation = { item: number; id: Hex; account: Address; reason: Hex }

/** Finds what `confirmMany` left out in the logs of its receipt. */
export function findSkipped(replica: Address, logs: readonly Log[]): SkippedConfirmation[] {
  const ofReplica = logs.filter(({ address }) => address.toLowerCase() === replica.toLowerCase())
  const events = parseEventLogs({
    abi: keystoreReplicaAbi,
    eventName: 'ConfirmationSkipped',
    logs: ofReplica,
  })
  return events.map(({ args: { item, id, account, reason } }) => ({
    item: Number(item),
    id,
    account,
    reason,
  }))
}
