import type { Address, ContractFunctionArgs, Hash } from 'viem'
import { outputBridgeAbi } from '../../contracts/index.ts'
import { assertContract } from '../assertContract.ts'
import type { SendingClient, TransactionOptions } from '../SendingClient.ts'
import { sendCall } from '../sendCall.ts'
import { DEPOSIT_GAS, type ThroughPortal } from './ThroughPortal.ts'

/** A final output, as the prover reads it, and the way to the replica of an L2. */
export type SendOutputParameters = ThroughPortal & {
  output: ContractFunctionArgs<typeof outputBridgeAbi, 'nonpayable', 'sendOutput'>[2]
} & TransactionOptions

/**
 * Sends `sendOutput` on L1: the replica of an OP Stack chain learns a final output by a deposit, once for all its wallets,
 * without any proof (protocol.md §5.5). It arrives when the chain takes over the L1 block; wait with `waitForRoot`.
 *
 * @throws {NotAContractError} when no contract stands at the bridge's or the portal's address. Nothing was sent then.
 */
export async function sendOutput(
  client: SendingClient,
  { outputBridge, portal, replica, output, depositGas = DEPOSIT_GAS, ...options }: SendOutputParameters,
): Promise<Hash> {
  await assertContract(client, 'OutputBridge', outputBridge)
  await assertContract(client, 'OptimismPortal', portal)
  return sendCall(
    client,
    {
      address: outputBridge,
      abi: outputBridgeAbi,
      functionName: 'sendOutput',
      args: [portal, replica, output, depositGas],
    },
    options,
  )
}

/** A final output, as the prover reads it, for the replica on L1 itself. */
export type DeliverOutputParameters = {
  outputBridge: Address
  replica: Address
  output: SendOutputParameters['output']
} & TransactionOptions

/**
 * Sends `deliverOutput` on L1: the replica on L1 learns a final output in the same transaction, without any proof
 * (protocol.md §5.5).
 *
 * @throws {NotAContractError} when no contract stands at the bridge's or the replica's address. Nothing was sent then.
 */
export async function deliverOutput(
  client: SendingClient,
  { outputBridge, replica, output, ...options }: DeliverOutputParameters,
): Promise<Hash> {
  await assertContract(client, 'OutputBridge', outputBridge)
  await assertContract(client, 'KeystoreReplica', replica)
  return sendCall(
    client,
    { address: outputBridge, abi: outputBridgeAbi, functionName: 'deliverOutput', args: [replica, output] },
    options,
  )
}
