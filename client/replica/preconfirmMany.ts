import type { Address, Hash, Hex } from 'viem'
import { keystoreReplicaAbi } from '../../contracts/index.ts'
import { type Config, type ShortConfig, toShortConfig } from '../../protocol/index.ts'
import type { SendingClient, TransactionOptions } from '../SendingClient.ts'
import { sendCall } from '../sendCall.ts'
import type { OnReplica } from './OnReplica.ts'

/** Updates, each valid on top of the one before, and the config that the first replaces. */
export type PreconfirmManyParameters = {
  account: Address
  /** The config that the replica holds in force for the account. */
  current: Config | ShortConfig
  /** The bytes that also go to the sequencer; the replica may hold some of the first already. */
  rawSetConfigs: readonly Hex[]
} & TransactionOptions

/** Sends `preconfirmMany`: updates take effect for an account by their own signatures (protocol.md §7.4). */
export function preconfirmMany(
  client: SendingClient,
  { replica, account, current, rawSetConfigs, ...options }: PreconfirmManyParameters & OnReplica,
): Promise<Hash> {
  return sendCall(
    client,
    {
      address: replica,
      abi: keystoreReplicaAbi,
      functionName: 'preconfirmMany',
      args: [account, 'data' in current ? toShortConfig(current) : current, rawSetConfigs],
    },
    options,
  )
}
