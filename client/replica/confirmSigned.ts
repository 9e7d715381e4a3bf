import type { ContractFunctionArgs, Hash, Hex } from 'viem'
import { keystoreReplicaAbi } from '../../contracts/index.ts'
import { type Config, type ShortConfig, toShortConfig } from '../../protocol/index.ts'
import type { SendingClient, TransactionOptions } from '../SendingClient.ts'
import { sendCall } from '../sendCall.ts'
import type { OnReplica } from './OnReplica.ts'

/** The proof of a config, and the raw set-configs that lead to it from the confirmed one. */
export type ConfirmSignedParameters = {
  proof: ContractFunctionArgs<typeof keystoreReplicaAbi, 'nonpayable', 'confirmSigned'>[0]
  /** The confirmed config; the initial one where none was confirmed. */
  confirmed: Config | ShortConfig
  rawSetConfigs: readonly Hex[]
} & TransactionOptions

/** Sends `confirmSigned`, which confirms from an output that is not final yet (protocol.md §7.4). */
export function confirmSigned(
  client: SendingClient,
  { replica, proof, confirmed, rawSetConfigs, ...options }: ConfirmSignedParameters & OnReplica,
): Promise<Hash> {
  return sendCall(
    client,
    {
      address: replica,
      abi: keystoreReplicaAbi,
      functionName: 'confirmSigned',
      args: [proof, 'data' in confirmed ? toShortConfig(confirmed) : confirmed, rawSetConfigs],
    },
    options,
  )
}
