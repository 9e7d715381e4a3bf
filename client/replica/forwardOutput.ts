import type { Address, Hash } from 'viem'
import { outputBridgeAbi } from '../../contracts/index.ts'
import { assertContract } from '../assertContract.ts'
import type { SendingClient, TransactionOptions } from '../SendingClient.ts'
import { sendCall } from '../sendCall.ts'
import { DEPOSIT_GAS, type ThroughPortal } from './ThroughPortal.ts'

/** An output that the replica of an L2 holds as final, and the way to the replica of an L3 above it. */
export type ForwardOutputParameters = ThroughPortal & {
  /** By which built-in source the L2's replica knows the output. */
  source: Address
  outputIndex: bigint
} & TransactionOptions

/**
 * Sends `forwardOutput` on an L2: the replica of an L3 above it learns by a deposit what the L2's holds as final, without
 * any proof (protocol.md §5.5). It arrives when the L3 takes over the L2's block; wait with `waitForRoot`.
 *
 * @throws {NotAContractError} when the OutputBridge was not deployed to the L2, or no contract stands at the portal's
 * address. Nothing was sent then.
 */
export async function forwardOutput(
  client: SendingClient,
  parameters: ForwardOutputParameters,
): Promise<Hash> {
  const {
    outputBridge,
    portal,
    replica,
    source,
    outputIndex,
    depositGas = DEPOSIT_GAS,
    ...options
  } = parameters
  await assertContract(client, 'OutputBridge', outputBridge)
  await assertContract(client, 'OptimismPortal', portal)
  return sendCall(
    client,
    {
      address: outputBridge,
      abi: outputBridgeAbi,
      functionName: 'forwardOutput',
      args: [portal, replica, source, outputIndex, depositGas],
    },
    options,
  )
}
