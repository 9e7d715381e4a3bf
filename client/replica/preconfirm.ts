import type { Address, Hash, Hex } from 'viem'
import { keystoreReplicaAbi } from '../../contracts/index.ts'
import { type Config, type ShortConfig, toShortConfig } from '../../protocol/index.ts'
import type { SendingClient, TransactionOptions } from '../SendingClient.ts'
import { sendCall } from '../sendCall.ts'
import type { OnReplica } from './OnReplica.ts'

/** An update, and the config that it replaces. */
export type PreconfirmParameters = {
  account: Address
  /** The config that the replica holds in force for the account. */
  current: Config | ShortConfig
  /** The bytes that also go to the sequencer. */
  raw: Hex
} & TransactionOptions

/** Sends `preconfirm`: an update takes effect for an account by its own signatures (protocol.md §7.4). */
export function preconfirm(
  client: SendingClient,
  { replica, account, current, raw, ...options }: PreconfirmParameters & OnReplica,
): Promise<Hash> {
  return sendCall(
    client,
    {
      address: replica,
      abi: keystoreReplicaAbi,
      functionName: 'preconfirm',
      args: [account, 'data' in current ? toShortConfig(current) : current, raw],
    },
    options,
  )
}
