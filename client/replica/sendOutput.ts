import type { Address, ContractFunctionArgs, Hash } from 'viem'
import { getCode, writeContract } from 'viem/actions'
import { outputBridgeAbi } from '../../contracts/index.ts'
import { NotAContractError } from '../errors.ts'
import { type SendingClient, sendingFrom, type TransactionOptions } from '../SendingClient.ts'
import type { OnReplica } from './OnReplica.ts'

/** A final output, as the prover reads it, and the way to the replica. */
export type SendOutputParameters = OnReplica & {
  /** On L1, as `getOutputBridge` tells it. */
  outputBridge: Address
  /** On L1: the OptimismPortal of the replica's chain. Another chain's takes the output where no replica stands. */
  portal: Address
  output: ContractFunctionArgs<typeof outputBridgeAbi, 'nonpayable', 'sendOutput'>[2]
  /** Of the replica's call on its chain, which the portal charges for on L1; 200,000 by default. */
  depositGas?: bigint
} & TransactionOptions

/** `receiveOutput` uses about 80,000. */
const DEPOSIT_GAS = 200_000n

/**
 * Sends `sendOutput` on L1: the replica learns a final output by a deposit, once for all its wallets, without any proof
 * (protocol.md §5.5). It arrives when the chain takes over the L1 block; wait with `waitForRoot`.
 *
 * @throws {NotAContractError} when no contract stands at the bridge's or the portal's address. Nothing was sent then.
 */
export async function sendOutput(
  client: SendingClient,
  { outputBridge, portal, replica, output, depositGas = DEPOSIT_GAS, ...options }: SendOutputParameters,
): Promise<Hash> {
  await assertContract(client, 'OutputBridge', outputBridge)
  await assertContract(client, 'OptimismPortal', portal)
  return writeContract(client, {
    ...sendingFrom(client, options),
    address: outputBridge,
    abi: outputBridgeAbi,
    functionName: 'sendOutput',
    args: [portal, replica, output, depositGas],
  })
}

async function assertContract(client: SendingClient, name: string, address: Address): Promise<void> {
  if ((await getCode(client, { address })) === undefined) throw new NotAContractError(name, address)
}
